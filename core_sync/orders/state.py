"""What sources know of the orders that stock is reserved for: kept by order and SKU, read from new ledger entries.

An order ends at one place while its reservation stands at another: it is cancelled, or shipped from elsewhere. Nothing
is released for that; it is evidence that a reservation is stale.
"""

from sqlalchemy import Connection, text

from core_sync.database.upsert import upsert
from core_sync.ledger.effects import Flag
from core_sync.orders.tables import OrderState

_AT_ONCE = 500_000
"""Entries that one reading looks at, so that a long ledger is read in parts."""

_FLAGS = {"reversal": int(Flag.REVERSAL), "drawn": int(Flag.DRAWN)}

_OVERLAP = 50_000
"""Entries looked at again: writers in parallel may commit a smaller number after a larger one was seen."""


def read_orders(connection: Connection) -> int:
    """Bring the states of orders with open reservations up to date; returns how many were looked at.

    Each is read from all its entries, so reading an entry twice changes nothing.
    """
    seen: int = connection.execute(text("SELECT entry_id FROM orders_read")).scalar_one()
    newest: int = connection.execute(text("SELECT COALESCE(MAX(entry_id), 0) FROM ledger_entry")).scalar_one()
    if newest == seen:
        return 0
    first = max(0, seen - _OVERLAP)
    last = min(newest, seen + _AT_ONCE)
    rows = connection.execute(text(_STATES), {"first": first, "last": last, **_FLAGS}).mappings()
    states = [dict(row) for row in rows]
    upsert(connection, OrderState, states, ("document", "sku"))
    connection.execute(text("UPDATE orders_read SET entry_id = :last"), {"last": last})
    return len(states)


_STATES = """
WITH told AS (
    SELECT DISTINCT document FROM ledger_entry
    WHERE entry_id > :first AND entry_id <= :last AND document IS NOT NULL
      AND (type IN ('order_cancelled', 'reserve') OR (type = 'ship' AND quantity + allocated_delta > 0))
), wanted AS (
    SELECT DISTINCT i.document, p.sku FROM open_item i JOIN position p ON p.position_id = i.position_id
    WHERE i.kind = 'reservation' AND i.open_quantity > 0 AND i.document IN (SELECT document FROM told)
), entries AS (
    SELECT w.document, w.sku, l.type, l.occurred_at, l.quantity, l.allocated_delta,
           CASE WHEN l.flags & :reversal = 0 THEN 1 ELSE -1 END AS sign
    FROM wanted w JOIN ledger_entry l ON l.document = w.document
    JOIN position p ON p.position_id = l.position_id AND p.sku = w.sku
    WHERE l.type IN ('order_cancelled', 'ship') OR l.flags & :drawn <> 0
)
SELECT document, sku,
       CASE WHEN SUM(CASE WHEN type = 'order_cancelled' THEN sign ELSE 0 END) > 0
            THEN MAX(CASE WHEN type = 'order_cancelled' THEN occurred_at END) END AS cancelled_at,
       CAST(SUM(CASE WHEN type = 'ship' THEN sign * quantity + allocated_delta
                     WHEN type = 'release_reservation' THEN allocated_delta ELSE 0 END) AS BIGINT) AS shipped_units,
       MAX(CASE WHEN type = 'ship' AND sign * quantity + allocated_delta > 0 THEN occurred_at END) AS shipped_at
FROM entries GROUP BY document, sku
"""
