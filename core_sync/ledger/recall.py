"""Reading what a batch touches, set by set, into the ``Knowledge`` that ``decide`` needs."""

from collections.abc import Iterable, Sequence
from typing import Any

from core_sync.database.bulk import Bulk, Question, Row
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.claims import CLAIMING
from core_sync.ledger.effects import ItemKind
from core_sync.ledger.events import CORRECTIONS, EventType
from core_sync.ledger.intern import Interned
from core_sync.ledger.knowledge import EventKey, Knowledge, KnownEvent, OpenItemState, PositionState
from core_sync.ledger.questions import (
    ANYTHING,
    CORRECTED,
    PARKED,
    Heard,
    counted_since,
    details,
    identities,
    mentions,
    other_claims,
    standing,
    standing_of,
)
from core_sync.ledger.rules import business_key
from core_sync.ledger.waiting import held_arrival, may_be_freed_by
from core_sync.master_data.catalogue import Catalogue

_FEW = 4
"""Up to this many events it is quicker to ask for everything at once than to ask first what there is."""


def recall(
    bulk: Bulk,
    arrivals: Sequence[Arrival],
    catalogue: Catalogue,
    interned: Interned,
    locks: Sequence[Question] = (),
) -> Knowledge:
    """Everything that deciding ``arrivals`` may need, once ``locks`` are held; their places are known already."""
    knowledge = Knowledge(relative_sources=interned.relative_sources)
    few = len(arrivals) <= _FEW
    by_source: dict[int, list[str]] = {}
    for arrival in arrivals:
        by_source.setdefault(arrival.source_id, []).append(arrival.event.event_id)
    ids = [(source, sorted(set(names))) for source, names in sorted(by_source.items())]
    more = details(arrivals, ANYTHING, {}) if few else mentions(arrivals)
    answers = bulk.ask(*locks, *identities(ids), standing(arrivals), *more)[len(locks) :]
    accepted, held, (stand, *rest) = answers[: len(ids)], answers[len(ids) : 2 * len(ids)], answers[2 * len(ids) :]
    _learn_ids(ids, accepted, held, knowledge)
    _learn_positions(stand, catalogue, knowledge)
    parked = _parked(bulk, arrivals, catalogue, interned, knowledge)
    heard = ANYTHING
    if parked or not few:
        also = bulk.ask(standing(parked, knowledge.positions), *(() if few else mentions(parked)))
        _learn_positions(also[0], catalogue, knowledge)
        heard = ANYTHING if few else Heard.of(rest, also[1:])
        rest = bulk.ask(*details([*arrivals, *parked], heard, knowledge.positions))
    _learn_details([*arrivals, *parked], rest, catalogue, knowledge)
    _learn_claims(bulk, [*arrivals, *parked], catalogue, interned, knowledge)
    if otherwise := _told_otherwise(arrivals, knowledge):
        told = bulk.ask(Question(CORRECTED, ("int8", "text"), otherwise, bytes_at=2))[0]
        knowledge.corrected = {((source, event), bytes(content)) for source, event, content in told}
    return knowledge


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
    now, freeable = 0, set[int]()
    for arrival in arrivals:
        now = max(now, arrival.recorded_at)
        if arrival.position and arrival.position not in freeable:
            position = knowledge.positions[arrival.position]
            if position.has_parked and may_be_freed_by(arrival, position, knowledge):
                freeable.add(arrival.position)
    waiting: list[Arrival] = []
    if not freeable:
        return waiting
    for source, payload, content, turn in bulk.ask(Question(PARKED, ("int8",), sorted(freeable), bytes_at=2))[0]:
        waiting.append(held_arrival(source, payload, content, now, catalogue))
        waiting[-1].turn = turn
    interned.give_positions(bulk, waiting)
    for arrival in waiting:
        knowledge.parked.setdefault(arrival.position, []).append(arrival)
    return waiting


def _learn_details(
    involved: Iterable[Arrival], answers: Sequence[Sequence[Row]], catalogue: Catalogue, knowledge: Knowledge
) -> None:
    items, holds, movements, lines, waiting_lines, twins = answers
    for row in (*items, *holds):
        _learn_item(row, knowledge)
    knowledge.movements = {key: [] for key in counted_since(involved)}
    for position, moment, delta in movements:
        knowledge.movements[position].append((moment, delta))
    for source, kind, document, line, sku, location, quantity, event in lines:
        knowledge.business_keys[source, kind, document, line, sku, location, quantity] = event
    for source, payload, content in waiting_lines:
        waiting = held_arrival(source, payload, content, 0, catalogue)
        knowledge.business_keys.setdefault(business_key(waiting), waiting.event.event_id)
    for source, kind, document, position, quantity in twins:
        knowledge.twins.add((source, kind, document, position, quantity))


def _learn_claims(
    bulk: Bulk, involved: Sequence[Arrival], catalogue: Catalogue, interned: Interned, knowledge: Knowledge
) -> None:
    """Reservations beyond their own that movements may draw on: without the lot they name, or their account's."""
    claiming = [
        one for one in involved if (one.event.lot or one.event.account) and one.event.type in CLAIMING and one.position
    ]
    if not claiming:
        return
    interned.load_sources(bulk, {CORRECTIONS})
    knowledge.corrections = interned.sources[CORRECTIONS]
    for one in involved:
        if one.event.type is EventType.RESERVE and one.position and not one.event.lot:
            knowledge.without_lot[one.sku, one.location] = one.position
    here, elsewhere = bulk.ask(*other_claims(claiming))
    for row in here:
        _learn_item(row, knowledge)
    for *item, sku, location in elsewhere:
        _learn_item(item, knowledge)
        knowledge.without_lot[sku, location] = item[0]
    strangers = sorted(set(knowledge.without_lot.values()) - knowledge.positions.keys())
    if strangers:
        _learn_positions(bulk.ask(standing_of(strangers))[0], catalogue, knowledge)


def _learn_item(row: Sequence[Any], knowledge: Knowledge) -> None:
    position, kind, reference, placed, still, at, expires, document, channel, account, cancelled, item_id = row
    key = (position, ItemKind(kind), reference)
    knowledge.items[key] = OpenItemState(placed, still, at, expires, (document, channel, account), cancelled, item_id)
    if key[1] is ItemKind.HOLD:
        knowledge.holds.setdefault(position, set()).add(reference)


def _told_otherwise(involved: Iterable[Arrival], knowledge: Knowledge) -> list[EventKey]:
    """Ids that come with other content than the one known."""
    if not knowledge.known:
        return []
    told = (((a.source_id, a.event.event_id), a.content) for a in involved)
    return sorted({key for key, content in told if key in knowledge.known and knowledge.known[key].content != content})
