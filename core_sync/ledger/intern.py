"""Whole-number keys for sources and positions, kept per process: they are made once and never change."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.tables import Position, Source

PositionName = tuple[str, str, str]


@dataclass
class Interned:
    """Keys by name. ``fresh`` ones were made in a transaction that has not committed yet."""

    sources: dict[str, int] = field(default_factory=dict)
    relative_sources: frozenset[int] = frozenset()
    """Those whose opening stock is unknown, as of this transaction."""
    positions: dict[PositionName, int] = field(default_factory=dict)
    _fresh: dict[PositionName, int] = field(default_factory=dict)

    def load_sources(self, bulk: Bulk, names: Collection[str]) -> None:
        """Know the keys of ``names``; a new source has opening stock zero until its profile says otherwise."""
        missing = sorted(set(names) - self.sources.keys())
        if not missing:
            return
        self._read_sources(bulk)
        unborn = [name for name in missing if name not in self.sources]
        if unborn:
            bulk.execute(
                "INSERT INTO source (name, opening, winner, tolerance) VALUES (?, 'zero', '', 0) "
                "ON CONFLICT (name) DO NOTHING"
                "||INSERT INTO source (name, opening, winner, tolerance) SELECT name, 'zero', '', 0 FROM {rows} "
                "ON CONFLICT (name) DO NOTHING",
                Source,
                ("name",),
                [(name,) for name in unborn],
            )
            self._read_sources(bulk)

    def _read_sources(self, bulk: Bulk) -> None:
        bulk.cursor.execute("SELECT name, source_id FROM source")
        self.sources = dict(bulk.cursor.fetchall())

    def give_positions(self, bulk: Bulk, arrivals: Iterable[Arrival]) -> None:
        """Set ``position`` and ``destination`` of each arrival that has a SKU and a location."""
        placed = [a for a in arrivals if a.lack is None and a.sku]
        names = {(a.sku, a.location, a.event.lot) for a in placed}
        names |= {(a.sku, a.to_location, a.event.lot) for a in placed if a.to_location}
        self._learn(bulk, {name for name in names if name not in self.positions and name not in self._fresh})
        for arrival in placed:
            arrival.position = self._key((arrival.sku, arrival.location, arrival.event.lot))
            if arrival.to_location:
                arrival.destination = self._key((arrival.sku, arrival.to_location, arrival.event.lot))

    def committed(self) -> None:
        """The transaction committed: what it made is there for good."""
        self.positions.update(self._fresh)
        self._fresh.clear()

    def rolled_back(self) -> None:
        """The transaction is gone, and with it the keys it made."""
        self._fresh.clear()
        self.sources = {}

    def _key(self, name: PositionName) -> int:
        known = self.positions.get(name)
        return known if known is not None else self._fresh[name]

    def _learn(self, bulk: Bulk, missing: set[PositionName]) -> None:
        if not missing:
            return
        found = self._probe(bulk, missing)
        unborn = sorted(missing - found.keys())
        if unborn:
            bulk.execute(_NEW_POSITIONS, Position, ("sku", "location", "lot"), unborn)
            found |= self._probe(bulk, unborn)
        self._fresh |= found

    @staticmethod
    def _probe(bulk: Bulk, names: Iterable[PositionName]) -> dict[PositionName, int]:
        rows = bulk.rows(
            "SELECT p.sku, p.location, p.lot, p.position_id FROM {keys} CROSS JOIN position p "
            "WHERE p.sku = k.k0 AND p.location = k.k1 AND p.lot = k.k2",
            ("text", "text", "text"),
            sorted(names),
        )
        return {(sku, location, lot): position for sku, location, lot, position in rows}


_NEW_POSITIONS = (
    "INSERT INTO position (sku, location, lot, on_hand, allocated, quality_hold, in_transit, relative) "
    "VALUES (?, ?, ?, 0, 0, 0, 0, FALSE) ON CONFLICT (sku, location, lot) DO NOTHING"
    "||INSERT INTO position (sku, location, lot, on_hand, allocated, quality_hold, in_transit, relative) "
    "SELECT sku, location, lot, 0, 0, 0, 0, FALSE FROM {rows} ON CONFLICT (sku, location, lot) DO NOTHING"
)
