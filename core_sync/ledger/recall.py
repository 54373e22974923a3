"""Reading what a batch touches, set by set, into the ``Knowledge`` that ``decide`` needs.

Two rounds of questions. The first tells which ids are known, how positions stand, and which documents and
references the ledger has heard of at all; most are new, so the second asks little.
"""

from collections.abc import Collection, Iterable, Sequence

from core_sync.database.bulk import Bulk, Question, Row
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.counting import OWN_ON_HAND
from core_sync.ledger.effects import ITEM_OF, Flag, ItemKind
from core_sync.ledger.events import EventType
from core_sync.ledger.intern import Interned
from core_sync.ledger.knowledge import EventKey, Knowledge, KnownEvent, OpenItemState, PositionState
from core_sync.ledger.posting import reference_of
from core_sync.ledger.rules import business_key
from core_sync.ledger.waiting import held_arrival, may_be_freed_by
from core_sync.master_data.catalogue import Catalogue

_ACCEPTED = """SELECT l.event_id, l.content FROM {keys} CROSS JOIN ledger_entry l
    WHERE l.event_id = k.k0 AND l.source_id = ?"""
_HELD = """SELECT h.event_id, h.content, h.status, CASE WHEN h.status = 'parked' THEN h.lacks END, h.held_id
    FROM {keys} CROSS JOIN held_event h WHERE h.event_id = k.k0 AND h.source_id = ?"""
_CORRECTED = """SELECT c.source_id, c.event_id, c.content FROM {keys} CROSS JOIN corrected_telling c
    WHERE c.source_id = k.k0 AND c.event_id = k.k1"""
_POSITIONS = """SELECT p.position_id, p.location, p.on_hand, p.allocated, p.quality_hold, p.in_transit, p.relative,
    p.last_event_at, p.last_count_at,
    EXISTS (SELECT 1 FROM held_event h WHERE h.status = 'parked' AND h.position_id = p.position_id)
    FROM {keys} CROSS JOIN position p WHERE p.position_id = k.k0"""
_DOCUMENTS = "SELECT k.k0 FROM {keys} WHERE EXISTS (SELECT 1 FROM ledger_entry l WHERE l.document = k.k0)"
_WAITING_DOCUMENTS = """SELECT k.k0 FROM {keys}
    WHERE EXISTS (SELECT 1 FROM held_event h WHERE h.status = 'parked' AND h.document = k.k0)"""
_REFERENCES = "SELECT k.k0 FROM {keys} WHERE EXISTS (SELECT 1 FROM open_item i WHERE i.reference = k.k0)"
_PARKED = """SELECT h.source_id, h.payload, h.content, h.held_id FROM {keys} CROSS JOIN held_event h
    WHERE h.status = 'parked' AND h.position_id = k.k0
    AND NOT EXISTS (SELECT 1 FROM ledger_entry l WHERE l.source_id = h.source_id AND l.event_id = h.event_id)
    ORDER BY h.held_id"""
_ITEM_COLUMNS = """i.position_id, i.kind, i.reference, i.placed_quantity, i.open_quantity, i.placed_at,
    i.expires_at, i.document, i.channel, i.account, i.cancelled_at, i.item_id"""
_ITEMS = f"""SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i
    WHERE i.reference = k.k0 AND i.kind = k.k1 AND i.position_id = k.k2"""
_HOLDS = f"""SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i
    WHERE i.position_id = k.k0 AND i.kind = 'hold' AND i.open_quantity > 0"""
_MOVEMENTS = f"""SELECT l.position_id, l.occurred_at, {OWN_ON_HAND} FROM {{keys}} CROSS JOIN ledger_entry l
    WHERE l.position_id = k.k0 AND l.occurred_at > k.k1"""
_LINES = """SELECT l.source_id, l.type, l.document, l.line, p.sku, p.location, l.quantity, l.event_id
    FROM {keys} CROSS JOIN ledger_entry l CROSS JOIN position p
    WHERE l.document = k.k0 AND l.line = k.k1 AND p.position_id = l.position_id ORDER BY l.entry_id DESC"""
_WAITING_LINES = """SELECT h.source_id, h.payload, h.content FROM {keys} CROSS JOIN held_event h
    WHERE h.status = 'parked' AND h.document = k.k0 AND h.line = k.k1 ORDER BY h.held_id"""
_TWINS = """SELECT l.source_id, l.type, l.document, l.position_id, l.quantity FROM {keys} CROSS JOIN ledger_entry l
    WHERE l.document = k.k0 AND l.line IS NULL AND l.position_id = k.k1"""


def recall(bulk: Bulk, arrivals: Sequence[Arrival], catalogue: Catalogue, interned: Interned) -> Knowledge:
    """Everything that deciding ``arrivals`` may need; their places and quantities are known already."""
    knowledge = Knowledge(relative_sources=interned.relative_sources)
    by_source: dict[int, list[str]] = {}
    for arrival in arrivals:
        by_source.setdefault(arrival.source_id, []).append(arrival.event.event_id)
    ids = [(source, sorted(set(names))) for source, names in sorted(by_source.items())]
    asked = _first_round(arrivals, knowledge)
    answers = bulk.ask(
        *(Question(_ACCEPTED, ("text",), names, (source,)) for source, names in ids),
        *(Question(_HELD, ("text",), names, (source,)) for source, names in ids),
        *asked,
    )
    accepted, held, first = answers[: len(ids)], answers[len(ids) : 2 * len(ids)], answers[2 * len(ids) :]
    _learn_ids(ids, accepted, held, knowledge)
    _learn_positions(first[0], catalogue, knowledge)
    heard = _Heard.of(first)
    involved = list(arrivals)
    if parked := _parked(bulk, arrivals, catalogue, interned, knowledge):
        more = bulk.ask(*_first_round(parked, knowledge))
        _learn_positions(more[0], catalogue, knowledge)
        heard = heard.and_also(_Heard.of(more))
        involved += parked
    _second_round(bulk, involved, catalogue, heard, knowledge)
    return knowledge


class _Heard:
    """Which documents and references anything is known of."""

    def __init__(self, documents: set[str], waiting: set[str], references: set[str]) -> None:
        self.documents, self.waiting, self.references = documents, waiting, references

    @classmethod
    def of(cls, first: Sequence[Sequence[Row]]) -> "_Heard":
        """From the answers to the first round."""
        documents, waiting, references = ({name for (name,) in rows} for rows in first[1:])
        return cls(documents, waiting, references)

    def and_also(self, other: "_Heard") -> "_Heard":
        """Both together."""
        return _Heard(
            self.documents | other.documents, self.waiting | other.waiting, self.references | other.references
        )


def _first_round(arrivals: Iterable[Arrival], knowledge: Knowledge) -> tuple[Question, ...]:
    """Positions not known yet, and which documents and references there are."""
    positions: set[int] = set()
    documents: set[str] = set()
    references: set[str] = set()
    for arrival in arrivals:
        if not arrival.position:
            continue
        positions.add(arrival.position)
        if arrival.destination:
            positions.add(arrival.destination)
        if arrival.event.document:
            documents.add(arrival.event.document)
        if (kind := ITEM_OF.get(arrival.event.type)) is not None:
            references.add(reference_of(arrival, kind))
    in_order = sorted(documents)
    return (
        Question(_POSITIONS, ("int8",), sorted(positions - knowledge.positions.keys())),
        Question(_DOCUMENTS, ("text",), in_order),
        Question(_WAITING_DOCUMENTS, ("text",), in_order),
        Question(_REFERENCES, ("text",), sorted(references)),
    )


def _learn_ids(
    ids: Sequence[tuple[int, Sequence[str]]],
    accepted: Sequence[Sequence[Row]],
    held: Sequence[Sequence[Row]],
    knowledge: Knowledge,
) -> None:
    """What is accepted stands, also where it was held before."""
    for (source, _), rows in zip(ids, held, strict=True):
        for event, content, status, lacks, turn in rows:
            knowledge.known[source, event] = KnownEvent(bytes(content), status, lacks, turn)
    for (source, _), rows in zip(ids, accepted, strict=True):
        for event, content in rows:
            knowledge.known[source, event] = KnownEvent(bytes(content), "accepted")


def _learn_positions(rows: Iterable[Row], catalogue: Catalogue, knowledge: Knowledge) -> None:
    for key, location, on_hand, allocated, hold, transit, relative, event_at, count_at, has_parked in rows:
        knowledge.positions[key] = PositionState(
            on_hand, allocated, hold, transit, bool(relative), catalogue.is_strict(location), event_at, count_at,
            on_hand < 0 or allocated < 0 or hold < 0 or transit < 0, bool(has_parked),
        )  # fmt: skip


def _parked(
    bulk: Bulk, arrivals: Iterable[Arrival], catalogue: Catalogue, interned: Interned, knowledge: Knowledge
) -> list[Arrival]:
    """Events that wait for a position which the arrivals may free, oldest first; they are told to ``knowledge``."""
    now, freeable = 0, set()
    for arrival in arrivals:
        now = max(now, arrival.recorded_at)
        if arrival.position and arrival.position not in freeable:
            position = knowledge.positions[arrival.position]
            if position.has_parked and may_be_freed_by(arrival, position, knowledge):
                freeable.add(arrival.position)
    waiting = []
    for source, payload, content, turn in bulk.rows(_PARKED, ("int8",), sorted(freeable)):
        waiting.append(held_arrival(source, payload, content, now, catalogue))
        waiting[-1].turn = turn
    interned.give_positions(bulk, waiting)
    for arrival in waiting:
        knowledge.parked.setdefault(arrival.position, []).append(arrival)
    return waiting


def _second_round(
    bulk: Bulk, involved: Sequence[Arrival], catalogue: Catalogue, heard: _Heard, knowledge: Knowledge
) -> None:
    """Open items, movements behind counts, and what documents already hold, as far as the first round found any."""
    items, holding = _wanted_items(involved, heard.references, knowledge)
    lines = _lines(involved, heard.documents)
    counted = _counted_since(involved)
    stale = [(key, moment) for key, moment in counted.items() if _has_later(knowledge.positions[key], moment)]
    knowledge.movements = {key: [] for key in counted}
    answers = bulk.ask(
        Question(_ITEMS, ("text", "text", "int8"), items),
        Question(_HOLDS, ("int8",), holding),
        Question(_MOVEMENTS, ("int8", "int8"), stale),
        Question(_LINES, ("text", "text"), lines),
        Question(_WAITING_LINES, ("text", "text"), _lines(involved, heard.waiting)),
        Question(_TWINS, ("text", "int8"), _twins(involved, heard.documents)),
        Question(_CORRECTED, ("int8", "text"), _told_otherwise(involved, knowledge)),
    )
    for row in (*answers[0], *answers[1]):
        _learn_item(row, knowledge)
    for position, moment, delta in answers[2]:
        knowledge.movements[position].append((moment, delta))
    for *fact, event in answers[3]:
        source, kind, document, line, sku, location, quantity = fact
        knowledge.business_keys[source, kind, document, line, sku, location, quantity] = event
    for source, payload, content in answers[4]:
        waiting = held_arrival(source, payload, content, 0, catalogue)
        if (key := business_key(waiting)) is not None:
            knowledge.business_keys.setdefault(key, waiting.event.event_id)
    knowledge.twins = set(answers[5])
    knowledge.corrected = {((source, event), bytes(content)) for source, event, content in answers[6]}


def _wanted_items(
    involved: Iterable[Arrival], references: Collection[str], knowledge: Knowledge
) -> tuple[list[tuple[str, str, int]], list[int]]:
    """Items by the references the events name; for ``release_hold``, positions whose every hold is wanted."""
    items: set[tuple[str, str, int]] = set()
    holding: set[int] = set()
    for arrival in involved:
        event_type = arrival.event.type
        if not arrival.position or (kind := ITEM_OF.get(event_type)) is None:
            continue
        if event_type is EventType.RELEASE_HOLD:
            holding.add(arrival.position)
        if (reference := reference_of(arrival, kind)) in references:
            if (
                event_type is EventType.SHIP
                and not arrival.flags & Flag.REVERSAL
                and not knowledge.positions[arrival.position].allocated
            ):
                continue  # nothing is reserved there, so nothing can be open for its reference either
            target = arrival.destination if event_type is EventType.TRANSFER_OUT else arrival.position
            items.add((reference, str(kind), target))
    return sorted(items), sorted(holding)


def _learn_item(row: Row, knowledge: Knowledge) -> None:
    position, kind, reference, placed, still, at, expires, document, channel, account, cancelled, item_id = row
    key = (position, ItemKind(kind), reference)
    knowledge.items[key] = OpenItemState(placed, still, at, expires, (document, channel, account), cancelled, item_id)
    if key[1] is ItemKind.HOLD:
        knowledge.holds.setdefault(position, set()).add(reference)


def _counted_since(involved: Iterable[Arrival]) -> dict[int, int]:
    """Positions that a count touches, with the moment of the earliest such count."""
    since: dict[int, int] = {}
    for arrival in involved:
        if arrival.event.type is EventType.COUNT and arrival.position:
            since[arrival.position] = min(arrival.occurred_at, since.get(arrival.position, arrival.occurred_at))
    return since


def _has_later(position: PositionState, moment: int) -> bool:
    return position.last_event_at is not None and position.last_event_at > moment


def _lines(involved: Iterable[Arrival], documents: Collection[str]) -> list[tuple[str, str]]:
    """Document and line of the events that number their lines, in ``documents``."""
    if not documents:
        return []
    named = ((a.event.document, a.event.line) for a in involved if a.event.line)
    return sorted({(document, line) for document, line in named if document in documents})


def _twins(involved: Iterable[Arrival], documents: Collection[str]) -> list[tuple[str, int]]:
    """Document and position of the events that number no lines, in ``documents``."""
    if not documents:
        return []
    named = ((a.event.document, a.position) for a in involved if not a.event.line and a.position)
    return sorted({(document, position) for document, position in named if document in documents})


def _told_otherwise(involved: Iterable[Arrival], knowledge: Knowledge) -> list[EventKey]:
    """Ids that come with other content than the one known."""
    if not knowledge.known:
        return []
    told = (((a.source_id, a.event.event_id), a.content) for a in involved)
    return sorted({key for key, content in told if key in knowledge.known and knowledge.known[key].content != content})
