"""Positions as of any moment on either clock, the entries behind one, and the proof that they agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound
from core_sync.ledger.effects import flag_names


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
class ExplainedEntry:
    """One ledger entry in words: what came, from whom, when on both clocks, and what it did."""

    entry: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    sku: str
    location: str
    lot: str
    quantity: int
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int
    to_location: str | None
    document: str | None
    line: str | None
    reservation_id: str | None
    reason: str | None
    actor: str | None
    flags: list[str]


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
    """Every position as of ``moment``: the sum of the entries up to it on ``clock``."""
    statement = _AT.replace("{clock}", f"{clock}_at")
    yield from _read(connection, statement, {"sku": sku, "location": location, "moment": to_microseconds(moment)})


def entries_of(connection: Connection, sku: str, location: str | None = None) -> Iterator[ExplainedEntry]:
    """Every entry that made today's figures of ``sku``, oldest first."""
    for row in connection.execute(text(_ENTRIES), {"sku": sku, "location": location}):
        yield _explained(row)


def entry_of(connection: Connection, source: str, event_id: str) -> ExplainedEntry:
    """The entry that ``source`` calls ``event_id``.

    Raises:
        NotFound: no entry has that id.
    """
    row = connection.execute(text(_BY_NAME), {"source": source, "event_id": event_id}).one_or_none()
    if row is None:
        raise NotFound("ledger entry", f"{source} {event_id}")
    return _explained(row)


def entry_by_number(connection: Connection, entry: int) -> ExplainedEntry:
    """The entry with the ledger's own number ``entry``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(_BY_NUMBER), {"entry": entry}).one_or_none()
    if row is None:
        raise NotFound("ledger entry", entry)
    return _explained(row)


def _explained(row: Row[Any]) -> ExplainedEntry:
    values = row._asdict()
    values["occurred_at"] = from_microseconds(values["occurred_at"])
    values["recorded_at"] = from_microseconds(values["recorded_at"])
    values["flags"] = flag_names(values["flags"])
    return ExplainedEntry(**values)


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
SELECT position_id, SUM(on_hand_delta) AS on_hand, SUM(allocated_delta) AS allocated,
       SUM(quality_hold_delta) AS quality_hold, SUM(in_transit) AS in_transit, MAX(occurred_at) AS last_event_at
FROM (
    SELECT position_id, on_hand_delta, allocated_delta, quality_hold_delta,
           CASE WHEN to_position_id IS NULL THEN in_transit_delta ELSE 0 END AS in_transit, occurred_at
    FROM ledger_entry WHERE {until}
    UNION ALL
    SELECT to_position_id, 0, 0, 0, in_transit_delta, NULL
    FROM ledger_entry WHERE to_position_id IS NOT NULL AND {until_there}
) one GROUP BY position_id
"""

_FILTER = "(CAST(:sku AS TEXT) IS NULL OR p.sku = :sku) AND (CAST(:location AS TEXT) IS NULL OR p.location = :location)"

_NOW = f"""
SELECT p.sku, p.location, p.lot, p.on_hand, p.allocated, p.quality_hold, p.in_transit, s.quantity, p.last_event_at
FROM position p LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE {_FILTER} ORDER BY p.sku, p.location, p.lot
"""

_AT = f"""
SELECT p.sku, p.location, p.lot, m.on_hand, m.allocated, m.quality_hold, m.in_transit, s.quantity, m.last_event_at
FROM ({_SUMS.format(until="{clock} <= :moment", until_there="{clock} <= :moment")}) m
JOIN position p ON p.position_id = m.position_id
LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE {_FILTER} ORDER BY p.sku, p.location, p.lot
"""

_ENTRY_COLUMNS = """
SELECT l.entry_id AS entry, o.name AS source, l.event_id, l.type, l.occurred_at, l.recorded_at, p.sku, p.location,
       p.lot, l.quantity, l.on_hand_delta AS on_hand, l.allocated_delta AS allocated,
       l.quality_hold_delta AS quality_hold, l.in_transit_delta AS in_transit, d.location AS to_location,
       l.document, l.line, l.reservation_id, l.reason, l.actor, l.flags
"""

_BY_NAME = f"""{_ENTRY_COLUMNS}
FROM source o JOIN ledger_entry l ON l.source_id = o.source_id JOIN position p ON p.position_id = l.position_id
LEFT JOIN position d ON d.position_id = l.to_position_id
WHERE o.name = :source AND l.event_id = :event_id
"""

_BY_NUMBER = f"""{_ENTRY_COLUMNS}
FROM ledger_entry l JOIN source o ON o.source_id = l.source_id JOIN position p ON p.position_id = l.position_id
LEFT JOIN position d ON d.position_id = l.to_position_id
WHERE l.entry_id = :entry
"""

_ENTRIES = f"""{_ENTRY_COLUMNS}
FROM position p JOIN ledger_entry l ON (l.position_id = p.position_id OR l.to_position_id = p.position_id)
JOIN source o ON o.source_id = l.source_id LEFT JOIN position d ON d.position_id = l.to_position_id
WHERE p.sku = :sku AND (CAST(:location AS TEXT) IS NULL OR p.location = :location)
ORDER BY l.occurred_at, l.entry_id
"""

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
        FROM open_item {{items_among}} GROUP BY position_id
    ) i ON i.position_id = p.position_id
    {{positions_among}}
) one WHERE {" OR ".join(f"{state} <> {replayed}" for state, _, replayed in _REPLAYED)}
ORDER BY position_id
"""

_AMONG = "position_id BETWEEN :first AND :last"
_DISAGREEING_AMONG = _DISAGREEING.format(
    sums=_SUMS.format(until=_AMONG, until_there=f"to_{_AMONG}"),
    items_among=f"WHERE {_AMONG}",
    positions_among=f"WHERE p.{_AMONG}",
)
_DISAGREEING = _DISAGREEING.format(
    sums=_SUMS.format(until="1 = 1", until_there="1 = 1"), items_among="", positions_among=""
)

_HOLD_DELTAS = "SELECT quality_hold_delta FROM ledger_entry WHERE position_id = :position ORDER BY entry_id"
