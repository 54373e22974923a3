"""Reservations that nothing backs any more: past their expiry, or of an order cancelled, shipped or unknown.

Stale is evidence, not a release: it is told as a failure and stays allocated until someone decides.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects
from core_sync.orders.against import UNKNOWN, OrderTold, reservations_against_orders

OPERATION = "reservation"
_SUBJECT = "reservation:"

_STALE = """
SELECT i.item_id, p.sku, p.location, p.lot, i.reference, i.open_quantity, i.placed_at, i.expires_at,
       COALESCE(i.cancelled_at, CASE WHEN o.cancelled_at >= i.placed_at THEN o.cancelled_at END) AS cancelled_at,
       CASE WHEN o.shipped_at >= i.placed_at THEN o.shipped_at END AS shipped_at,
       CASE WHEN o.shipped_at >= i.placed_at THEN o.shipped_units ELSE 0 END AS shipped_units,
       i.document, i.channel, i.account
FROM open_item i JOIN position p ON p.position_id = i.position_id
LEFT JOIN order_state o ON o.document = i.document AND o.sku = p.sku
WHERE i.kind = 'reservation' AND i.open_quantity > 0
  AND (i.expires_at <= :at OR i.cancelled_at IS NOT NULL OR o.cancelled_at >= i.placed_at
       OR (o.shipped_at >= i.placed_at AND o.shipped_units > 0) OR i.item_id IN ({of_told})) {of_skus}
ORDER BY i.placed_at, i.item_id
"""

_OF_TOLD = {
    "sqlite": "SELECT value FROM json_each(:told)",
    "postgresql": "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:told AS json))",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleReservation:
    """Units still allocated for a reference that no longer needs them.

    ``shipped_units`` were shipped for its order and SKU without drawing on a reservation, the last ``shipped_at``.
    ``order`` is what a system tells of its order, where that is what makes it stale.
    """

    item_id: int
    sku: str
    location: str
    lot: str
    reference: str
    open_quantity: int
    placed_at: datetime
    expires_at: datetime | None
    cancelled_at: datetime | None
    shipped_at: datetime | None
    shipped_units: int
    document: str | None
    channel: str | None
    account: str | None
    order: OrderTold | None = None

    @property
    def subject(self) -> str:
        """The failure subject of this reservation."""
        return f"{_SUBJECT}{self.item_id}"

    @property
    def why(self) -> str:
        """The subclass of what is wrong: ``cancelled_order``, ``leaked`` (its order is shipped, or nobody knows it) or
        ``expired_hold``.
        """
        if self.order is not None:
            return "cancelled_order" if self.order.state == "cancelled" else "leaked"
        if self.cancelled_at is not None:
            return "cancelled_order"
        return "leaked" if self.shipped_at is not None else "expired_hold"

    @property
    def order_state(self) -> str | None:
        """How its order ended; ``unknown`` where its system does not know the order."""
        if self.order is not None:
            return self.order.state
        return {"cancelled_order": "cancelled", "leaked": "shipped"}.get(self.why)

    @property
    def ended(self) -> tuple[str, datetime | None]:
        """How its order, or it itself, came to its end, and when."""
        order = f"order {self.document}" if self.document else "its order"
        if self.order is not None:
            unknown = self.order.state == UNKNOWN
            how = f"does not know {order}" if unknown else f"calls {order} {self.order.state}"
            return f"{self.order.system} {how}", self.order.as_of
        if self.cancelled_at is not None:
            return f"{order} was cancelled", self.cancelled_at
        if self.shipped_at is not None:
            return f"{self.shipped_units} were shipped for {order} from elsewhere", self.shipped_at
        return "it expired", self.expires_at


def stale_reservations(
    connection: Connection, at: datetime, skus: Collection[str] | None = None
) -> list[StaleReservation]:
    """Every stale reservation at ``at``, of ``skus`` where given, by number.

    What was shipped from elsewhere ends the oldest reservations of its order, as far as it covers them whole.
    """
    of_skus = "" if skus is None else f"AND p.sku IN (SELECT w.sku FROM ({wanted_skus(connection)}) w)"
    bound: dict[str, object] = {"at": to_microseconds(at)}
    if skus is not None:
        bound["skus"] = as_json(skus)
    told = reservations_against_orders(connection)
    bound["told"] = msgspec.json.encode(sorted(told)).decode()
    statement = _STALE.format(of_skus=of_skus, of_told=_OF_TOLD[connection.dialect.name])
    found = [_stale(row) for row in connection.execute(text(statement), bound)]
    ended = {one.item_id: one for one in _covered(found, at)}
    against = {one.item_id: replace(one, order=told[one.item_id]) for one in found if one.item_id in told}
    return sorted((against | ended).values(), key=lambda one: one.item_id)


def tell_stale(connection: Connection, at: datetime) -> int:
    """Record a failure for each stale reservation, and close those that are settled; returns how many are stale."""
    stale = {one.subject: one for one in stale_reservations(connection, at)}
    told = _open_subjects(connection)
    record_failures(connection, [_failure(item, at) for subject, item in stale.items() if subject not in told])
    settled = sorted(told - stale.keys())
    resolve_subjects(connection, settled, at, "nothing is reserved for it any more")
    return len(stale)


def _covered(found: Iterable[StaleReservation], at: datetime) -> Iterable[StaleReservation]:
    """Those of ``found``, the oldest first, that are over by themselves or covered by what was shipped elsewhere."""
    used: dict[tuple[str | None, str], int] = defaultdict(int)
    for one in found:
        if one.cancelled_at is not None or (one.expires_at is not None and one.expires_at <= at):
            yield one
        elif used[one.document, one.sku] + one.open_quantity <= one.shipped_units:
            used[one.document, one.sku] += one.open_quantity
            yield one


def _open_subjects(connection: Connection) -> set[str]:
    statement = text(
        "SELECT subject FROM failure WHERE resolved_at IS NULL AND subject IS NOT NULL "
        "AND operation = :operation AND subject LIKE :prefix"
    )
    return set(connection.execute(statement, {"operation": OPERATION, "prefix": f"{_SUBJECT}%"}).scalars())


def _stale(row: Row[Any]) -> StaleReservation:
    told = row._asdict()
    for name in ("placed_at", "expires_at", "cancelled_at", "shipped_at"):
        told[name] = from_microseconds(told[name]) if told[name] is not None else None
    return StaleReservation(**told)


def _failure(item: StaleReservation, at: datetime) -> NewFailure:
    ended, since = item.ended
    return NewFailure(
        kind="stale_reservation",
        subject=item.subject,
        message=(
            f"{item.open_quantity} of {item.sku} at {item.location} are still reserved for {item.reference}, "
            f"though {ended} on {since or at:%Y-%m-%d %H:%M} UTC"
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
        evidence={
            "account": item.account,
            "order_cancelled": item.cancelled_at is not None,
            "order_state": item.order_state,
            "shipped_elsewhere": item.shipped_units,
        },
    )
