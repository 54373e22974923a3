"""Positions now and as of any moment on either clock, and the proof that they are the sum of their entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.ledger.counting import OWN_ON_HAND, STANDS


class Clock(StrEnum):
    """Whose clock an as-of moment is read on."""

    OCCURRED = "occurred"
    """The source's: what was so in the world, as far as we know today."""
    RECORDED = "recorded"
    """Ours: what we knew at that moment."""


@dataclass(frozen=True, slots=True)
class PositionAt:
    """One (SKU, location, lot) with its states in whole units, at a moment."""

    sku: str
    location: str
    lot: str
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int
    safety_stock: int
    last_event_at: datetime | None

    @property
    def available(self) -> int:
        """Units that nobody has a claim on; negative where more is claimed than is there."""
        return self.on_hand - self.allocated - self.quality_hold - self.safety_stock


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A position whose stored figure is not the sum of its entries, or not what is open for references there.

    ``replayed`` is that sum; ``against`` says of what: ``entries`` or ``open items``.
    """

    sku: str
    location: str
    lot: str
    state: str
    stored: int
    replayed: int
    against: str
    position: int


def positions(connection: Connection, sku: str | None = None, location: str | None = None) -> Iterator[PositionAt]:
    """Every position as it stands, by SKU, location, lot."""
    yield from _read(connection, _NOW, {"sku": sku, "location": location})


def positions_at(
    connection: Connection, moment: datetime, clock: Clock, sku: str | None = None, location: str | None = None
) -> Iterator[PositionAt]:
    """Every position as of ``moment``: the sum of the entries up to it on ``clock``.

    On the source's clock, on hand is what the last count by then found plus what moved since, whenever it was told:
    what a later count already contained had moved all the same.

    Of one ``sku`` only its own entries are read, by index; of all, the whole ledger.
    """
    pinned = "CROSS" if connection.dialect.name == "sqlite" else ""  # SQLite takes the order of a CROSS JOIN as given
    statement = (_AT if sku is None else _AT_OF_SKU)[clock].format(clock=f"{clock}_at", pinned=pinned)
    yield from _read(connection, statement, {"sku": sku, "location": location, "moment": to_microseconds(moment)})


def disagreements(connection: Connection, among: tuple[int, int] | None = None) -> list[Disagreement]:
    """Where replaying the ledger does not give the positions, or open items do not add up; none, always.

    ``among`` narrows it to the positions numbered from the first to the last of the two.
    """
    bound = {} if among is None else {"first": among[0], "last": among[1]}
    statement = _DISAGREEING if among is None else _DISAGREEING_AMONG
    found = []
    for row in connection.execute(text(statement), bound).mappings():
        for state, against, replayed in _REPLAYED:
            stored, summed = int(row[state]), int(row[replayed])
            if stored != summed and not (replayed == "held" and _was_ever_short(connection, row["position_id"])):
                name = (row["sku"], row["location"], row["lot"])
                found.append(Disagreement(*name, state, stored, summed, against, row["position_id"]))
    return found


def _was_ever_short(connection: Connection, position: int) -> bool:
    """Whether more was released from quality hold than was held, as lenient and relative positions allow.

    From then on the figure is lower than what is open for references there, and rightly so.
    """
    running = 0
    for delta in connection.execute(text(_HOLD_DELTAS), {"position": position}).scalars():
        running += delta
        if running < 0:
            return True
    return False


def _read(connection: Connection, statement: str, bound: dict[str, object]) -> Iterator[PositionAt]:
    for row in connection.execute(text(statement), bound):
        values = [int(value or 0) for value in row[3:8]]
        last = from_microseconds(row[8]) if row[8] is not None else None
        yield PositionAt(row[0], row[1], row[2], values[0], values[1], values[2], values[3], values[4], last)


_SUMS = """
SELECT position_id, SUM(on_hand) AS on_hand, SUM(allocated_delta) AS allocated,
       SUM(quality_hold_delta) AS quality_hold, SUM(in_transit) AS in_transit, MAX(occurred_at) AS last_event_at
FROM (
    SELECT l.position_id, {on_hand} AS on_hand, allocated_delta, quality_hold_delta,
           CASE WHEN to_position_id IS NULL THEN in_transit_delta ELSE 0 END AS in_transit, l.occurred_at
    FROM {entries} {counted} WHERE {until}
    UNION ALL
    SELECT to_position_id, 0, 0, 0, in_transit_delta, NULL
    FROM {entries_there} WHERE to_position_id IS NOT NULL AND {until_there}
) one GROUP BY position_id
"""
_AS_WRITTEN = {"on_hand": "on_hand_delta", "counted": ""}
_AS_COUNTED = {
    "on_hand": f"""CASE WHEN c.position_id IS NULL OR l.occurred_at > c.occurred_at THEN {OWN_ON_HAND}
             WHEN l.entry_id = c.entry_id THEN c.quantity ELSE 0 END""",
    "counted": f"""LEFT JOIN (
        SELECT position_id, occurred_at, entry_id, quantity FROM (
            SELECT l.position_id, l.occurred_at, l.entry_id, l.quantity, ROW_NUMBER() OVER (
                PARTITION BY l.position_id ORDER BY l.occurred_at DESC, l.entry_id DESC) AS newest
            FROM {{counts}} WHERE {{until}} AND {STANDS}
        ) standing WHERE newest = 1
    ) c ON c.position_id = l.position_id""",
}
_ALL = {"entries": "ledger_entry l", "entries_there": "ledger_entry l"}
_OF_SKU = {
    "entries": "position w {pinned} JOIN ledger_entry l ON l.position_id = w.position_id",
    "entries_there": "position w {pinned} JOIN ledger_entry l ON l.to_position_id = w.position_id",
}

_FILTER = "(CAST(:sku AS TEXT) IS NULL OR p.sku = :sku) AND (CAST(:location AS TEXT) IS NULL OR p.location = :location)"

_NOW = f"""
SELECT p.sku, p.location, p.lot, p.on_hand, p.allocated, p.quality_hold, p.in_transit, s.quantity, p.last_event_at
FROM position p LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE {_FILTER} ORDER BY p.sku, p.location, p.lot
"""

_AT_MOMENT = """
SELECT p.sku, p.location, p.lot, m.on_hand, m.allocated, m.quality_hold, m.in_transit, s.quantity, m.last_event_at
FROM ({sums}) m
JOIN position p ON p.position_id = m.position_id
LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE {filter} ORDER BY p.sku, p.location, p.lot
"""
_UNTIL = "l.{clock} <= :moment"


def _at(clock: Clock, tables: dict[str, str], among: str) -> str:
    """The positions of ``tables`` as of a moment on ``clock``; ``among`` narrows both sides of the sum."""
    way = _AS_COUNTED if clock is Clock.OCCURRED else _AS_WRITTEN
    counted = way["counted"].format(counts=tables["entries"], until=among + _UNTIL)
    sums = _SUMS.format(
        **tables, on_hand=way["on_hand"], counted=counted, until=among + _UNTIL, until_there=among + _UNTIL
    )
    return _AT_MOMENT.format(sums=sums, filter=_FILTER)


_AT_OF_SKU = {clock: _at(clock, _OF_SKU, "w.sku = :sku AND ") for clock in Clock}
_AT = {clock: _at(clock, _ALL, "") for clock in Clock}

_REPLAYED = (
    ("on_hand", "entries", "sum_on_hand"),
    ("allocated", "entries", "sum_allocated"),
    ("quality_hold", "entries", "sum_quality_hold"),
    ("in_transit", "entries", "sum_in_transit"),
    ("allocated", "open items", "reserved"),
    ("in_transit", "open items", "under_way"),
    ("quality_hold", "open items", "held"),
)
"""Each state, what it is proved against, and the column that says what it should be."""

_DISAGREEING = f"""
SELECT * FROM (
    SELECT p.position_id, p.sku, p.location, p.lot, p.on_hand, p.allocated, p.quality_hold, p.in_transit,
           COALESCE(m.on_hand, 0) AS sum_on_hand, COALESCE(m.allocated, 0) AS sum_allocated,
           COALESCE(m.quality_hold, 0) AS sum_quality_hold, COALESCE(m.in_transit, 0) AS sum_in_transit,
           COALESCE(i.reserved, 0) AS reserved, COALESCE(i.under_way, 0) AS under_way, COALESCE(i.held, 0) AS held
    FROM position p
    LEFT JOIN ({{sums}}) m ON m.position_id = p.position_id
    LEFT JOIN (
        SELECT position_id, SUM(CASE kind WHEN 'reservation' THEN open_quantity END) AS reserved,
               SUM(CASE kind WHEN 'transit' THEN open_quantity END) AS under_way,
               SUM(CASE kind WHEN 'hold' THEN open_quantity END) AS held
        FROM open_item WHERE open_quantity > 0 {{items_among}} GROUP BY position_id
    ) i ON i.position_id = p.position_id
    {{positions_among}}
) one WHERE {" OR ".join(f"{state} <> {replayed}" for state, _, replayed in _REPLAYED)}
ORDER BY position_id
"""

_AMONG = "position_id BETWEEN :first AND :last"
_DISAGREEING_AMONG = _DISAGREEING.format(
    sums=_SUMS.format(**_ALL, **_AS_WRITTEN, until=_AMONG, until_there=f"to_{_AMONG}"),
    items_among=f"AND {_AMONG}",
    positions_among=f"WHERE p.{_AMONG}",
)
_DISAGREEING = _DISAGREEING.format(
    sums=_SUMS.format(**_ALL, **_AS_WRITTEN, until="1 = 1", until_there="1 = 1"), items_among="", positions_among=""
)

_HOLD_DELTAS = "SELECT quality_hold_delta FROM ledger_entry WHERE position_id = :position ORDER BY entry_id"
