"""What came of an action, written back as a fact: the case's status, and its end when its cause is gone."""

from datetime import datetime

from sqlalchemy import Connection, select
from sqlmodel import col

from core_sync.cases import verbs
from core_sync.cases.rules import Status
from core_sync.cases.tables import CaseSignal, ExceptionCase
from core_sync.errors import VerbRefused
from core_sync.failures.tables import Failure

_MOVES = {Status.IN_PROGRESS: verbs.begin, Status.WAITING: verbs.wait}


def show_status(connection: Connection, case_id: int, status: Status, actor: str, at: datetime) -> None:
    """Say on the case that something is done about it, or that it waits; where it says so already, nothing."""
    try:
        _MOVES[status](connection, case_id, actor, at)
    except VerbRefused:
        return  # it is so already, or was resolved meanwhile


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
    status = connection.execute(
        select(col(ExceptionCase.status)).where(col(ExceptionCase.case_id) == case_id)
    ).scalar_one()
    if left is not None or status == Status.RESOLVED:
        return False
    verbs.resolve(connection, case_id, resolution, actor, at)
    return True


def how_it_ended(connection: Connection, case_id: int) -> str | None:
    """How the case was resolved, in the words of whoever resolved it; None while it is open or went into another."""
    return connection.execute(
        select(col(ExceptionCase.resolution)).where(
            col(ExceptionCase.case_id) == case_id,
            col(ExceptionCase.status) == Status.RESOLVED,
            col(ExceptionCase.merged_into).is_(None),
        )
    ).scalar_one_or_none()
