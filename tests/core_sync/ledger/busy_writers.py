"""Writers that work at once on one database: the same SKUs, the same ids now and then, in batches of any size."""

import random
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.decisions import apply_after_all, refuse, reverse
from core_sync.ledger.events import CORRECTIONS, Event, EventType
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, an_event
from tests.core_sync.ledger.books import Name

AT = MONDAY + timedelta(days=9)
SKUS = 40
PLACES = {"LEEDS": "strict", "BATH": "strict", "YORK": "lenient"}
SIZES = (1, 1, 2, 5, 20, 100)
COMMON_IDS = 200_000
"""Ids that any writer may tell of; each says the same of them, but for a few."""


@dataclass
class Told:
    """What one writer handed in and was told about it."""

    names: set[Name] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def an_event_of(name: str, source: str = "wms", variant: int = 0) -> Event:
    """The event that goes by ``name``: who tells of it tells the same, unless the ``variant`` is another."""
    chance = random.Random(f"{name}/{variant}")
    type = chance.choice([*EventType, EventType.RECEIPT, EventType.RECEIPT, EventType.HOLD, EventType.RETURN_RECEIVED])
    location = chance.choice(list(PLACES))
    return an_event(
        type,
        chance.randint(-3 if type is EventType.ADJUST else 0, 6),
        event_id=name,
        source=source,
        sku=f"SKU-{min(chance.randrange(SKUS), chance.randrange(SKUS))}",
        location=location,
        lot=chance.choice(["", "", "", "L1"]),
        hours=chance.randrange(200),
        document=chance.choice(["", f"D{chance.randrange(30)}"]),
        account=chance.choice(["", "", "ACME"]),
        reservation_id=chance.choice(["", "", "", "allotment:ACME"]),
        line=chance.choice(["", "", f"{chance.randrange(200)}"]),
        to_location=chance.choice([place for place in PLACES if place != location]),
    )


def work(database_url: str, number: int, seconds: float) -> Told:
    """Write for ``seconds``: events of one's own, common ones, told again and told otherwise; decide now and then."""
    told, chance, own = Told(), random.Random(number), 0
    ledger = Ledger(Database(database_url))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        batch: list[Event] = []
        for _ in range(chance.choice(SIZES)):
            own += 1
            kind = chance.random()
            if kind < 0.7:
                batch.append(an_event_of(f"w{number}-{own}", f"wms-{number % 3}"))
            elif kind < 0.9:
                batch.append(an_event_of(f"c{own + chance.randrange(-50, 50)}"))
            else:
                batch.append(an_event_of(f"c{own + chance.randrange(-50, 50)}", variant=number + 1))
        try:
            outcome = ledger.apply(batch, AT)
            told.names |= {(event.source, event.event_id) for event in batch}
            told.counts.update(events=len(batch), batches=1, accepted=outcome.accepted, duplicates=outcome.duplicates,
                               conflicts=outcome.conflicts)  # fmt: skip
            if chance.random() < 0.1:
                _decide(ledger, chance, batch, told)
        except Exception:
            told.errors.append(traceback.format_exc())
    ledger.close()
    return told


def _decide(ledger: Ledger, chance: random.Random, batch: Sequence[Event], told: Told) -> None:
    """Take an entry back, or decide on what is held, as far as the ledger allows it."""
    with ledger.database.reading() as connection:
        statement = text("SELECT held_id FROM held_event ORDER BY held_id DESC LIMIT 50")
        held = connection.execute(statement).scalars().all()
    event = chance.choice(batch)
    try:
        match chance.randrange(3):
            case 0:
                verdict = reverse(ledger, event.source, event.event_id, "ops", AT)
            case 1 if held:
                verdict = refuse(ledger, chance.choice(held), "ops", AT)
            case _ if held:
                verdict = apply_after_all(ledger, chance.choice(held), "ops", AT)
            case _:
                return
    except (VerbRefused, NotFound):
        told.counts["verbs refused"] += 1
        return
    told.counts["verbs"] += 1
    told.counts["accepted"] += sum(entry.source != CORRECTIONS for entry in verdict.entries)
