"""Open reservations against the orders that systems tell: of an order that has ended, or that nobody knows.

A reservation that lapses by itself (a quotation, say) and an account's allotment are of no order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds

GRACE = timedelta(hours=1)
"""An order younger than this may be missing from its system's list."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OrderTold:
    """What a system tells of the order behind a reservation: ``cancelled``, ``shipped``, or ``unknown`` to it."""

    item_id: int
    state: str
    system: str
    as_of: datetime


def reservations_against_orders(connection: Connection) -> dict[int, OrderTold]:
    """By open reservation, what is told of its order where that is not open."""
    found: dict[int, OrderTold] = {}
    ended = connection.execute(text(_ENDED)).all()
    unknown = connection.execute(text(_UNKNOWN), {"grace": GRACE // timedelta(microseconds=1)}).all()
    for item_id, state, system, as_of in (*ended, *unknown):
        found.setdefault(item_id, OrderTold(item_id, state, system, from_microseconds(as_of)))
    return found


_ENDED = """
SELECT i.item_id, t.state, t.system, t.as_of FROM open_item i JOIN told_order t ON t.document = i.document
WHERE i.kind = 'reservation' AND i.open_quantity > 0 AND t.state <> 'open' AND t.as_of >= i.placed_at
  AND NOT EXISTS (SELECT 1 FROM told_order o WHERE o.document = i.document AND o.state = 'open' AND o.as_of > t.as_of)
ORDER BY t.as_of, t.order_id
"""

_UNKNOWN = f"""
SELECT i.item_id, '{UNKNOWN}', l.system, l.as_of FROM open_item i JOIN order_list l ON l.as_of >= i.placed_at + :grace
WHERE i.kind = 'reservation' AND i.open_quantity > 0 AND i.document IS NOT NULL AND i.expires_at IS NULL
  AND i.reference NOT LIKE 'allotment:%'
  AND NOT EXISTS (SELECT 1 FROM told_order t WHERE t.document = i.document)
  AND EXISTS (SELECT 1 FROM ledger_entry e JOIN source s ON s.source_id = e.source_id
              WHERE e.document = i.document AND e.type = 'reserve' AND s.name = l.system)
ORDER BY l.as_of, l.system
"""
"""A list says nothing of orders that another system reserved for."""
