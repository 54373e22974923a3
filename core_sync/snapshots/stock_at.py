"""What the ledger held of some SKUs at an as-of time, and what had just moved before it.

The figures of now less what moved since: a page costs what lies between its as-of time and now, however
long the history before it is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import to_microseconds

STATES = ("on_hand", "allocated", "quality_hold", "in_transit")
Figures = tuple[int, int, int, int]
"""On hand, allocated, on quality hold, in transit."""


@dataclass(slots=True)
class StockAt:
    """Figures of one SKU at one location over its lots, and what recent entries did to them, newest first."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0
    safety_stock: int = 0
    relative: bool = False
    recent: list[tuple[int, Figures]] = field(default_factory=list)

    @property
    def available(self) -> int:
        """Units that may be promised, negative when more is promised than there is."""
        return self.on_hand - self.allocated - self.quality_hold - self.safety_stock

    def figure(self, state: str) -> int:
        """The figure of ``state``."""
        return int(getattr(self, state))

    def add(self, changes: Figures) -> None:
        """Add ``changes`` to the figures."""
        self.on_hand += changes[0]
        self.allocated += changes[1]
        self.quality_hold += changes[2]
        self.in_transit += changes[3]


def change_of(state: str, changes: Figures) -> int:
    """What ``changes`` do to the figure of ``state``."""
    if state == "available":
        return changes[0] - changes[1] - changes[2]
    return changes[STATES.index(state)] if state in STATES else 0


def stock_at(
    connection: Connection, skus: Collection[str], as_of: datetime, lag: timedelta
) -> Mapping[tuple[str, str], StockAt]:
    """Stock of ``skus`` by (SKU, location) of all that occurred up to ``as_of``, and the entries of the ``lag`` before.

    ``connection`` must show one state to every statement, as ``Database.reading`` does.
    """
    # SQLite takes the order of a CROSS JOIN as given: the wanted SKUs first, never the whole table.
    said = {"wanted": wanted_skus(connection), "pinned": "CROSS" if connection.dialect.name == "sqlite" else ""}
    until, since = to_microseconds(as_of), to_microseconds(as_of - lag)
    bound: dict[str, object] = {"skus": as_json(skus), "until": until, "since": since}
    stock: dict[tuple[str, str], StockAt] = {}
    place_of: dict[int, StockAt] = {}
    for position, sku, location, relative, *figures in _all(connection, _NOW.format(**said), bound):
        place = stock.get((sku, location))
        if place is None:
            place = stock[sku, location] = StockAt()
        place_of[position] = place
        place.relative = place.relative or bool(relative)
        place.add((figures[0], figures[1], figures[2], figures[3]))
    for position, target, on_hand, allocated, held, moving in _all(connection, _SINCE.format(**said), bound):
        place_of[position].add((-int(on_hand), -int(allocated), -int(held), 0))
        place_of[target].in_transit -= int(moving)
    for position, target, at, *changes in _all(connection, _RECENT.format(**said), bound):
        on_hand, allocated, held, moving = changes
        place_of[position].recent.append((at, (on_hand, allocated, held, moving if target == position else 0)))
        if target != position:
            place_of[target].recent.append((at, (0, 0, 0, moving)))
    for sku, location, quantity in _all(connection, _SAFETY.format(**said), bound):
        if (sku, location) in stock:
            stock[sku, location].safety_stock = quantity
    return stock


def _all(connection: Connection, statement: str, bound: dict[str, object]) -> Sequence[Any]:
    """Every row at once: one by one they cost twice as much."""
    return connection.execute(text(statement), bound).all()


_NOW = """
SELECT p.position_id, p.sku, p.location, p.relative, p.on_hand, p.allocated, p.quality_hold, p.in_transit
FROM ({wanted}) w {pinned} JOIN position p ON p.sku = w.sku
"""

_SINCE = """
SELECT l.position_id, COALESCE(l.to_position_id, l.position_id), SUM(l.on_hand_delta), SUM(l.allocated_delta),
       SUM(l.quality_hold_delta), SUM(l.in_transit_delta)
FROM ({wanted}) w {pinned} JOIN position p ON p.sku = w.sku
{pinned} JOIN ledger_entry l ON l.position_id = p.position_id AND l.occurred_at > :until
GROUP BY l.position_id, COALESCE(l.to_position_id, l.position_id)
"""

_RECENT = """
SELECT l.position_id, COALESCE(l.to_position_id, l.position_id), l.occurred_at, l.on_hand_delta, l.allocated_delta,
       l.quality_hold_delta, l.in_transit_delta
FROM ({wanted}) w {pinned} JOIN position p ON p.sku = w.sku
{pinned} JOIN ledger_entry l ON l.position_id = p.position_id AND l.occurred_at > :since AND l.occurred_at <= :until
ORDER BY l.occurred_at DESC, l.entry_id DESC
"""

_SAFETY = """
SELECT s.sku, s.location, s.quantity FROM ({wanted}) w {pinned} JOIN safety_stock s ON s.sku = w.sku
"""
