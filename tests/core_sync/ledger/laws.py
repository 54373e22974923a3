"""What is true of a ledger after every history, and whether it is what the oracle says; read set by set."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.ledger import conflicts
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.effects import flag_names
from core_sync.ledger.events import CORRECTIONS, Event
from core_sync.ledger.history import disagreements
from tests.core_sync.ledger.books import Name, Place
from tests.core_sync.ledger.oracle import Oracle

Figures = tuple[int, int, int, int]
"""On hand, allocated, quality hold, in transit."""


def assert_lawful(connection: Connection, lenient: Collection[str] = ()) -> None:
    """The laws that hold of every ledger by itself, whatever was told in whatever order.

    Args:
        connection: reads one consistent state.
        lenient: locations that may go below zero, or could at some time.
    """
    assert disagreements(connection) == [], "replay gives the positions, and allocated is what is reserved"
    broken = [tuple(row) for row in connection.execute(_BROKEN)]
    assert [row for row in broken if row[0] != _NOT_NEGATIVE or row[2] not in lenient] == []


def assert_as_told(connection: Connection, oracle: Oracle) -> None:
    """Every position, every event's end and every mark is what the oracle says."""
    ended, marks, reversals = _ends(connection)
    assert ended == oracle.ends
    assert figures(connection) == figures_told(oracle)
    assert marks == oracle.marks
    assert reversals == len(oracle.taken_back)


def telling_id(event: Event) -> str:
    """The id under which the ledger keeps ``event`` where it contradicts an earlier telling of its id."""
    occurred_at = to_microseconds(event.occurred_at)
    return conflicts.telling_id(Arrival(event, 0, content_digest(event, occurred_at), occurred_at, 0))


def ends(connection: Connection) -> dict[Name, str]:
    """What became of every event that was handed in."""
    return _ends(connection)[0]


def figures(connection: Connection) -> dict[Place, Figures]:
    """Every position that is not all zero, as it stands."""
    return {(row[0], row[1], row[2]): (row[3], row[4], row[5], row[6]) for row in connection.execute(_FIGURES)}


def figures_told(oracle: Oracle) -> dict[Place, Figures]:
    """The same as the oracle has them."""
    told = {place: (s.on_hand, s.allocated, s.quality_hold, s.in_transit) for place, s in oracle.stock.items()}
    return {place: states for place, states in told.items() if any(states)}


def _ends(connection: Connection) -> tuple[dict[Name, str], dict[Name, tuple[str, ...]], int]:
    """What became of every event that was handed in, what was remarkable about it; how many entries are reversals."""
    ends: dict[Name, str] = {}
    marks: dict[Name, tuple[str, ...]] = {}
    reversals = 0
    for source, event, end, flags in connection.execute(_ENDS):
        if source == CORRECTIONS:  # what an event drew on beyond its own reservation is told with the event
            reversals += event.startswith("reversal:") and not event.startswith(f"reversal:{CORRECTIONS}:")
            continue
        ends[source, event] = end
        if flags:
            marks[source, event] = _words(flags)
    return ends, marks, reversals


def _words(flags: int) -> tuple[str, ...]:
    if flags not in _WORDS:
        _WORDS[flags] = tuple(sorted(flag_names(flags)))
    return _WORDS[flags]


_WORDS: dict[int, tuple[str, ...]] = {}
_NOT_NEGATIVE = "no state of a strict place is negative"
_ENDS = text(
    "SELECT s.name, l.event_id, 'accepted', l.flags FROM ledger_entry l JOIN source s ON s.source_id = l.source_id "
    "UNION ALL SELECT s.name, h.event_id, h.status, 0 FROM held_event h JOIN source s ON s.source_id = h.source_id "
    "WHERE h.status <> 'applied'"
)
_FIGURES = text(
    "SELECT sku, location, lot, on_hand, allocated, quality_hold, in_transit FROM position "
    "WHERE on_hand <> 0 OR allocated <> 0 OR quality_hold <> 0 OR in_transit <> 0"
)
_LAWS = {
    _NOT_NEGATIVE: (
        "SELECT sku AS a, location AS b, lot AS c FROM position "
        "WHERE (on_hand < 0 OR allocated < 0 OR quality_hold < 0 OR in_transit < 0) AND NOT relative"
    ),
    "an event has one end": (
        "SELECT h.source_id AS a, h.event_id AS b, h.status AS c FROM held_event h LEFT JOIN ledger_entry l "
        "ON l.source_id = h.source_id AND l.event_id = h.event_id "
        "WHERE (l.entry_id IS NULL) <> (h.status <> 'applied')"
    ),
    "in transit is what is still open under way": (
        "SELECT p.sku AS a, p.location AS b, p.lot AS c FROM position p "
        "LEFT JOIN open_item i ON i.position_id = p.position_id AND i.kind = 'transit' "
        "GROUP BY p.position_id, p.sku, p.location, p.lot, p.in_transit "
        "HAVING p.in_transit <> COALESCE(SUM(i.open_quantity), 0)"
    ),
    "in transit is sent and announced less arrived": (
        "SELECT p.sku AS a, p.location AS b, p.lot AS c FROM position p JOIN ("
        "SELECT COALESCE(to_position_id, position_id) AS position_id, "
        "SUM(CASE WHEN type IN ('transfer_out', 'inbound_announced') THEN in_transit_delta ELSE 0 END) AS added, "
        "SUM(CASE WHEN type IN ('receipt', 'transfer_in') THEN -in_transit_delta ELSE 0 END) AS drawn "
        "FROM ledger_entry GROUP BY COALESCE(to_position_id, position_id)) m ON m.position_id = p.position_id "
        "WHERE p.in_transit <> m.added - m.drawn"
    ),
    "an entry moves on hand by its quantity or not at all": (
        "SELECT event_id AS a, type AS b, quantity AS c FROM ledger_entry "
        "WHERE type IN ('receipt', 'return_received', 'transfer_in', 'ship', 'scrap', 'transfer_out') "
        "AND on_hand_delta <> 0 AND ABS(on_hand_delta) <> quantity"
    ),
    "what is parked for stock names its place and what it asks": (
        "SELECT source_id AS a, event_id AS b, reason AS c FROM held_event WHERE status = 'parked' "
        "AND lacks IS NULL AND (position_id IS NULL OR quantity_asked IS NULL OR quantity_there IS NULL)"
    ),
}
_BROKEN = text(
    " UNION ALL ".join(
        f"SELECT '{law}', CAST(x.a AS TEXT), CAST(x.b AS TEXT), CAST(x.c AS TEXT) FROM ({statement}) x"
        for law, statement in _LAWS.items()
    )
)
"""Name of the law and three columns that name what breaks it."""
