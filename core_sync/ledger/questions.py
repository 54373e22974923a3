"""What a batch asks of the database before it is decided.

A large batch asks in two rounds: first which documents and references the ledger has heard of at all, since most are
new, then what they hold. A small one asks for everything at once.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from core_sync.database.bulk import Question, Row
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.claims import allotment_of
from core_sync.ledger.counting import OWN_ON_HAND
from core_sync.ledger.effects import ITEM_OF, Flag, ItemKind
from core_sync.ledger.events import EventType
from core_sync.ledger.knowledge import PositionState
from core_sync.ledger.posting import reference_of

_ACCEPTED = """SELECT l.event_id, l.content FROM {keys} CROSS JOIN ledger_entry l
    WHERE l.event_id = k.k0 AND l.source_id = ?"""
_HELD = """SELECT h.event_id, h.content, h.status, CASE WHEN h.status = 'parked' THEN h.lacks END AS lacks, h.held_id
    FROM {keys} CROSS JOIN held_event h WHERE h.event_id = k.k0 AND h.source_id = ?"""
CORRECTED = """SELECT c.source_id, c.event_id, c.content FROM {keys} CROSS JOIN corrected_telling c
    WHERE c.source_id = k.k0 AND c.event_id = k.k1"""
_POSITIONS = """SELECT p.position_id, p.location, p.on_hand, p.allocated, p.quality_hold, p.in_transit, p.relative,
    p.last_event_at, p.last_count_at,
    EXISTS (SELECT 1 FROM held_event h WHERE h.status = 'parked' AND h.position_id = p.position_id) AS has_parked
    FROM {keys} CROSS JOIN position p WHERE p.position_id = k.k0"""
_DOCUMENTS = "SELECT k.k0 FROM {keys} WHERE EXISTS (SELECT 1 FROM ledger_entry l WHERE l.document = k.k0)"
_WAITING_DOCUMENTS = """SELECT k.k0 FROM {keys}
    WHERE EXISTS (SELECT 1 FROM held_event h WHERE h.status = 'parked' AND h.document = k.k0)"""
_REFERENCES = "SELECT k.k0 FROM {keys} WHERE EXISTS (SELECT 1 FROM open_item i WHERE i.reference = k.k0)"
PARKED = """SELECT h.source_id, h.payload, h.content, h.held_id FROM {keys} CROSS JOIN held_event h
    WHERE h.status = 'parked' AND h.position_id = k.k0
    AND NOT EXISTS (SELECT 1 FROM ledger_entry l WHERE l.source_id = h.source_id AND l.event_id = h.event_id)
    ORDER BY h.held_id"""
_ITEM_COLUMNS = """i.position_id, i.kind, i.reference, i.placed_quantity, i.open_quantity, i.placed_at,
    i.expires_at, i.document, i.channel, i.account, i.cancelled_at, i.item_id"""
_ITEMS = f"""SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i
    WHERE i.reference = k.k0 AND i.kind = k.k1 AND i.position_id = k.k2"""
_ITEMS_WITHOUT_LOT = f"""SELECT {_ITEM_COLUMNS}, p.sku, p.location
    FROM {{keys}} CROSS JOIN open_item i CROSS JOIN position p
    WHERE i.reference = k.k0 AND i.kind = 'reservation' AND i.open_quantity > 0
      AND p.position_id = i.position_id AND p.sku = k.k1 AND p.location = k.k2 AND p.lot = ''"""
_HOLDS = f"""SELECT {_ITEM_COLUMNS} FROM {{keys}} CROSS JOIN open_item i
    WHERE i.position_id = k.k0 AND i.kind = 'hold' AND i.open_quantity > 0"""
_MOVEMENTS = f"""SELECT l.position_id, l.occurred_at, {OWN_ON_HAND} AS moved
    FROM {{keys}} CROSS JOIN ledger_entry l WHERE l.position_id = k.k0 AND l.occurred_at > k.k1"""
_LINES = """SELECT l.source_id, l.type, l.document, l.line, p.sku, p.location, l.quantity, l.event_id
    FROM {keys} CROSS JOIN ledger_entry l CROSS JOIN position p
    WHERE l.document = k.k0 AND l.line = k.k1 AND p.position_id = l.position_id ORDER BY l.entry_id DESC"""
_WAITING_LINES = """SELECT h.source_id, h.payload, h.content FROM {keys} CROSS JOIN held_event h
    WHERE h.status = 'parked' AND h.document = k.k0 AND h.line = k.k1 ORDER BY h.held_id"""
_TWINS = """SELECT l.source_id, l.type, l.document, l.position_id, l.quantity FROM {keys} CROSS JOIN ledger_entry l
    WHERE l.document = k.k0 AND l.line IS NULL AND l.position_id = k.k1"""


class _Everything:
    """Holds whatever it is asked for."""

    def __contains__(self, name: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Heard:
    """Documents of entries, documents of events that wait, references of open items: those that are known."""

    documents: Container[str]
    waiting: Container[str]
    references: Container[str]

    @classmethod
    def of(cls, *answers: Sequence[Sequence[Row]]) -> "Heard":
        """From the answers to ``mentions``, of one or more sets of arrivals."""
        documents, waiting, references = (
            {name for rows in same for (name,) in rows} for same in zip(*answers, strict=True)
        )
        return cls(documents, waiting, references)


ANYTHING = Heard(_Everything(), _Everything(), _Everything())
"""Nobody asked what is known: everything may be."""


def identities(ids: Sequence[tuple[int, Sequence[str]]]) -> list[Question]:
    """Which ids of each source the ledger has accepted, then which it has held."""
    accepted = [Question(_ACCEPTED, ("text",), names, (source,), bytes_at=1) for source, names in ids]
    return accepted + [Question(_HELD, ("text",), names, (source,), bytes_at=1) for source, names in ids]


def standing(arrivals: Iterable[Arrival], known: Container[int] = ()) -> Question:
    """How the positions of ``arrivals`` stand, but those ``known``."""
    positions = {a.position for a in arrivals} | {a.destination for a in arrivals}
    return standing_of(sorted(p for p in positions if p and p not in known))


def standing_of(positions: Sequence[int]) -> Question:
    """How these positions stand."""
    return Question(_POSITIONS, ("int8",), positions)


def mentions(arrivals: Iterable[Arrival]) -> tuple[Question, ...]:
    """Which of the documents and references that ``arrivals`` name are known at all."""
    documents: set[str] = set()
    references: set[str] = set()
    for arrival in arrivals:
        documents.add(arrival.event.document)
        if (kind := ITEM_OF.get(arrival.event.type)) is not None:
            references.add(reference_of(arrival, kind))
    in_order = sorted(documents)
    return (
        Question(_DOCUMENTS, ("text",), in_order),
        Question(_WAITING_DOCUMENTS, ("text",), in_order),
        Question(_REFERENCES, ("text",), sorted(references)),
    )


def details(involved: Sequence[Arrival], heard: Heard, positions: dict[int, PositionState]) -> tuple[Question, ...]:
    """Open items, holds, movements behind counts, lines, waiting lines and twins, as far as anything is ``heard``."""
    items, holding = _wanted_items(involved, heard.references, positions)
    counted = counted_since(involved)
    stale = [(key, moment) for key, moment in counted.items() if _has_later(positions.get(key), moment)]
    return (
        Question(_ITEMS, ("text", "text", "int8"), items),
        Question(_HOLDS, ("int8",), holding),
        Question(_MOVEMENTS, ("int8", "int8"), stale),
        Question(_LINES, ("text", "text"), _lines(involved, heard.documents)),
        Question(_WAITING_LINES, ("text", "text"), _lines(involved, heard.waiting), bytes_at=2),
        Question(_TWINS, ("text", "int8"), _twins(involved, heard.documents)),
    )


def _wanted_items(
    involved: Iterable[Arrival], references: Container[str], positions: dict[int, PositionState]
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
                and (position := positions.get(arrival.position)) is not None
                and not position.allocated
            ):
                continue  # nothing is reserved there, so nothing can be open for its reference either
            target = arrival.destination if event_type is EventType.TRANSFER_OUT else arrival.position
            items.add((reference, str(kind), target))
    return sorted(items), sorted(holding)


def other_claims(claiming: Iterable[Arrival]) -> tuple[Question, Question]:
    """Reservations that ``claiming`` movements may draw on beyond their own: at their place, and without a lot."""
    here: set[tuple[str, str, int]] = set()
    without_lot: set[tuple[str, str, str]] = set()
    for arrival in claiming:
        if (allotment := allotment_of(arrival)) is not None:
            here.add((allotment, str(ItemKind.RESERVATION), arrival.position))
        if arrival.event.lot:
            for reference in (reference_of(arrival, ItemKind.RESERVATION), allotment):
                if reference is not None:
                    without_lot.add((reference, arrival.sku, arrival.location))
    return (
        Question(_ITEMS, ("text", "text", "int8"), sorted(here)),
        Question(_ITEMS_WITHOUT_LOT, ("text", "text", "text"), sorted(without_lot)),
    )


def counted_since(involved: Iterable[Arrival]) -> dict[int, int]:
    """Positions that a count touches, with the moment of the earliest such count."""
    since: dict[int, int] = {}
    for arrival in involved:
        if arrival.event.type is EventType.COUNT and arrival.position:
            since[arrival.position] = min(arrival.occurred_at, since.get(arrival.position, arrival.occurred_at))
    return since


def _has_later(position: PositionState | None, moment: int) -> bool:
    return position is None or (position.last_event_at is not None and position.last_event_at > moment)


def _lines(involved: Iterable[Arrival], documents: Container[str]) -> list[tuple[str, str]]:
    """Document and line of the events that number their lines, in ``documents``."""
    named = ((a.event.document, a.event.line) for a in involved if a.event.line and a.event.document)
    return sorted({(document, line) for document, line in named if document in documents})


def _twins(involved: Iterable[Arrival], documents: Container[str]) -> list[tuple[str, int]]:
    """Document and position of the events that number no lines, in ``documents``."""
    named = ((a.event.document, a.position) for a in involved if a.event.document and not a.event.line and a.position)
    return sorted({(document, position) for document, position in named if document in documents})
