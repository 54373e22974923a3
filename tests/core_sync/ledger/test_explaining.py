"""Every entry behind a figure, in pages, with why some do not count; figures as of any moment, read by index."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import CursorRefused
from core_sync.ledger.decisions import reverse
from core_sync.ledger.entries import Span, entries_of, read_entries
from core_sync.ledger.events import EventType
from core_sync.ledger.held import held_at
from core_sync.ledger.history import Clock, positions_at
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_count, a_receipt, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(Database(database_url))


def test_pages_lead_through_every_entry_once_the_newest_first(ledger: Ledger) -> None:
    receipts = [a_receipt(1, event_id=f"r{n}", hours=n % 5, lot="L1" if n % 2 else "") for n in range(11)]
    moved = an_event(EventType.TRANSFER_OUT, 1, event_id="t", hours=9, to_location="BATH")
    ledger.apply([*receipts, moved, a_receipt(1, sku="TRAY")], MONDAY)
    seen: list[str] = []
    cursor = None
    with ledger.database.reading() as connection:
        while True:
            page = read_entries(connection, Span(sku="MUG"), cursor, 5)
            seen += [entry.event_id for entry in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        entries = list(entries_of(connection, Span(sku="MUG")))
        there = list(entries_of(connection, Span(sku="MUG", location="BATH")))
        with pytest.raises(CursorRefused):
            read_entries(connection, Span(sku="MUG"), "x")
    assert seen == [entry.event_id for entry in entries]
    assert (seen[0], len(seen), len(set(seen))) == ("t", 12, 12)
    assert entries == sorted(entries, key=lambda entry: (entry.occurred_at, entry.entry), reverse=True)
    assert [(entry.event_id, entry.location, entry.to_location) for entry in there] == [("t", "LEEDS", "BATH")]


def test_an_entry_that_does_not_count_says_which_count_contains_it(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_count(7, hours=5, event_id="c"), a_shipment(2, hours=4, event_id="late")], MONDAY)
    ledger.apply([a_count(8, hours=3, event_id="older")], MONDAY)
    with ledger.database.reading() as connection:
        told = {entry.event_id: entry for entry in entries_of(connection, Span(sku="MUG"))}
    assert (told["late"].on_hand, told["late"].why) == (
        0, "the count of 2026-03-02 13:00 UTC (c of wms) was known before it and already contains it",
    )  # fmt: skip
    assert told["older"].why == "the count of 2026-03-02 13:00 UTC (c of wms) is later and was known before it"
    assert told["c"].why is None
    reverse(ledger, "wms", "c", "ops", MONDAY)
    with ledger.database.reading() as connection:
        told = {entry.event_id: entry for entry in entries_of(connection, Span(sku="MUG"))}
    assert told["late"].why == (
        "the count of 2026-03-02 13:00 UTC (c of wms) contained it when it came; since that was taken back, "
        f"entry {told['reversal:wms:c'].entry} counts it in"
    )


def test_an_entry_that_was_taken_back_names_the_one_that_did(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9, event_id="r")], MONDAY)
    reverse(ledger, "wms", "r", "ops", MONDAY)
    with ledger.database.reading() as connection:
        told = {entry.event_id: entry for entry in entries_of(connection, Span(sku="MUG"))}
    assert told["r"].reversed_by == told["reversal:wms:r"].entry


def test_figures_and_entries_as_of_a_moment_agree_on_either_clock(ledger: Ledger) -> None:
    for hour in (1, 3, 2):
        recorded = MONDAY + timedelta(hours=hour + 10)
        ledger.apply([a_receipt(hour, hours=hour), a_receipt(hour, hours=hour, location="BATH")], recorded)
        ledger.apply([an_event(EventType.TRANSFER_OUT, 1, hours=hour, to_location="BATH")], recorded)
    for clock, shift in ((Clock.OCCURRED, 0), (Clock.RECORDED, 10)):
        for hour in (0, 1, 2, 3):
            moment = MONDAY + timedelta(hours=hour + shift)
            with ledger.database.reading() as connection:
                of_one = list(positions_at(connection, moment, clock, "MUG"))
                of_all = list(positions_at(connection, moment, clock))
                entries = list(entries_of(connection, Span(sku="MUG", moment=moment, clock=clock)))
            assert of_one == of_all
            assert sum(entry.on_hand for entry in entries) == sum(position.on_hand for position in of_one)
            assert len(entries) == 3 * hour


def test_what_waits_at_a_position_is_shown_beside_it(ledger: Ledger) -> None:
    ledger.apply([a_shipment(2), a_shipment(3, location="BATH"), a_shipment(4, sku="TRAY")], MONDAY)
    with ledger.database.reading() as connection:
        assert [one.quantity for one in held_at(connection, "MUG")] == [2, 3]
        assert [one.quantity for one in held_at(connection, "MUG", "BATH")] == [3]


@pytest.mark.parametrize("clock", Clock)
def test_the_figures_of_one_sku_at_a_moment_are_read_by_index(sqlite_url: str, clock: Clock) -> None:
    from core_sync.ledger import history

    statement = history._AT_OF_SKU[clock].format(clock=f"{clock}_at", pinned="CROSS")
    with Database(sqlite_url).reading() as connection:
        bound = {"sku": "MUG", "location": None, "moment": 0}
        plan = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), bound)]
    assert sum("ledger_entry_by" in step for step in plan) >= 2
    assert not [step for step in plan if step.startswith("SCAN l")]
