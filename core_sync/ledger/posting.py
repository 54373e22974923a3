"""Writing a decided effect into positions, open items and the list of entries."""

from core_sync.clock import to_microseconds
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import ITEM_OF, Effect, Flag, ItemKind
from core_sync.ledger.events import EventType
from core_sync.ledger.knowledge import Decision, Entry, ItemKey, Knowledge, OpenItemState, PositionState


def reference_of(arrival: Arrival, kind: ItemKind) -> str:
    """The name under which an open item of ``kind`` is kept for this event."""
    return arrival.event.reservation if kind is ItemKind.RESERVATION else arrival.event.document


def change_of(kind: ItemKind, effect: Effect) -> int:
    """What an effect does to what is open of ``kind``, in whole units."""
    if kind is ItemKind.RESERVATION:
        return effect.allocated
    return effect.in_transit if kind is ItemKind.TRANSIT else effect.quality_hold


def post(
    arrival: Arrival,
    effect: Effect,
    flags: int,
    position: PositionState,
    knowledge: Knowledge,
    decision: Decision,
) -> None:
    """Write the effect into the position, the open items and the list of entries."""
    position.on_hand += effect.on_hand
    position.allocated += effect.allocated
    position.quality_hold += effect.quality_hold
    target = arrival.position
    if effect.at_destination:
        target = arrival.destination
        knowledge.positions[target].in_transit += effect.in_transit
        decision.touched_positions.add(target)
    else:
        position.in_transit += effect.in_transit
    if position.last_event_at is None or arrival.occurred_at > position.last_event_at:
        position.last_event_at = arrival.occurred_at
    if arrival.event.type is EventType.COUNT and not flags & Flag.ABSORBED:
        position.last_count_at = arrival.occurred_at
    if arrival.position in knowledge.movements:
        knowledge.movements[arrival.position].append((arrival.occurred_at, effect.on_hand))
    decision.touched_positions.add(arrival.position)
    _post_item(arrival, effect, target, knowledge, decision)
    decision.entries.append(
        Entry(
            arrival,
            effect.on_hand,
            effect.allocated,
            effect.quality_hold,
            effect.in_transit,
            target if effect.at_destination else None,
            flags,
        )
    )


def _post_item(arrival: Arrival, effect: Effect, target: int, knowledge: Knowledge, decision: Decision) -> None:
    """Add to or draw from what is open for the event's reference."""
    kind = ITEM_OF.get(arrival.event.type)
    if kind is None:
        return
    change = change_of(kind, effect)
    event = arrival.event
    key = (target, kind, reference_of(arrival, kind))
    item = knowledge.items.get(key)
    if change > 0:
        if item is None:
            owner = (event.document or None, event.channel or None, event.account or None)
            item = knowledge.items[key] = OpenItemState(0, 0, arrival.occurred_at, owner=owner)
        if not arrival.flags & Flag.REVERSAL:  # what is given back was placed before
            item.placed_quantity += change
        item.open_quantity += change
        if event.expires_at is not None:
            item.expires_at = to_microseconds(event.expires_at)
        decision.touched_items.add(key)
    elif change < 0:
        _draw(key, -change, knowledge, decision)
    if event.type is EventType.ORDER_CANCELLED and item is not None:
        item.cancelled_at = arrival.occurred_at
        decision.touched_items.add(key)


def _draw(key: ItemKey, quantity: int, knowledge: Knowledge, decision: Decision) -> None:
    """Draw from the reference's own item, then (``release_hold`` alone asks more) from the oldest others."""
    own = knowledge.items.get(key)
    position, kind, _ = key
    order: list[tuple[ItemKey, OpenItemState]] = [(key, own)] if own is not None else []
    if own is None or own.open_quantity < quantity:
        others = [
            (k, i)
            for k, i in knowledge.items.items()
            if i.open_quantity and k[0] == position and k[1] is kind and k != key
        ]
        order += sorted(others, key=lambda pair: (pair[1].placed_at, pair[0][2]))
    for item_key, item in order:
        drawn = min(quantity, item.open_quantity)
        if drawn:
            item.open_quantity -= drawn
            quantity -= drawn
            decision.touched_items.add(item_key)
        if not quantity:
            return
