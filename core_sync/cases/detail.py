"""One case with everything known of it: its place in the feed, its signals with their evidence, its timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.cases.feed import FeedCase, read_feed_case
from core_sync.cases.timeline import undone_entries
from core_sync.cases.undo import UNDOABLE
from core_sync.clock import from_microseconds

SIGNALS_SHOWN = 200
"""Signals a case page lists; the case says how many there are in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSignalShown:
    """One signal. Of a failure its evidence stands here; an anomaly is known to the room that found it."""

    signal: int
    kind: str
    signal_id: int
    added_at: datetime
    placed_by_hand: bool
    failure: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of the timeline."""

    entry: int
    at: datetime
    actor: str
    verb: str
    note: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    can_be_undone: bool
    undone: bool


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """Everything known of one case; of very many signals the newest."""

    case: FeedCase
    signals: Sequence[CaseSignalShown]
    timeline: Sequence[TimelineEntry]


def read_case(connection: Connection, case_id: int, at: datetime) -> CaseDetail:
    """The case ``case_id``.

    Raises:
        NotFound: there is no such case.
    """
    case = read_feed_case(connection, case_id, at)
    bound = {"case_id": case_id, "limit": SIGNALS_SHOWN}
    signals = [_signal(row) for row in connection.execute(text(_SIGNALS), bound)]
    undone = undone_entries(connection, case_id)
    entries = [_entry(row, undone) for row in connection.execute(text(_ENTRIES), {"case_id": case_id})]
    return CaseDetail(case, signals, entries)


def _signal(row: Row[Any]) -> CaseSignalShown:
    return CaseSignalShown(
        signal=row.case_signal_id,
        kind=row.kind,
        signal_id=row.signal_id,
        added_at=from_microseconds(row.added_at),
        placed_by_hand=bool(row.pinned),
        failure=_failure(row) if row.failure_id is not None else None,
    )


_EVIDENCE = (
    "message", "system", "channel", "operation", "sku", "location", "http_status", "error_code", "attempts",
    "latency_ms", "event_lag_s", "reservation_age_s", "duplicate_of", "document", "quantity", "resolution",
)  # fmt: skip


def _failure(row: Row[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": row.failure_name, "kind": row.failure_kind}
    told |= {name: getattr(row, name) for name in _EVIDENCE if getattr(row, name) is not None}
    for name in ("occurred_at", "resolved_at"):
        if getattr(row, name) is not None:
            told[name] = from_microseconds(getattr(row, name))
    for name in ("mapping_candidates", "evidence", "surroundings"):
        if getattr(row, name) is not None:
            told[name] = _decoded(getattr(row, name))
    return told


def _decoded(said: str) -> Any:
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return said


def _entry(row: Row[Any], undone: set[int]) -> TimelineEntry:
    return TimelineEntry(
        entry=row.entry_id,
        at=from_microseconds(row.at),
        actor=row.actor,
        verb=row.verb,
        note=row.note,
        before=msgspec.json.decode(row.before),
        after=msgspec.json.decode(row.after),
        can_be_undone=row.verb in UNDOABLE and row.entry_id not in undone,
        undone=row.entry_id in undone,
    )


_SIGNALS = f"""
SELECT s.case_signal_id, s.kind, s.signal_id, s.added_at, s.pinned, f.failure_id, f.id AS failure_name,
       f.kind AS failure_kind, f.occurred_at, f.resolved_at, f.mapping_candidates, f.evidence,
       f.surroundings,
       {", ".join(f"f.{name}" for name in _EVIDENCE)}
FROM case_signal s LEFT JOIN failure f ON s.kind = 'failure' AND f.failure_id = s.signal_id
WHERE s.case_id = :case_id ORDER BY s.case_signal_id DESC LIMIT :limit
"""

_ENTRIES = """
SELECT entry_id, at, actor, verb, note, before, after FROM case_entry WHERE case_id = :case_id ORDER BY entry_id
"""
