"""The pure heart of the ledger: what becomes of a batch of events, given what is known.

``decide`` walks the batch in arrival order. It reads nothing and writes nothing: storage hands in
what the batch touches and writes what comes out. A batch split anywhere gives the same result as
the whole, because a parked event is tried again right after each entry that may free it.
"""

from bisect import insort
from collections.abc import Iterable
from operator import attrgetter

from core_sync.ledger.arrivals import Arrival, first_content_digest
from core_sync.ledger.claims import draw_elsewhere
from core_sync.ledger.effects import EFFECTS, ITEM_OF, NO_EFFECT, Deltas, Flag, ItemKind
from core_sync.ledger.events import QUANTITY_MAX, EventType
from core_sync.ledger.knowledge import (
    NEWLY_HELD,
    STATE_MAX,
    STATES,
    BusinessKey,
    Decision,
    EventKey,
    Held,
    Knowledge,
    KnownEvent,
    PositionState,
    Shortfall,
)
from core_sync.ledger.normalise import nonsense
from core_sync.ledger.posting import post, reference_of

# Looked up for every event: plain names and one plain dictionary cost a third of members of an enumeration.
_COUNT, _TRANSFER_OUT = EventType.COUNT, EventType.TRANSFER_OUT
_RESERVATION = ItemKind.RESERVATION
_EFFECTS = {type: (ITEM_OF.get(type), effect) for type, effect in EFFECTS.items()}
_TAKES_ALL_FROM_ON_HAND = frozenset({EventType.SHIP, EventType.SCRAP, EventType.TRANSFER_OUT})


def decide(batch: Iterable[Arrival], knowledge: Knowledge) -> Decision:
    """Rule on each arrival in turn; ``knowledge`` is used up: it ends as the state after the batch."""
    decision, known = Decision(), knowledge.known
    for arrival in batch:
        key = (arrival.source_id, arrival.event.event_id)
        before = known.get(key)
        if before is not None:
            if _says_the_same(before, key, arrival, knowledge):
                decision.duplicates.append(arrival)
                continue
            if before.lacks is None:
                decision.conflicts.append(arrival)
                continue
            knowledge.corrected.add((key, before.content))
            decision.corrected.append((key, before.content))
        _rule(key, arrival, before, knowledge, decision)
    return decision


def _says_the_same(before: KnownEvent, key: EventKey, arrival: Arrival, knowledge: Knowledge) -> bool:
    """Whether the id came before with this content, as last told or as told earlier; in either schema's digest."""
    if before.content == arrival.content:
        return True
    first = first_content_digest(arrival.event)
    told = knowledge.corrected
    return before.content == first or (key, arrival.content) in told or (key, first) in told


def retry(held: Iterable[Arrival], knowledge: Knowledge) -> Decision:
    """Rule again on events that were held, because something they need has changed."""
    decision = Decision()
    for arrival in held:
        arrival.flags |= Flag.RELEASED
        key = (arrival.source_id, arrival.event.event_id)
        _rule(key, arrival, knowledge.known.get(key), knowledge, decision)
    return decision


def _rule(key: EventKey, arrival: Arrival, before: KnownEvent | None, knowledge: Knowledge, decision: Decision) -> None:
    """Admit the event or hold it, and free what waited for it."""
    held = _admit(arrival, knowledge, decision)
    if before is not None and (before.lacks or before.status != "parked") and (held is None or _waits_for_stock(held)):
        decision.relieved.append(key)
    if held is not None:
        _hold(key, held, before, knowledge, decision)
        return
    knowledge.known[key] = KnownEvent(arrival.content, "accepted")
    if before is not None:
        _mark_applied(key, decision)
    if arrival.position in knowledge.parked:
        free_waiting(arrival.position, knowledge, decision)


def _hold(key: EventKey, held: Held, before: KnownEvent | None, knowledge: Knowledge, decision: Decision) -> None:
    """Keep the event without effect; one that was held before keeps its turn."""
    arrival = held.arrival
    arrival.turn = before.turn if before and before.turn is not None else NEWLY_HELD + len(decision.held)
    decision.held[key] = held
    lacks = arrival.lack.kind if arrival.lack and held.status == "parked" else None
    knowledge.known[key] = KnownEvent(arrival.content, held.status, lacks, arrival.turn)
    if _waits_for_stock(held):
        insort(knowledge.parked.setdefault(arrival.position, []), arrival, key=attrgetter("turn"))


def _waits_for_stock(held: Held) -> bool:
    return held.shortfall is not None and held.status == "parked"


def _mark_applied(key: EventKey, decision: Decision) -> None:
    if key in decision.held:
        decision.held[key].status = "applied"
    else:
        decision.freed.append(key)


def business_key(arrival: Arrival) -> BusinessKey:
    """What makes two events one business fact, where document and line are both given."""
    event = arrival.event
    return (
        arrival.source_id, event.type, event.document, event.line, arrival.sku, arrival.location, arrival.quantity
    )  # fmt: skip


def _admit(arrival: Arrival, knowledge: Knowledge, decision: Decision) -> Held | None:
    """Apply the event, or say why it is held."""
    event, quantity = arrival.event, arrival.quantity
    if arrival.lack is not None or not 0 <= quantity <= QUANTITY_MAX or event.type is _TRANSFER_OUT:
        if (reason := nonsense(arrival)) is not None:
            return Held(arrival, "refused", "nonsense", reason)
        if (lack := arrival.lack) is not None:
            return Held(arrival, "parked", f"lacks_{lack.kind}", lack.message)
    if event.line and event.document and not arrival.flags & Flag.DECIDED:
        first = knowledge.business_keys.setdefault(business_key(arrival), event.event_id)
        if first != event.event_id:
            message = f"{event.type} {event.document} line {event.line} is known as event {first}"
            return Held(arrival, "suspected_duplicate", "business_key", message, duplicate_of=first)
    return _apply(arrival, knowledge, decision)


def _apply(arrival: Arrival, knowledge: Knowledge, decision: Decision) -> Held | None:
    """Apply the event to its position, or say which state does not allow it."""
    position = knowledge.positions[arrival.position]
    if arrival.source_id in knowledge.relative_sources and not position.relative:
        position.relative = True
        decision.made_relative.add(arrival.position)
    event_type, counted_at = arrival.event.type, position.last_count_at
    kind = None
    if event_type is _COUNT:
        deltas, flags = _count(arrival, position, knowledge)
    else:
        kind, effect_of = _EFFECTS[event_type]
        item = knowledge.items.get((arrival.position, kind, reference_of(arrival, kind))) if kind else None
        deltas, flags = effect_of(arrival.quantity, item.open_quantity if item else 0), Flag.NONE
        if counted_at is not None and arrival.occurred_at <= counted_at and deltas[0]:
            deltas, flags = (0, *deltas[1:]), Flag.ABSORBED
    on_hand, allocated, quality_hold, in_transit = deltas
    after = (
        position.on_hand + on_hand
        | position.allocated + allocated
        | position.quality_hold + quality_hold
        | position.in_transit + in_transit
    )
    # Together in range when all are, at a fraction of the cost; the careful look names the one that is not.
    if not 0 <= after < STATE_MAX and (short := shortfall_of(position, deltas, event_type is _TRANSFER_OUT)):
        return _short(arrival, short)
    if position.last_event_at is not None and arrival.occurred_at < position.last_event_at:
        flags |= Flag.LATE
    if arrival.event.document and not arrival.event.line and _has_twin(arrival, knowledge):
        flags |= Flag.REPEATED
        decision.repeated += 1
    post(arrival, deltas, arrival.flags | flags, position, knowledge, decision)
    if kind is _RESERVATION and (arrival.event.lot or arrival.event.account):
        draw_elsewhere(arrival, deltas, knowledge, decision)
    return None


def _has_twin(arrival: Arrival, knowledge: Knowledge) -> bool:
    """Whether an equal movement of its document, which numbers no lines, was applied before; now this one was."""
    event = arrival.event
    twin = (arrival.source_id, event.type, event.document, arrival.position, arrival.quantity)
    known = twin in knowledge.twins
    knowledge.twins.add(twin)
    return known


def _short(arrival: Arrival, shortfall: Shortfall) -> Held:
    """Parked until there is more; refused where no stock could ever be that large."""
    asked, there = shortfall.asked, shortfall.there
    message = f"{arrival.event.type} asks {asked} of {shortfall.state} where {there} are"
    if not -STATE_MAX <= there - asked <= STATE_MAX:
        return Held(arrival, "refused", "out_of_range", f"{message}; no stock is that large", shortfall)
    return Held(arrival, "parked", f"negative_{shortfall.state}", message, shortfall)


def _count(arrival: Arrival, position: PositionState, knowledge: Knowledge) -> tuple[Deltas, int]:
    """A count sets on hand as of its moment; movements after it stand on top of it."""
    if position.last_count_at is not None and arrival.occurred_at < position.last_count_at:
        return NO_EFFECT, Flag.ABSORBED
    since = sum(
        delta for moment, delta in knowledge.movements.get(arrival.position, ()) if moment > arrival.occurred_at
    )
    return (arrival.quantity + since - position.on_hand, 0, 0, 0), Flag.NONE


def shortfall_of(position: PositionState, deltas: Deltas, goes_elsewhere: bool) -> Shortfall | None:
    """The first state that ``deltas`` would drive out of its range; None when they may apply.

    ``goes_elsewhere`` says that what comes into transit does so at another position.
    """
    floor = 0 if position.parks and not position.relative else -STATE_MAX
    there = (position.on_hand, position.allocated, position.quality_hold, position.in_transit)
    if goes_elsewhere:
        deltas = (*deltas[:3], 0)
    for state, delta, figure in zip(STATES, deltas, there, strict=True):
        if (delta < 0 and figure + delta < floor) or figure + delta > STATE_MAX:
            return Shortfall(state, -delta, figure)
    return None


def free_waiting(position: int, knowledge: Knowledge, decision: Decision) -> None:
    """Apply what waits for ``position``, where its newest entry may have made that possible."""
    if _may_free(position, knowledge, decision):
        free_all(position, knowledge, decision)


def _may_free(position: int, knowledge: Knowledge, decision: Decision) -> bool:
    """Whether the newest entry, of ``position``, can let a parked event apply that could not before it.

    Events wait for more on hand or on hold, and no longer need it once a count contains them or the
    position may be negative. Asking saves walking a long queue for each of many shipments.
    """
    if position not in knowledge.parked:
        return False
    entry, state = decision.entries[-1], knowledge.positions[position]
    if state.relative or not state.parks or entry.arrival.event.type is EventType.COUNT:
        return True
    return entry.on_hand > 0 or entry.quality_hold > 0


def free_all(position: int, knowledge: Knowledge, decision: Decision) -> None:
    """Try the position's parked events again, oldest arrival first, until none applies any more."""
    waiting, state = knowledge.parked.get(position, []), knowledge.positions[position]
    turn = 0
    while turn < len(waiting):
        freed = waiting[turn]
        if _plainly_short(freed, state, knowledge) or not _applies_now(freed, knowledge, decision):
            turn += 1
            continue
        del waiting[turn]
        key = (freed.source_id, freed.event.event_id)
        knowledge.known[key] = KnownEvent(freed.content, "accepted")
        _mark_applied(key, decision)
        if _may_free(position, knowledge, decision):
            turn = 0


def _plainly_short(arrival: Arrival, position: PositionState, knowledge: Knowledge) -> bool:
    """A cheap sure no, so that a long queue costs little: it takes more from on hand than there is."""
    return (
        arrival.quantity > position.on_hand
        and position.parks
        and not position.relative
        and arrival.event.type in _TAKES_ALL_FROM_ON_HAND
        and (position.last_count_at is None or arrival.occurred_at > position.last_count_at)
        and arrival.source_id not in knowledge.relative_sources
    )


def _applies_now(arrival: Arrival, knowledge: Knowledge, decision: Decision) -> bool:
    arrival.flags |= Flag.RELEASED
    return _apply(arrival, knowledge, decision) is None
