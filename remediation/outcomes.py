"""What came of an action, written back as a fact: the case's timeline, and its end when its cause is gone."""

from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlmodel import col

from core_sync.cases.tables import CaseSignal, ExceptionCase
from core_sync.cases.timeline import add_entry
from core_sync.clock import to_microseconds
from core_sync.failures.tables import Failure


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
        add_entry(connection, case_id, actor, "resolve", at, resolution, after={"status": "resolved"})
    return bool(closed.rowcount == 1)
