"""Reservations that a movement draws on beyond its own, each drawn by an entry of ours beside the movement's.

A movement that names a lot finds the reservation of its order where no lot was named. What an account orders is part of
what is kept for it, its allotment (a reservation called ``allotment:ACCOUNT``): reserving draws on it, and so does
shipping what was not reserved. So allocated stays the sum of what is still reserved, and nothing is claimed twice.
"""

from collections.abc import Iterator

from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import Deltas, Flag, ItemKind
from core_sync.ledger.events import CORRECTIONS, Event, EventType
from core_sync.ledger.knowledge import STATE_MAX, Decision, ItemKey, Knowledge
from core_sync.ledger.own_ids import draw_id
from core_sync.ledger.posting import post, reference_of

ALLOTMENT = "allotment:"
"""A reservation named ``allotment:ACCOUNT`` keeps stock for an account's later orders."""

CLAIMING = frozenset({EventType.RESERVE, EventType.RELEASE_RESERVATION, EventType.ORDER_CANCELLED, EventType.SHIP})
"""Types that place a reservation or draw on one."""

_DRAW_ON_ALLOTMENTS = frozenset({EventType.RESERVE, EventType.SHIP})


def allotment_of(arrival: Arrival) -> str | None:
    """The account's allotment, where the movement draws on it; None for one that is about the allotment itself."""
    event = arrival.event
    if not event.account or event.type not in _DRAW_ON_ALLOTMENTS:
        return None
    allotment = ALLOTMENT + event.account
    return None if reference_of(arrival, ItemKind.RESERVATION) == allotment else allotment


def draw_elsewhere(arrival: Arrival, deltas: Deltas, knowledge: Knowledge, decision: Decision) -> None:
    """Draw what the movement (just posted with ``deltas``) did not find in its own reservation from the others."""
    rest = _rest(arrival, deltas)
    drawn_from = 0
    for key in _others(arrival, knowledge):
        item = knowledge.items.get(key)
        drawn = min(rest, item.open_quantity) if item is not None else 0
        if not drawn:
            continue
        rest -= drawn
        drawn_from += 1
        _post_draw(arrival, key, drawn, drawn_from, knowledge, decision)


def _rest(arrival: Arrival, deltas: Deltas) -> int:
    """Units that may still be drawn: what the movement's own reservation did not cover."""
    if arrival.event.type is EventType.ORDER_CANCELLED:
        return STATE_MAX
    return arrival.quantity if arrival.event.type is EventType.RESERVE else arrival.quantity + deltas[1]


def _others(arrival: Arrival, knowledge: Knowledge) -> Iterator[ItemKey]:
    """In which order: the same reference without a lot, then the allotment in the same lot, then without one."""
    event, kind = arrival.event, ItemKind.RESERVATION
    without_lot = knowledge.without_lot.get((arrival.sku, arrival.location)) if event.lot else None
    if without_lot is not None and event.type is not EventType.RESERVE:
        yield (without_lot, kind, reference_of(arrival, kind))
    if (allotment := allotment_of(arrival)) is not None:
        yield (arrival.position, kind, allotment)
        if without_lot is not None:
            yield (without_lot, kind, allotment)


def _post_draw(
    arrival: Arrival, key: ItemKey, drawn: int, number: int, knowledge: Knowledge, decision: Decision
) -> None:
    position, _, reference = key
    event = arrival.event
    ships = event.type is EventType.SHIP
    entry = Event(
        event_id=draw_id(event.source, event.event_id, number),
        source=CORRECTIONS,
        type=EventType.RELEASE_RESERVATION,
        occurred_at=event.occurred_at,
        sku=arrival.sku,
        location=arrival.location,
        quantity=drawn,
        lot=event.lot if position == arrival.position else "",
        document=event.document if ships else "",
        channel=event.channel,
        account=event.account,
        reservation_id=reference,
        reason=f"drawn by {event.type} {event.event_id} of {event.source}",
    )
    drawing = Arrival(
        entry, knowledge.corrections, arrival.content, arrival.occurred_at, arrival.recorded_at,
        arrival.sku, arrival.location, "", drawn, position,
    )  # fmt: skip
    post(drawing, (0, -drawn, 0, 0), int(Flag.DRAWN), knowledge.positions[position], knowledge, decision)
    decision.further_parts += 1
