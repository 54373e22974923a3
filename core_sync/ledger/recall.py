"""Reading what a batch touches, set by set, into the ``Knowledge`` that ``decide`` needs."""

from collections.abc import Iterable, Sequence

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival, content_digest, from_payload
from core_sync.ledger.effects import ITEM_OF, Flag, ItemKind
from core_sync.ledger.events import EventType
from core_sync.ledger.intern import Interned
from core_sync.ledger.knowledge import BusinessKey, Knowledge, KnownEvent, OpenItemState, PositionState, TwinKey
from core_sync.ledger.normalise import normalise
from core_sync.ledger.posting import reference_of
from core_sync.ledger.rules import business_key
from core_sync.master_data.catalogue import Catalogue

_POSITION_COLUMNS = """p.position_id, p.location, p.on_hand, p.allocated, p.quality_hold, p.in_transit,
    p.relative, p.last_event_at, p.last_count_at"""
_ITEM_COLUMNS = """i.position_id, i.kind, i.reference, i.placed_quantity, i.open_quantity, i.placed_at,
    i.expires_at, i.document, i.channel, i.account, i.cancelled_at"""


def recall(bulk: Bulk, arrivals: Sequence[Arrival], catalogue: Catalogue, interned: Interned) -> Knowledge:
    """Everything that deciding ``arrivals`` may need; their SKUs, locations and quantities are known already."""
    interned.give_positions(bulk, arrivals)
    now = max((arrival.recorded_at for arrival in arrivals), default=0)
    knowledge = Knowledge(relative_sources=interned.relative_sources)
    knowledge.known = _known_events(bulk, arrivals)
    knowledge.corrected = _corrected(bulk, arrivals, knowledge.known)
    knowledge.parked = _parked(bulk, {a.position for a in arrivals if a.position}, now, catalogue, interned)
    involved = [*arrivals, *(a for waiting in knowledge.parked.values() for a in waiting)]
    knowledge.positions = _positions(bulk, involved, catalogue)
    _recall_items(bulk, involved, knowledge)
    knowledge.movements = _movements(bulk, involved, knowledge)
    knowledge.business_keys = _business_keys(bulk, arrivals, knowledge, catalogue)
    knowledge.twins = _twins(bulk, involved)
    return knowledge


def _known_events(bulk: Bulk, arrivals: Iterable[Arrival]) -> dict[tuple[int, str], KnownEvent]:
    keys = {(a.source_id, a.event.event_id) for a in arrivals}
    accepted = bulk.rows(
        "SELECT l.source_id, l.event_id, l.content FROM {keys} CROSS JOIN ledger_entry l "
        "WHERE l.source_id = k.k0 AND l.event_id = k.k1",
        ("int8", "text"),
        keys,
    )
    held = bulk.rows(
        "SELECT h.source_id, h.event_id, h.content, h.status, "
        "CASE WHEN h.status = 'parked' THEN h.lacks END, h.held_id "
        "FROM {keys} CROSS JOIN held_event h "
        "WHERE h.source_id = k.k0 AND h.event_id = k.k1",
        ("int8", "text"),
        keys - {(source, event) for source, event, _ in accepted},
    )
    known = {(source, event): KnownEvent(bytes(content), "accepted") for source, event, content in accepted}
    known |= {
        (source, event): KnownEvent(bytes(content), status, lacks, place)
        for source, event, content, status, lacks, place in held
    }
    return known


def _corrected(
    bulk: Bulk, arrivals: Iterable[Arrival], known: dict[tuple[int, str], KnownEvent]
) -> set[tuple[tuple[int, str], bytes]]:
    """Earlier tellings of the events that now come with other content than the one known."""
    told = {((a.source_id, a.event.event_id), a.content) for a in arrivals}
    rows = bulk.rows(
        "SELECT c.source_id, c.event_id, c.content FROM {keys} CROSS JOIN corrected_telling c "
        "WHERE c.source_id = k.k0 AND c.event_id = k.k1",
        ("int8", "text"),
        {key for key, content in told if key in known and known[key].content != content},
    )
    return {((source, event), bytes(content)) for source, event, content in rows}


def _parked(
    bulk: Bulk, positions: set[int], now: int, catalogue: Catalogue, interned: Interned
) -> dict[int, list[Arrival]]:
    """Events that wait for one of ``positions``, oldest arrival first."""
    rows = bulk.rows(
        "SELECT h.source_id, h.payload, h.held_id FROM {keys} CROSS JOIN held_event h "
        "WHERE h.status = 'parked' AND h.position_id = k.k0 ORDER BY h.held_id",
        ("int8",),
        [(position,) for position in positions],
    )
    arrivals = []
    for source, payload, place in rows:
        arrivals.append(held_arrival(source, payload, now, catalogue))
        arrivals[-1].place = place
    return _by_position(bulk, arrivals, interned)


def _by_position(bulk: Bulk, arrivals: Sequence[Arrival], interned: Interned) -> dict[int, list[Arrival]]:
    """The arrivals by the position they belong to, in the order given."""
    interned.give_positions(bulk, arrivals)
    grouped: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        grouped.setdefault(arrival.position, []).append(arrival)
    return grouped


def held_arrival(source_id: int, payload: str, recorded_at: int, catalogue: Catalogue) -> Arrival:
    """A held event as an arrival again, recorded anew, with the master data of today."""
    event = from_payload(payload)
    arrival = Arrival(event, source_id, content_digest(event), to_microseconds(event.occurred_at), recorded_at)
    normalise(arrival, catalogue)
    return arrival


def _positions(bulk: Bulk, involved: Iterable[Arrival], catalogue: Catalogue) -> dict[int, PositionState]:
    ids = {a.position for a in involved if a.position} | {a.destination for a in involved if a.destination}
    rows = bulk.rows(
        f"SELECT {_POSITION_COLUMNS} FROM {{keys}} CROSS JOIN position p WHERE p.position_id = k.k0",
        ("int8",),
        [(position,) for position in ids],
    )
    return {
        row[0]: PositionState(
            row[2], row[3], row[4], row[5], bool(row[6]), catalogue.is_strict(row[1]), row[7], row[8], min(row[2:6]) < 0
        )
        for row in rows
    }


def _recall_items(bulk: Bulk, involved: Iterable[Arrival], knowledge: Knowledge) -> None:
    """Open items by the references the events name; for ``release_hold``, every hold of the position."""
    keys: set[tuple[int, str, str]] = set()
    whole_positions: set[int] = set()
    for arrival in involved:
        kind = ITEM_OF.get(arrival.event.type)
        if kind is None or not arrival.position:
            continue
        if arrival.event.type is EventType.RELEASE_HOLD:
            whole_positions.add(arrival.position)
        elif (
            arrival.event.type is EventType.SHIP
            and not arrival.flags & Flag.REVERSAL
            and not knowledge.positions[arrival.position].allocated
        ):
            continue  # nothing is reserved there, so nothing can be open for its reference either
        target = arrival.destination if arrival.event.type is EventType.TRANSFER_OUT else arrival.position
        keys.add((target, str(kind), reference_of(arrival, kind)))
    rows = bulk.rows(
        f"SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i "
        "WHERE i.position_id = k.k0 AND i.kind = k.k1 AND i.reference = k.k2",
        ("int8", "text", "text"),
        keys,
    )
    rows += bulk.rows(
        f"SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i "
        "WHERE i.position_id = k.k0 AND i.kind = 'hold' AND i.open_quantity > 0",
        ("int8",),
        [(position,) for position in whole_positions],
    )
    for position, kind, reference, placed, still, at, expires, document, channel, account, cancelled in rows:
        knowledge.items[position, ItemKind(kind), reference] = OpenItemState(
            placed, still, at, expires, (document, channel, account), cancelled
        )


def _movements(bulk: Bulk, involved: Iterable[Arrival], knowledge: Knowledge) -> dict[int, list[tuple[int, int]]]:
    """For each position that a count touches, its on-hand movements since the earliest such count."""
    since: dict[int, int] = {}
    for arrival in involved:
        if arrival.event.type is EventType.COUNT and arrival.position:
            since[arrival.position] = min(arrival.occurred_at, since.get(arrival.position, arrival.occurred_at))
    movements: dict[int, list[tuple[int, int]]] = {position: [] for position in since}
    stale = [
        (position, moment)
        for position, moment in since.items()
        if (knowledge.positions[position].last_event_at or moment) > moment
    ]
    for position, moment, delta in bulk.rows(
        "SELECT l.position_id, l.occurred_at, l.on_hand_delta FROM {keys} CROSS JOIN ledger_entry l "
        "WHERE l.position_id = k.k0 AND l.occurred_at > k.k1 AND l.on_hand_delta <> 0",
        ("int8", "int8"),
        stale,
    ):
        movements[position].append((moment, delta))
    return movements


def _business_keys(
    bulk: Bulk, arrivals: Sequence[Arrival], knowledge: Knowledge, catalogue: Catalogue
) -> dict[BusinessKey, str]:
    lines = {(a.event.document, a.event.line) for a in arrivals if a.event.document and a.event.line}
    rows = bulk.rows(
        "SELECT l.source_id, l.type, l.document, l.line, p.sku, p.location, l.quantity, l.event_id "
        "FROM {keys} CROSS JOIN ledger_entry l CROSS JOIN position p "
        "WHERE l.document = k.k0 AND l.line = k.k1 AND p.position_id = l.position_id ORDER BY l.entry_id DESC",
        ("text", "text"),
        lines,
    )
    keys: dict[BusinessKey, str] = {
        (source, kind, document, line, sku, location, quantity): event
        for source, kind, document, line, sku, location, quantity, event in rows
    }
    for waiting in (*knowledge.parked.values(), _parked_in_other_lots(bulk, arrivals, knowledge, catalogue)):
        for arrival in waiting:
            if (key := business_key(arrival)) is not None:
                keys.setdefault(key, arrival.event.event_id)
    return keys


def _parked_in_other_lots(
    bulk: Bulk, arrivals: Iterable[Arrival], knowledge: Knowledge, catalogue: Catalogue
) -> list[Arrival]:
    """Events that wait in other lots of the arrivals' SKUs and locations: a business key names no lot."""
    rows = bulk.rows(
        "SELECT h.source_id, h.payload, h.position_id FROM {keys} CROSS JOIN position p CROSS JOIN held_event h "
        "WHERE p.sku = k.k0 AND p.location = k.k1 AND h.status = 'parked' AND h.position_id = p.position_id "
        "ORDER BY h.held_id",
        ("text", "text"),
        {(a.sku, a.location) for a in arrivals if a.event.document and a.event.line and a.position},
    )
    return [
        held_arrival(source, payload, 0, catalogue)
        for source, payload, position in rows
        if position not in knowledge.parked
    ]


def _twins(bulk: Bulk, arrivals: Iterable[Arrival]) -> set[TwinKey]:
    keys = {(a.event.document, a.position) for a in arrivals if a.event.document and not a.event.line and a.position}
    rows = bulk.rows(
        "SELECT l.source_id, l.type, l.document, l.position_id, l.quantity "
        "FROM {keys} CROSS JOIN ledger_entry l "
        "WHERE l.document = k.k0 AND l.line IS NULL AND l.position_id = k.k1",
        ("text", "int8"),
        keys,
    )
    return {(source, kind, document, position, quantity) for source, kind, document, position, quantity in rows}
