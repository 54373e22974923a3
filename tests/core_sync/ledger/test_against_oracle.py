"""Thousands of events, in uneven batches, come out as the slow second telling of the rules says."""

import random
from datetime import timedelta

from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import BatchOutcome, Ledger
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY, an_event
from tests.core_sync.ledger.oracle import Oracle

EVENTS = 4_000
SIGNED = (EventType.ADJUST,)


def a_history(seed: int) -> list[Event]:
    """Movements of four SKUs at three places: late, told twice, contradicted, repeated, more than there is."""
    chance = random.Random(seed)
    told: list[Event] = []
    for number in range(EVENTS):
        if told and chance.random() < 0.05:
            told.append(chance.choice(told))
            continue
        type = chance.choice([*EventType, EventType.RECEIPT, EventType.SHIP, EventType.RESERVE])
        document = f"D{chance.randrange(40)}" if chance.random() < 0.7 else ""
        # a held return has one reference here: whose hold a release_hold draws from is not in the oracle
        holds = type in (EventType.HOLD, EventType.RELEASE_HOLD)
        told.append(
            an_event(
                type,
                chance.randint(-9 if type in SIGNED else -1 if chance.random() < 0.02 else 0, 20),
                event_id=f"e{number if chance.random() > 0.02 else chance.randrange(number + 1)}",
                source=chance.choice(["wms", "shop"]),
                sku=f"SKU-{chance.randrange(4)}" + ("-H" if holds else ""),
                location=chance.choice(["LEEDS", "BATH", "YORK"]),
                lot=chance.choice(["", "", "L1"]),
                hours=number / 60 - (chance.random() * 20 if chance.random() < 0.2 else 0),
                document="" if holds else document,
                line=chance.choice(["", "1", "2"]),
                reservation_id=f"R{chance.randrange(30)}" if chance.random() < 0.2 else "",
                to_location=chance.choice(["LEEDS", "BATH", "YORK"]),
            )
        )
    return told


def test_the_ledger_agrees_with_a_second_telling_of_its_rules(database_url: str) -> None:
    history = a_history(seed=7)
    oracle = Oracle(lenient=frozenset({"YORK"}))
    for event in history:
        oracle.hear(event)

    ledger = Ledger(Database(database_url))
    with ledger.database.transaction() as connection:
        places = [("LEEDS", "strict"), ("BATH", "strict"), ("YORK", "lenient")]
        insert = text("INSERT INTO location (location, stock_control) VALUES (:name, :control)")
        connection.execute(insert, [{"name": name, "control": control} for name, control in places])
        bump_version(connection)
    chance, outcome, start = random.Random(1), BatchOutcome(), 0
    while start < len(history):
        size = chance.choice([1, 3, 40, 700])
        outcome.add(ledger.apply(history[start : start + size], MONDAY + timedelta(days=9)))
        start += size

    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        stored = {
            (p.sku, p.location, p.lot): (p.on_hand, p.allocated, p.quality_hold, p.in_transit)
            for p in positions(connection)
        }
        ends = text(
            "SELECT s.name, l.event_id, 'accepted' FROM ledger_entry l JOIN source s ON s.source_id = l.source_id "
            "UNION ALL SELECT s.name, h.event_id, h.status FROM held_event h JOIN source s "
            "ON s.source_id = h.source_id WHERE h.status NOT IN ('applied', 'conflict')"
        )
        ended = {(source, event): end for source, event, end in connection.execute(ends)}
    assert ended == oracle.ends
    assert {"accepted", "parked", "refused", "suspected_duplicate"} <= set(ended.values())
    assert (outcome.duplicates, outcome.conflicts) == (oracle.tellings["duplicate"], oracle.tellings["conflict"])
    assert min(oracle.tellings.values()) > 20
    told = {place: (s.on_hand, s.allocated, s.quality_hold, s.in_transit) for place, s in oracle.stock.items()}
    assert {place: told.get(place, (0, 0, 0, 0)) for place in stored} == stored
    assert all(place in stored for place, figures in told.items() if any(figures))
