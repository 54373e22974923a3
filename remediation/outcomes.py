"""What came of an action, written back as a fact: the case's timeline, and its end when its cause is gone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update
from sqlmodel import col

from core_sync.cases.tables import CaseEntry, CaseSignal, ExceptionCase
from core_sync.clock import to_microseconds
from core_sync.failures.tables import Failure


def tell_case(
    connection: Connection,
    case_id: int,
    at: datetime,
    actor: str,
    verb: str,
    note: str,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add one line to the case's timeline."""
    connection.execute(
        insert(CaseEntry).values(
            case_id=case_id,
            at=to_microseconds(at),
            actor=actor,
            verb=verb,
            note=note,
            before="{}",
            after=msgspec.json.encode(after or {}).decode(),
        )
    )


def close_if_cause_gone(connection: Connection, case_id: int, at: datetime, actor: str, resolution: str) -> bool:
    """Resolve the case if every failure in it is resolved; says whether it did."""
    left = connection.execute(
        select(col(Failure.failure_id))
        .join(CaseSignal, col(CaseSignal.signal_id) == col(Failure.failure_id))
        .where(
            col(CaseSignal.kind) == "failure", col(CaseSignal.case_id) == case_id, col(Failure.resolved_at).is_(None)
        )
        .limit(1)
    ).first()
    if left is not None:
        return False
    moment = to_microseconds(at)
    closed = connection.execute(
        update(ExceptionCase)
        .where(col(ExceptionCase.case_id) == case_id, col(ExceptionCase.status) != "resolved")
        .values(status="resolved", resolved_at=moment, updated_at=moment, resolution=resolution)
    )
    if closed.rowcount == 1:
        tell_case(connection, case_id, at, actor, "resolve", resolution, {"status": "resolved"})
    return bool(closed.rowcount == 1)
