"""Reservations that nothing backs any more: past their expiry, or of a cancelled order.

Stale is evidence, not a release: it is told as a failure and stays allocated until someone decides.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects

OPERATION = "reservation"
_SUBJECT = "reservation:"

_STALE = """
SELECT i.item_id, p.sku, p.location, p.lot, i.reference, i.open_quantity, i.placed_at, i.expires_at,
       i.cancelled_at, i.document, i.channel, i.account
FROM open_item i JOIN position p ON p.position_id = i.position_id
WHERE i.kind = 'reservation' AND i.open_quantity > 0 AND (i.expires_at <= :at OR i.cancelled_at IS NOT NULL) {of_skus}
ORDER BY i.item_id
"""

_TOLD_BUT_SETTLED = """
SELECT f.subject FROM failure f
WHERE f.resolved_at IS NULL AND f.subject IS NOT NULL AND f.operation = :operation
  AND f.subject LIKE :prefix AND NOT EXISTS (
    SELECT 1 FROM open_item i
    WHERE f.subject = :stem || i.item_id AND i.open_quantity > 0
      AND (i.expires_at <= :at OR i.cancelled_at IS NOT NULL))
"""


@dataclass(frozen=True, slots=True)
class StaleReservation:
    """Units still allocated for a reference that no longer needs them."""

    item_id: int
    sku: str
    location: str
    lot: str
    reference: str
    open_quantity: int
    placed_at: datetime
    expires_at: datetime | None
    cancelled_at: datetime | None
    document: str | None
    channel: str | None
    account: str | None

    @property
    def subject(self) -> str:
        """The failure subject of this reservation."""
        return f"{_SUBJECT}{self.item_id}"

    @property
    def why(self) -> str:
        """The subclass of what is wrong: ``cancelled_order`` or ``expired_hold``."""
        return "cancelled_order" if self.cancelled_at is not None else "expired_hold"


def stale_reservations(
    connection: Connection, at: datetime, skus: Collection[str] | None = None
) -> list[StaleReservation]:
    """Every stale reservation at ``at``, of ``skus`` where given."""
    of_skus = "" if skus is None else f"AND p.sku IN (SELECT w.sku FROM ({wanted_skus(connection)}) w)"
    bound: dict[str, object] = {"at": to_microseconds(at)}
    if skus is not None:
        bound["skus"] = as_json(skus)
    return [_stale(row) for row in connection.execute(text(_STALE.format(of_skus=of_skus)), bound)]


def tell_stale(connection: Connection, at: datetime) -> int:
    """Record a failure for each stale reservation, and close those that are settled; returns how many are stale."""
    stale = stale_reservations(connection, at)
    told = _open_subjects(connection)
    record_failures(connection, [_failure(item, at) for item in stale if item.subject not in told])
    settled = connection.execute(
        text(_TOLD_BUT_SETTLED),
        {"operation": OPERATION, "prefix": f"{_SUBJECT}%", "stem": _SUBJECT, "at": to_microseconds(at)},
    )
    resolve_subjects(connection, list(settled.scalars()), at, "nothing is reserved for it any more")
    return len(stale)


def _open_subjects(connection: Connection) -> set[str]:
    statement = text("SELECT subject FROM failure WHERE resolved_at IS NULL AND subject LIKE :prefix")
    return set(connection.execute(statement, {"prefix": f"{_SUBJECT}%"}).scalars())


def _stale(row: Row[Any]) -> StaleReservation:
    return StaleReservation(
        item_id=row.item_id,
        sku=row.sku,
        location=row.location,
        lot=row.lot,
        reference=row.reference,
        open_quantity=row.open_quantity,
        placed_at=from_microseconds(row.placed_at),
        expires_at=from_microseconds(row.expires_at) if row.expires_at is not None else None,
        cancelled_at=from_microseconds(row.cancelled_at) if row.cancelled_at is not None else None,
        document=row.document,
        channel=row.channel,
        account=row.account,
    )


def _failure(item: StaleReservation, at: datetime) -> NewFailure:
    since = item.cancelled_at or item.expires_at
    order = f"order {item.document}" if item.document else "its order"
    ended = f"{order} was cancelled" if item.cancelled_at is not None else "it expired"
    return NewFailure(
        kind="stale_reservation",
        subject=item.subject,
        message=(
            f"{item.open_quantity} of {item.sku} at {item.location} are still reserved for {item.reference}, "
            f"though {ended} on {since:%Y-%m-%d %H:%M} UTC"
        ),
        occurred_at=since or at,
        recorded_at=at,
        channel=item.channel,
        operation=OPERATION,
        sku=item.sku,
        location=item.location,
        error_code=item.why,
        reservation_age_s=(at - item.placed_at).total_seconds(),
        document=item.document or item.reference,
        quantity=item.open_quantity,
        evidence={"account": item.account, "order_cancelled": item.cancelled_at is not None},
    )
