"""What was announced or sent and has not arrived when it was due: still in transit, told as a failure until it comes.

It is due when the announcement or the transfer said so (its ``expires_at``). Where nothing was said, what is usual
decides, and that is an expectation's business.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects

OPERATION = "transit"
_SUBJECT = "transit:"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueTransit:
    """Units under way to a place for a reference past the moment at which they were due there."""

    item_id: int
    sku: str
    location: str
    lot: str
    reference: str
    announced: int
    under_way: int
    announced_at: datetime
    due_at: datetime

    @property
    def arrived(self) -> int:
        """Units of it that came."""
        return self.announced - self.under_way


def overdue_transits(connection: Connection, at: datetime) -> list[OverdueTransit]:
    """Everything in transit at ``at`` that was due before, the longest due first."""
    return [_overdue(row) for row in connection.execute(text(_OVERDUE), {"at": to_microseconds(at)})]


def tell_overdue_transits(connection: Connection, at: datetime) -> int:
    """Record a failure for each, and close those that came or are due later now; returns how many are overdue."""
    overdue = {f"{_SUBJECT}{one.item_id}": one for one in overdue_transits(connection, at)}
    told = set(connection.execute(text(_TOLD), {"operation": OPERATION}).scalars())
    record_failures(connection, [_failure(s, one, at) for s, one in overdue.items() if s not in told])
    resolve_subjects(connection, sorted(told - overdue.keys()), at, "it is not under way any more, or due later")
    return len(overdue)


def _overdue(row: Row[Any]) -> OverdueTransit:
    told = row._asdict()
    for name in ("announced_at", "due_at"):
        told[name] = from_microseconds(told[name])
    return OverdueTransit(**told)


def _failure(subject: str, one: OverdueTransit, at: datetime) -> NewFailure:
    came = f"{one.arrived} came" if one.arrived else "nothing came"
    return NewFailure(
        kind="overdue_transit",
        subject=subject,
        message=(
            f"{one.under_way} of {one.announced} {one.sku} are still under way to {one.location} for {one.reference}, "
            f"due on {one.due_at:%Y-%m-%d %H:%M} UTC: {came}"
        ),
        occurred_at=one.due_at,
        recorded_at=at,
        operation=OPERATION,
        sku=one.sku,
        location=one.location,
        error_code="late_confirmation",
        event_lag_s=(at - one.due_at).total_seconds(),
        document=one.reference,
        quantity=one.under_way,
        evidence={"announced": one.announced, "arrived": one.arrived, "announced_at": one.announced_at.isoformat()},
    )


_OVERDUE = """
SELECT i.item_id, p.sku, p.location, p.lot, i.reference, i.placed_quantity AS announced,
       i.open_quantity AS under_way, i.placed_at AS announced_at, i.expires_at AS due_at
FROM open_item i JOIN position p ON p.position_id = i.position_id
WHERE i.kind = 'transit' AND i.open_quantity > 0 AND i.expires_at <= :at
ORDER BY i.expires_at, i.item_id
"""

_TOLD = "SELECT subject FROM failure WHERE resolved_at IS NULL AND subject IS NOT NULL AND operation = :operation"
