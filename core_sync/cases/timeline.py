"""A case's timeline: who did what, when, and what was so before. Entries are never changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select
from sqlmodel import col

from core_sync.cases.tables import CaseEntry
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound

Told = Mapping[str, Any]
NOTHING: Told = {}


def add_entry(
    connection: Connection,
    case_id: int,
    actor: str,
    verb: str,
    at: datetime,
    note: str | None = None,
    before: Told = NOTHING,
    after: Told = NOTHING,
) -> int:
    """Write one line; returns its ``entry_id``. ``before`` and ``after`` name the columns that changed."""
    values = entry_values(case_id, actor, verb, at, note, before, after)
    entry_id = connection.execute(insert(CaseEntry).values(values).returning(col(CaseEntry.entry_id))).scalar_one()
    assert entry_id is not None  # the key of a row that is there
    return entry_id


def add_entries(connection: Connection, entries: Sequence[dict[str, Any]]) -> None:
    """Write many lines, each as ``entry_values`` gives it."""
    if entries:
        connection.execute(insert(CaseEntry), list(entries))


def entry_values(
    case_id: int,
    actor: str,
    verb: str,
    at: datetime,
    note: str | None = None,
    before: Told = NOTHING,
    after: Told = NOTHING,
) -> dict[str, Any]:
    """The columns of one line."""
    return {
        "case_id": case_id,
        "at": to_microseconds(at),
        "actor": actor,
        "verb": verb,
        "note": note,
        "before": msgspec.json.encode(before).decode(),
        "after": msgspec.json.encode(after).decode(),
    }


def read_entry(connection: Connection, case_id: int, entry_id: int) -> CaseEntry:
    """One line of a case.

    Raises:
        NotFound: the case has no such line.
    """
    row = connection.execute(
        select(CaseEntry.__table__).where(  # type: ignore[attr-defined]  # SQLModel adds it to table models
            col(CaseEntry.case_id) == case_id, col(CaseEntry.entry_id) == entry_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound("timeline entry", f"{entry_id} in case {case_id}")
    return CaseEntry(**row._mapping)


def undone_entries(connection: Connection, case_id: int) -> set[int]:
    """Ids of the lines of a case that were taken back."""
    rows = connection.execute(
        select(col(CaseEntry.after)).where(col(CaseEntry.case_id) == case_id, col(CaseEntry.verb) == "undo")
    ).scalars()
    return {int(msgspec.json.decode(told, type=dict[str, Any])["undoes"]) for told in rows}
