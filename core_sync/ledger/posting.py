"""Writing a decided effect into positions, open items and the list of entries."""

from core_sync.clock import to_microseconds
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import ITEM_OF, Deltas, Flag, ItemKind
from core_sync.ledger.events import EventType
from core_sync.ledger.knowledge import Decision, Entry, ItemKey, Knowledge, OpenItemState, PositionState

_COUNT, _TRANSFER_OUT = EventType.COUNT, EventType.TRANSFER_OUT
_RELEASE_HOLD, _ORDER_CANCELLED = EventType.RELEASE_HOLD, EventType.ORDER_CANCELLED
_KINDS = dict(ITEM_OF)


def reference_of(arrival: Arrival, kind: ItemKind) -> str:
    """The name under which an open item of ``kind`` is kept for this event."""
    event = arrival.event
    return (event.reservation_id or event.document) if kind is ItemKind.RESERVATION else event.document


def change_of(kind: ItemKind, deltas: Deltas) -> int:
    """What ``deltas`` do to what is open of ``kind``, in whole units."""
    _, allocated, quality_hold, in_transit = deltas
    if kind is ItemKind.RESERVATION:
        return allocated
    return in_transit if kind is ItemKind.TRANSIT else quality_hold


def post(
    arrival: Arrival,
    deltas: Deltas,
    flags: int,
    position: PositionState,
    knowledge: Knowledge,
    decision: Decision,
) -> None:
    """Write ``deltas`` into the position, the open items and the list of entries."""
    on_hand, allocated, quality_hold, in_transit = deltas
    event_type, target, occurred_at = arrival.event.type, arrival.position, arrival.occurred_at
    position.on_hand += on_hand
    position.allocated += allocated
    position.quality_hold += quality_hold
    elsewhere = None
    if event_type is _TRANSFER_OUT:
        target = elsewhere = arrival.destination
        knowledge.positions[target].in_transit += in_transit
    else:
        position.in_transit += in_transit
    if position.last_event_at is None or occurred_at > position.last_event_at:
        position.last_event_at = occurred_at
    if event_type is _COUNT and not flags & Flag.ABSORBED:
        position.last_count_at = occurred_at
        decision.counted.add(target)
    if knowledge.movements and arrival.position in knowledge.movements:
        knowledge.movements[arrival.position].append((occurred_at, on_hand))
    if (kind := _KINDS.get(event_type)) is not None:
        _post_item(arrival, kind, change_of(kind, deltas), target, knowledge, decision)
    decision.entries.append(Entry(arrival, on_hand, allocated, quality_hold, in_transit, elsewhere, flags))


def _post_item(
    arrival: Arrival, kind: ItemKind, change: int, target: int, knowledge: Knowledge, decision: Decision
) -> None:
    """Add to or draw from what is open for the event's reference."""
    event = arrival.event
    cancelled = event.type is _ORDER_CANCELLED
    if not change and not cancelled:
        return
    key = (target, kind, reference_of(arrival, kind))
    item = knowledge.items.get(key)
    if change > 0:
        if item is None:
            owner = (event.document or None, event.channel or None, event.account or None)
            item = knowledge.items[key] = OpenItemState(0, 0, arrival.occurred_at, owner=owner)
        elif not item.open_quantity and not arrival.flags & Flag.REVERSAL:
            # Nothing was left of it: what is placed now begins anew, and what ended the old one says nothing of it.
            item.placed_at, item.expires_at, item.cancelled_at = arrival.occurred_at, None, None
            decision.dated_items.add(key)
        if kind is ItemKind.HOLD:
            knowledge.holds.setdefault(target, set()).add(key[2])
        if not arrival.flags & Flag.REVERSAL:  # what is given back was placed before
            item.placed_quantity += change
        item.open_quantity += change
        if event.expires_at is not None:
            item.expires_at = to_microseconds(event.expires_at)
            decision.dated_items.add(key)
        decision.touched_items.add(key)
    elif change < 0:
        _draw(key, -change, event.type is _RELEASE_HOLD, knowledge, decision)
    if cancelled and item is not None:
        item.cancelled_at = None if arrival.flags & Flag.REVERSAL else arrival.occurred_at
        decision.touched_items.add(key)
        decision.dated_items.add(key)


def _draw(key: ItemKey, quantity: int, from_any: bool, knowledge: Knowledge, decision: Decision) -> None:
    """Draw from the reference's own item, then (``from_any``: a release of holds) from the oldest others."""
    own = knowledge.items.get(key)
    order: list[tuple[ItemKey, OpenItemState]] = [(key, own)] if own is not None else []
    if from_any and (own is None or own.open_quantity < quantity):
        position, kind, _ = key
        names = [(position, kind, reference) for reference in knowledge.holds.get(position, ())]
        others = [(name, knowledge.items[name]) for name in names if name != key]
        order += sorted(others, key=lambda pair: (pair[1].placed_at, pair[0][2]))
    for item_key, item in order:
        drawn = min(quantity, item.open_quantity)
        if drawn:
            item.open_quantity -= drawn
            quantity -= drawn
            decision.touched_items.add(item_key)
        if not quantity:
            return
