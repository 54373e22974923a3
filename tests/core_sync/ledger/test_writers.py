"""Several writers, and writers that fail: what is remembered between batches is never what was undone."""

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import DatabaseUnavailable, VerbRefused
from core_sync.ledger.decisions import apply_after_all, refuse, reverse
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import partition_of
from tests.builders import MONDAY, a_receipt, a_shipment


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(Database(database_url))


@pytest.fixture
def another(database_url: str) -> Ledger:
    """The same database seen by another process."""
    return Ledger(Database(database_url))


def on_hand(ledger: Ledger) -> dict[str, int]:
    with ledger.database.reading() as connection:
        return {position.sku: position.on_hand for position in positions(connection)}


def test_after_a_refused_reversal_the_next_one_works(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, event_id="r"), a_shipment(5, event_id="s")], MONDAY)
    with pytest.raises(VerbRefused):
        reverse(ledger, "wms", "r", "ops", MONDAY)
    reverse(ledger, "wms", "s", "ops", MONDAY)
    assert on_hand(ledger) == {"MUG": 5}


def test_a_source_told_to_be_relative_by_another_process_is_so_at_once(ledger: Ledger) -> None:
    ledger.apply([a_receipt(1)], MONDAY)
    other_process = Database(ledger.database.url)
    with other_process.transaction() as connection:
        connection.execute(text("UPDATE source SET opening = 'unknown'"))
    assert ledger.apply([a_shipment(5)], MONDAY).accepted == 1


def test_two_writers_of_one_id_under_two_skus_leave_one_entry_and_one_conflict(ledger: Ledger, another: Ledger) -> None:
    assert partition_of("MUG") != partition_of("TEAPOT")  # they do not wait for each other's lock
    if ledger.database.is_sqlite:
        ledger.apply([a_receipt(5, event_id="x")], MONDAY)
        assert another.apply([a_receipt(5, event_id="x", sku="TEAPOT")], MONDAY).conflicts == 1
        return
    ledger.apply([a_receipt(1), a_receipt(1, sku="TEAPOT")], MONDAY)
    with ThreadPoolExecutor(1) as pool:
        with ledger.writing() as connection:
            ledger._apply_within(connection, [a_receipt(5, event_id="x")], [MONDAY] * 1, None, None)
            second = pool.submit(another.apply, [a_receipt(5, event_id="x", sku="TEAPOT")], MONDAY)
            sleep(0.3)  # long enough to reach the entry that the first has not committed yet
        assert second.result().conflicts == 1
    assert on_hand(ledger) == {"MUG": 6, "TEAPOT": 1}


def test_a_full_database_is_said_to_be_unavailable_and_the_batch_may_be_sent_again(sqlite_url: str) -> None:
    ledger = Ledger(Database(sqlite_url))
    with ledger.database.reading() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    many = [a_receipt(1, sku=f"SKU-{number}") for number in range(2_000)]
    with ledger.writing() as connection:  # the limit is its connection's
        connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(DatabaseUnavailable, match="full"):
        ledger.apply(many, MONDAY)
    with ledger.writing() as connection:
        connection.execute(text("PRAGMA max_page_count = 1000000"))
    assert ledger.apply(many, MONDAY).accepted == 2_000


def test_what_was_applied_meanwhile_can_be_neither_applied_nor_refused(ledger: Ledger, another: Ledger) -> None:
    ledger.apply([a_shipment(5, event_id="s")], MONDAY)
    with ledger.database.reading() as connection:
        held_id = connection.execute(text("SELECT held_id FROM held_event")).scalar_one()
    if ledger.database.is_sqlite:
        another.apply([a_receipt(5)], MONDAY)
        with pytest.raises(VerbRefused, match="applied"):
            refuse(ledger, held_id, "ops", MONDAY)
        return
    with ThreadPoolExecutor(2) as pool:
        with another.writing() as connection:
            another._apply_within(connection, [a_receipt(5)], [MONDAY] * 1, None, None)
            refusal = pool.submit(refuse, ledger, held_id, "ops", MONDAY)
            again = pool.submit(apply_after_all, Ledger(ledger.database), held_id, "ops", MONDAY)
            sleep(0.3)  # both have looked, and wait for the lock
        with pytest.raises(VerbRefused, match="applied"):
            refusal.result()
        with pytest.raises(VerbRefused, match="decided on meanwhile"):
            again.result()
    assert on_hand(ledger) == {"MUG": 0}
