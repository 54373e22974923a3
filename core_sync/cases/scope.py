"""What a case touches, one row a SKU, location and channel, so that the list can be narrowed and counted by it."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select
from sqlmodel import col

from core_sync.cases.rows import CASES
from core_sync.cases.rules import Status
from core_sync.cases.tables import CaseScope

SCOPES: Mapping[str, str] = {"sku": "skus", "location": "locations", "channel": "channels"}
"""Kind of scope, and the column of the case that lists it."""

NO_SCOPE: Mapping[str, str] = dict.fromkeys(SCOPES.values(), "[]")
"""That of a case that is new."""


def keep_scope(connection: Connection, case_id: int, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Write what the lists of ``after`` (JSON, by column) hold and those of ``before`` do not; says whether it differs.

    What it no longer touches goes.
    """
    added: list[dict[str, Any]] = []
    gone = False
    for kind, column in SCOPES.items():
        if before[column] == after[column]:
            continue
        old, new = set(_listed(before[column])), set(_listed(after[column]))
        added += [{"kind": kind, "value": value, "case_id": case_id} for value in sorted(new - old)]
        for value in sorted(old - new):
            gone = True
            _forget(connection, case_id, kind, value)
    if added:
        is_open = select(CASES.c.status != Status.RESOLVED).where(CASES.c.case_id == case_id).scalar_subquery()
        connection.execute(insert(CaseScope).values(of_open=is_open), added)
    return gone or bool(added)


def _forget(connection: Connection, case_id: int, kind: str, value: str) -> None:
    connection.execute(
        delete(CaseScope).where(
            col(CaseScope.kind) == kind, col(CaseScope.value) == value, col(CaseScope.case_id) == case_id
        )
    )


def _listed(said: str) -> Collection[str]:
    return msgspec.json.decode(said, type=list[str])
