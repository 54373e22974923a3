"""When a person last looked at the worklist and when they left it, so that they can be told what happened since."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select
from sqlmodel import col

from core_sync.cases.tables import Attendance
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import upsert

AWAY_AFTER = timedelta(minutes=30)
"""Who has not looked for so long has left; the next look is a new visit."""

NOTED_EVERY = timedelta(minutes=1)
"""Looks that follow each other sooner are one look: reading pages writes next to nothing."""


def visit(database: Database, person: str, at: datetime) -> datetime | None:
    """``person`` looks at the list; returns when they last left it, None where they never did.

    Waits for whoever writes: to be called once the list is shown.

    Raises:
        DatabaseUnavailable: nothing can be written.
    """
    with database.reading() as connection:
        seen, _ = _attendance(connection, person)
        left = last_left(connection, person, at)
    if seen is None or at - seen >= NOTED_EVERY:
        with database.transaction() as connection:
            _keep(connection, person, at, left)
    return left


def last_left(connection: Connection, person: str, at: datetime) -> datetime | None:
    """When ``person`` last left the list before the visit that ``at`` is part of; None where they never did."""
    seen, left = _attendance(connection, person)
    return seen if seen is not None and at - seen > AWAY_AFTER else left


def caught_up(connection: Connection, person: str, at: datetime) -> None:
    """``person`` has taken in what happened up to ``at``: only what comes later is news to them."""
    _keep(connection, person, at, at)


def _attendance(connection: Connection, person: str) -> tuple[datetime | None, datetime | None]:
    found = select(col(Attendance.seen_at), col(Attendance.left_at)).where(col(Attendance.person) == person)
    row = connection.execute(found).one_or_none()
    if row is None:
        return None, None
    return from_microseconds(row.seen_at), from_microseconds(row.left_at) if row.left_at else None


def _keep(connection: Connection, person: str, seen: datetime, left: datetime | None) -> None:
    row = {
        "person": person,
        "seen_at": to_microseconds(seen),
        "left_at": to_microseconds(left) if left is not None else 0,
    }
    upsert(connection, Attendance, [row], ("person",))
