"""Histories to try the ledger on: a crowded one, in which everything meets everything, and a distributor's."""

import random
from collections.abc import Iterator

from core_sync.ledger.events import Event, EventType
from tests.builders import an_event

CROWDED_PLACES = {"LEEDS": "strict", "BATH": "strict", "YORK": "lenient", "HULL": "strict"}
CROWDED_UNKNOWN_OPENING = {"depot"}


def a_crowded_history(seed: int, events: int) -> Iterator[Event]:
    """Movements of few SKUs at three places: late, told twice, contradicted, repeated, more than there is."""
    chance = random.Random(seed)
    told: list[Event] = []
    types = [*EventType, EventType.RECEIPT, EventType.RETURN_RECEIVED, EventType.HOLD, EventType.RESERVE]
    for number in range(events):
        if told and chance.random() < 0.05:
            yield chance.choice(told)
            continue
        type = chance.choice(types)
        lowest = -9 if type is EventType.ADJUST else -1 if chance.random() < 0.02 else 0
        location = chance.choice(list(CROWDED_PLACES))
        told.append(
            an_event(
                type,
                chance.randint(lowest, chance.choice([2, 9])),
                event_id=f"e{number if chance.random() > 0.02 else chance.randrange(number + 1)}",
                source="depot" if location == "HULL" else chance.choice(["wms", "shop"]),
                sku=f"SKU-{chance.randrange(3 + number // 400)}",
                location=location,
                lot=chance.choice(["", "", "L1"]),
                hours=number / 60 - (chance.random() * 20 if chance.random() < 0.2 else 0),
                document=f"D{chance.randrange(8) + number // 300}" if chance.random() < 0.7 else "",
                line=chance.choice(["", "1", "2"]),
                reservation_id=_reservation(chance, number),
                account=chance.choice(["", "", "ACME"]),
                to_location=chance.choice(list(CROWDED_PLACES)),
            )
        )
        yield told[-1]


def _reservation(chance: random.Random, number: int) -> str:
    """Mostly none of its own; one of a few; the allotment of an account."""
    told = chance.random()
    if told < 0.1:
        return "allotment:ACME"
    return f"R{chance.randrange(8) + number // 300}" if told < 0.3 else ""
