"""Thousands of events, in uneven batches, come out as the oracle says that was told them one by one."""

import random
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import BatchOutcome, Ledger
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY
from tests.core_sync.ledger.histories import CROWDED_PLACES, CROWDED_UNKNOWN_OPENING, a_crowded_history
from tests.core_sync.ledger.laws import assert_as_told, assert_lawful, telling_id
from tests.core_sync.ledger.oracle import Oracle

SIZES = (1, 3, 40, 700)
"""Of batches, one of them at random each time."""


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
