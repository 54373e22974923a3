"""Thousands and millions of events, in uneven batches, come out as the oracle says that was told them one by one."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.decisions import retry_lacking
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY
from tests.core_sync.ledger.distributor import Distributor, an_oracle, learn_new_skus, load_master_data
from tests.core_sync.ledger.histories import CROWDED_PLACES, CROWDED_UNKNOWN_OPENING, a_crowded_history
from tests.core_sync.ledger.laws import assert_as_told, assert_lawful, telling_id
from tests.core_sync.ledger.oracle import Oracle
from tests.proof import counted, keep_result

SIZES = (1, 3, 40, 700)
"""Of batches, one of them at random each time."""

MANY = counted(1_000_000, 50_000)
SIZES_OF_MANY = (1, 7, 100, 1_000, 5_000, 20_000)
AT = MONDAY + timedelta(days=90)


def prepared(database_url: str) -> Ledger:
    """A ledger that knows the places of the crowded history, and whose opening stock is unknown."""
    ledger = Ledger(Database(database_url))
    with ledger.database.transaction() as connection:
        insert = text("INSERT INTO location (location, stock_control) VALUES (:name, :control)")
        connection.execute(insert, [{"name": name, "control": control} for name, control in CROWDED_PLACES.items()])
        insert = text("INSERT INTO source (name, opening, winner, tolerance) VALUES (:name, 'unknown', '', 0)")
        connection.execute(insert, [{"name": name} for name in CROWDED_UNKNOWN_OPENING])
        bump_version(connection)
    return ledger


def in_uneven_batches(ledger: Ledger, history: Sequence[Event], seed: int) -> BatchOutcome:
    chance, outcome, start = random.Random(seed), BatchOutcome(), 0
    while start < len(history):
        size = chance.choice(SIZES)
        outcome.add(ledger.apply(history[start : start + size], MONDAY + timedelta(days=9)))
        start += size
    return outcome


def test_a_crowded_history_comes_out_as_the_oracle_says(database_url: str) -> None:
    lenient = {place for place, control in CROWDED_PLACES.items() if control == "lenient"}
    oracle = Oracle(telling_id, lenient=lenient, unknown_opening=CROWDED_UNKNOWN_OPENING)
    history = list(a_crowded_history(seed=7, events=3_000))
    for event in history:
        oracle.hear(event)
    ledger = prepared(database_url)
    outcome = in_uneven_batches(ledger, history, seed=1)
    with ledger.database.reading() as connection:
        assert_lawful(connection, lenient)
        assert_as_told(connection, oracle)
    told = {"duplicate": outcome.duplicates, "conflict": outcome.conflicts, "repeated": outcome.repeated}
    assert told == oracle.tellings
    assert set(oracle.ends.values()) == {"accepted", "parked", "refused", "suspected_duplicate", "conflict"}
    assert {"late", "absorbed", "released", "repeated"} <= {word for words in oracle.marks.values() for word in words}


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_a_distributors_events_come_out_as_the_oracle_says(database_url: str) -> None:
    oracle, ledger, outcome = an_oracle(), Ledger(Database(database_url)), BatchOutcome()
    with ledger.database.transaction() as connection:
        load_master_data(connection, oracle)
    history, types, batches = iter(Distributor(oracle, seed=1, events=MANY)), Counter[str](), 0
    for half in (islice(history, MANY // 2), history):
        for batch in _heard(half, oracle, random.Random(2)):
            outcome.add(ledger.apply(batch, AT))
            types.update(event.type for event in batch)
            batches += 1
        if half is not history:
            with ledger.database.transaction() as connection:
                learn_new_skus(connection, oracle)
            oracle.retry_lacking()
            outcome.add(retry_lacking(ledger, AT))
    with ledger.database.reading() as connection:
        assert_lawful(connection, oracle.lenient)
        assert_as_told(connection, oracle)
    told = {"duplicate": outcome.duplicates, "conflict": outcome.conflicts, "repeated": outcome.repeated}
    assert told == oracle.tellings
    kind = "sqlite" if ledger.database.is_sqlite else "postgresql"
    keep_result(
        f"ledger_oracle_{kind}",
        "tests/core_sync/ledger/test_against_oracle.py",
        {
            "database": kind,
            "events": types.total(),
            "batches": batches,
            "positions": len(oracle.stock),
            "tellings": dict(oracle.tellings),
            "ends": dict(Counter(oracle.ends.values())),
            "held at some time": len(oracle.ever_held()),
            "marks": dict(Counter(word for words in oracle.marks.values() for word in words)),
            "types": dict(types),
            "differing": 0,
        },
    )


def _heard(events: Iterator[Event], oracle: Oracle, chance: random.Random) -> Iterator[list[Event]]:
    """Batches of uneven sizes; the oracle hears each event as soon as it is told."""
    while True:
        batch = []
        for event in islice(events, chance.choice(SIZES_OF_MANY)):
            oracle.hear(event)
            batch.append(event)
        if not batch:
            return
        yield batch
