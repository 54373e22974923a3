"""What is still reserved, under way or held at the positions of a SKU: reference by reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItemShown:
    """Units open for one reference. ``kind`` is reservation, transit or hold; ``expires_at`` of a transit is when it is
    due. ``order_ended`` says what a source told of the order since: ``cancelled`` or ``shipped`` (from elsewhere).
    """

    kind: str
    reference: str
    location: str
    lot: str
    placed: int
    open: int
    placed_at: datetime
    expires_at: datetime | None
    document: str | None
    channel: str | None
    account: str | None
    order_ended: str | None


def open_items(
    connection: Connection, sku: str, location: str | None = None, limit: int = 200
) -> Sequence[OpenItemShown]:
    """The open items of ``sku``, the oldest first."""
    rows = connection.execute(text(_OPEN), {"sku": sku, "location": location, "limit": limit})
    return [
        OpenItemShown(
            kind=row.kind,
            reference=row.reference,
            location=row.location,
            lot=row.lot,
            placed=row.placed_quantity,
            open=row.open_quantity,
            placed_at=from_microseconds(row.placed_at),
            expires_at=from_microseconds(row.expires_at) if row.expires_at is not None else None,
            document=row.document,
            channel=row.channel,
            account=row.account,
            order_ended=row.order_ended,
        )
        for row in rows
    ]


_OPEN = """
SELECT i.kind, i.reference, p.location, p.lot, i.placed_quantity, i.open_quantity, i.placed_at, i.expires_at,
       i.document, i.channel, i.account,
       CASE WHEN i.cancelled_at IS NOT NULL OR o.cancelled_at >= i.placed_at THEN 'cancelled'
            WHEN o.shipped_at >= i.placed_at AND o.shipped_units > 0 THEN 'shipped' END AS order_ended
FROM position p JOIN open_item i ON i.position_id = p.position_id
LEFT JOIN order_state o ON i.kind = 'reservation' AND o.document = i.document AND o.sku = p.sku
WHERE p.sku = :sku AND (CAST(:location AS TEXT) IS NULL OR p.location = :location) AND i.open_quantity > 0
ORDER BY i.placed_at, i.item_id LIMIT :limit
"""
