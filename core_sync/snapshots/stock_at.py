"""What the ledger held at an as-of time, and what had just moved before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.snapshots.rules import RecentMovement

STATES = ("on_hand", "allocated", "quality_hold", "in_transit")


@dataclass
class StockAt:
    """Figures of one SKU at one location over its lots, and recent entries, newest first."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0
    safety_stock: int = 0
    relative: bool = False
    recent: list[tuple[int, dict[str, int]]] = field(default_factory=list)

    @property
    def available(self) -> int:
        """Units that may be promised, negative when more is promised than there is."""
        return self.on_hand - self.allocated - self.quality_hold - self.safety_stock

    def figure(self, state: str) -> int:
        """The figure of ``state``."""
        return int(getattr(self, state))

    def movements(self, state: str) -> list[RecentMovement]:
        """What recent entries did to ``state``, newest first, those that did nothing left out."""
        changes = [
            RecentMovement(
                at,
                deltas["on_hand"] - deltas["allocated"] - deltas["quality_hold"]
                if state == "available"
                else deltas.get(state, 0),
            )
            for at, deltas in self.recent
        ]
        return [movement for movement in changes if movement.change]


def stock_at(connection: Connection, as_of: datetime, lag: timedelta) -> Mapping[tuple[str, str], StockAt]:
    """Stock by (SKU, location) of all that occurred up to ``as_of``, with the entries of the last ``lag`` before it."""
    until, since = to_microseconds(as_of), to_microseconds(as_of - lag)
    stock: dict[tuple[str, str], StockAt] = {}
    for row in connection.execute(text(_SUMS), {"until": until}):
        stock[row.sku, row.location] = StockAt(
            int(row.on_hand), int(row.allocated), int(row.quality_hold), int(row.in_transit), 0, bool(row.relative)
        )
    for row in connection.execute(text("SELECT sku, location, quantity FROM safety_stock")):
        if (row.sku, row.location) in stock:
            stock[row.sku, row.location].safety_stock = row.quantity
    for row in connection.execute(text(_RECENT), {"until": until, "since": since}):
        deltas = {"on_hand": row.on_hand_delta, "allocated": row.allocated_delta,
                  "quality_hold": row.quality_hold_delta, "in_transit": row.in_transit_delta}  # fmt: skip
        stock.setdefault((row.sku, row.location), StockAt()).recent.append((row.occurred_at, deltas))
    return stock


_SUMS = """
SELECT p.sku, p.location, SUM(m.on_hand) AS on_hand, SUM(m.allocated) AS allocated,
       SUM(m.quality_hold) AS quality_hold, SUM(m.in_transit) AS in_transit,
       MAX(CASE WHEN p.relative THEN 1 ELSE 0 END) AS relative
FROM (
    SELECT position_id, SUM(on_hand_delta) AS on_hand, SUM(allocated_delta) AS allocated,
           SUM(quality_hold_delta) AS quality_hold,
           SUM(CASE WHEN to_position_id IS NULL THEN in_transit_delta ELSE 0 END) AS in_transit
    FROM ledger_entry WHERE occurred_at <= :until GROUP BY position_id
    UNION ALL
    SELECT to_position_id, 0, 0, 0, SUM(in_transit_delta)
    FROM ledger_entry WHERE occurred_at <= :until AND to_position_id IS NOT NULL GROUP BY to_position_id
) m JOIN position p ON p.position_id = m.position_id
GROUP BY p.sku, p.location
"""

_RECENT = """
SELECT p.sku, p.location, l.occurred_at, l.on_hand_delta, l.allocated_delta, l.quality_hold_delta,
       CASE WHEN l.to_position_id IS NULL THEN l.in_transit_delta ELSE 0 END AS in_transit_delta
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
WHERE l.occurred_at > :since AND l.occurred_at <= :until
ORDER BY l.occurred_at DESC, l.entry_id DESC
"""
