"""Events that name a kit: stock is kept of its components, so the event becomes one arrival for each of them.

The first component's arrival keeps the event's own id, the others are ``ID#COMPONENT``; all carry the digest of what
the source said. Each is ruled on by itself, but the event comes once: told again it is known as a whole, whatever the
kit is made of by then.
"""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import Flag
from core_sync.ledger.events import KIT, PARTS
from core_sync.ledger.intern import Interned
from core_sync.ledger.knowledge import EventKey, Knowledge
from core_sync.ledger.normalise import component_unknown, nonsense
from core_sync.master_data.catalogue import Catalogue


def part_id(event_id: str, component: str) -> str:
    """The id of a further component's event."""
    return f"{event_id}#{component}"


def in_components(arrivals: Sequence[Arrival], bulk: Bulk, catalogue: Catalogue, interned: Interned) -> list[Arrival]:
    """``arrivals`` with those that name a kit replaced by their components', each with its place."""
    result: list[Arrival] = []
    parts: list[Arrival] = []
    for arrival in arrivals:
        components = _components(arrival, catalogue)
        if not components:
            result.append(arrival)
            continue
        made = list(_parts(arrival, components, catalogue))
        parts += made
        result += made
    interned.give_positions(bulk, parts)
    return result


def once(arrivals: Sequence[Arrival], knowledge: Knowledge) -> list[Arrival]:
    """``arrivals`` without the further components of events that are known already: the first one tells of them all.

    An event that lacked master data may come again corrected; then all its components do.
    """
    heard: set[EventKey] = set()
    left: list[Arrival] = []
    is_known = False
    for arrival in arrivals:
        if arrival.told is not None:
            key = (arrival.source_id, arrival.event.event_id)
            before = knowledge.known.get(key)
            is_known = key in heard or (before is not None and before.lacks is None)
            if arrival.lack is None:
                heard.add(key)
        elif arrival.part_of and is_known:
            continue
        left.append(arrival)
    return left


def _components(arrival: Arrival, catalogue: Catalogue) -> tuple[tuple[str, int], ...]:
    if arrival.lack is not None or KIT in arrival.event.attributes or nonsense(arrival) is not None:
        return ()
    return catalogue.components_of(arrival.sku, arrival.occurred_at)


def _parts(arrival: Arrival, components: Sequence[tuple[str, int]], catalogue: Catalogue) -> Iterator[Arrival]:
    event, kit = arrival.event, arrival.sku
    ids = [event.event_id, *(part_id(event.event_id, component) for component, _ in components[1:])]
    for event_id, (component, units) in zip(ids, components, strict=True):
        first = event_id == event.event_id
        told = {KIT: kit, PARTS: msgspec.json.encode(ids[1:]).decode()} if first else {KIT: kit}
        quantity = arrival.quantity * units
        yield replace(
            arrival,
            event=replace(
                event, event_id=event_id, sku=component, quantity=quantity, uom="", unit_price=None,
                attributes={**event.attributes, **told},
            ),
            sku=component,
            quantity=quantity,
            lack=None if catalogue.knows(component) else component_unknown(kit, component),
            flags=arrival.flags | Flag.MAPPED,
            told=event if first else None,
            part_of="" if first else event.event_id,
        )  # fmt: skip
