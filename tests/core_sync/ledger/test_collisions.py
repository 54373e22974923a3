"""Writers on PostgreSQL that take one event, or one id, at the same moment."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from time import sleep

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.decisions import refuse, retry_lacking
from core_sync.ledger.events import Event
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.proof import prove_all
from core_sync.master_data.load import add_alias, bump_version
from tests.builders import MONDAY, a_receipt, a_shipment


@pytest.fixture
def ledger(postgresql: Database) -> Ledger:
    return Ledger(postgresql)


@pytest.fixture
def another(ledger: Ledger) -> Ledger:
    """The same database seen by another process."""
    return Ledger(Database(ledger.database.url))


def on_hand(ledger: Ledger) -> dict[str, int]:
    with ledger.database.reading() as connection:
        return {position.sku: position.on_hand for position in positions(connection)}


@contextmanager
def meanwhile(ledger: Ledger, events: list[Event]) -> Iterator[ThreadPoolExecutor]:
    """``events`` are written and not committed while the block lasts; what it hands to the pool may have to wait."""
    with ThreadPoolExecutor(3) as pool, ledger.writing() as connection:
        ledger._apply_within(connection, events, [MONDAY] * len(events), None, None)
        yield pool
        sleep(0.3)  # long enough to reach what the first has not committed yet


def held(ledger: Ledger) -> list[tuple[str, str, str | None]]:
    with ledger.database.reading() as connection:
        statement = text("SELECT event_id, status, duplicate_of FROM held_event ORDER BY held_id")
        return [(event.partition("#")[0], status, like) for event, status, like in connection.execute(statement)]


def test_two_writers_that_hold_one_id_under_two_skus_keep_both_tellings(ledger: Ledger, another: Ledger) -> None:
    ledger.apply([a_receipt(1), a_receipt(1, sku="TEAPOT")], MONDAY)
    with meanwhile(ledger, [a_shipment(5, event_id="x")]) as pool:
        second = pool.submit(another.apply, [a_shipment(5, event_id="x", sku="TEAPOT")], MONDAY)
    assert second.result().conflicts == 1
    assert held(ledger) == [("x", "parked", None), ("x", "conflict", "x")]


def test_an_id_accepted_under_one_sku_while_it_is_held_under_another_is_a_conflict(
    ledger: Ledger, another: Ledger
) -> None:
    ledger.apply([a_receipt(1), a_receipt(1, sku="TEAPOT")], MONDAY)
    with meanwhile(ledger, [a_receipt(5, event_id="x")]) as pool:
        assert pool.submit(another.apply, [a_shipment(5, event_id="x", sku="TEAPOT")], MONDAY).result().parked == 1
    assert another.apply([a_receipt(9, sku="TEAPOT")], MONDAY).freed == 0
    assert on_hand(ledger) == {"MUG": 6, "TEAPOT": 10}
    prove_all(ledger.database, MONDAY, timedelta(minutes=1))
    assert held(ledger) == [("x", "conflict", "x")]


def test_an_event_held_for_an_alias_that_is_loaded_at_the_same_time_applies(ledger: Ledger, another: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)

    def load() -> int:
        with another.database.transaction() as connection:
            add_alias(connection, "wms", "MUG-BLUE", "MUG", "ops")
        return retry_lacking(another, MONDAY).accepted

    with meanwhile(ledger, [a_receipt(5, sku="MUG-BLUE")]) as pool:
        applied = pool.submit(load)
    assert applied.result() == 1
    assert on_hand(ledger) == {"MUG": 5}


def test_an_event_refused_while_its_sku_is_loaded_either_applies_or_is_refused(ledger: Ledger, another: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)
    ledger.apply([a_receipt(5, sku="MUG-BLUE")], MONDAY)
    with ledger.database.transaction() as connection:
        add_alias(connection, "wms", "MUG-BLUE", "MUG", "ops")
        held_id = connection.execute(text("SELECT held_id FROM held_event")).scalar_one()
    with meanwhile(ledger, [a_receipt(1, sku="MUG-BLUE")]) as pool:
        applied = pool.submit(retry_lacking, another, MONDAY)
        sleep(0.1)  # it has looked, and waits for the SKU
        refused = pool.submit(refuse, Ledger(ledger.database), held_id, "ops", MONDAY)
    is_refused = refused.exception() is None
    assert applied.result().accepted == (0 if is_refused else 1)
    assert on_hand(ledger) == {"MUG": 1 if is_refused else 6}
