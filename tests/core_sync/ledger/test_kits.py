"""Stock is kept of a kit's components: one event about the kit moves each of them, once, whatever the kit becomes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.decisions import apply_after_all, confirm_duplicate, retry_lacking, reverse
from core_sync.ledger.entries import Span, entries_of
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.held import HeldEventShown, read_held
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.kits import define_kits
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY, a_count, a_receipt, a_reservation, a_shipment, an_event

TUESDAY = MONDAY + timedelta(days=1)


def a_kit(ledger: Ledger, kit: str, at: int = to_microseconds(MONDAY), **components: int) -> None:
    """``kit`` is made of so many units of each of ``components`` from ``at`` on."""
    with ledger.database.transaction() as connection:
        rows = [
            {"kit": kit, "component": one, "quantity": quantity, "valid_from": None, "valid_to": None}
            for one, quantity in components.items()
        ]
        define_kits(connection, rows, at)
        bump_version(connection)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """A breakfast set is a mug and two plates."""
    ledger = Ledger(Database(database_url))
    a_kit(ledger, "SET", MUG=1, PLATE=2)
    return ledger


def a_set(event: EventType, quantity: int, **said: object) -> Event:
    return an_event(event, quantity, sku="SET", **said)  # type: ignore[arg-type]  # the test's own words


def on_hand(ledger: Ledger) -> dict[str, int]:
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        return {position.sku: position.on_hand for position in positions(connection) if position.on_hand}


def held(ledger: Ledger) -> list[HeldEventShown]:
    with ledger.database.reading() as connection:
        return read_held(connection).items


def test_an_event_about_a_kit_moves_each_component_and_counts_once(ledger: Ledger) -> None:
    outcome = ledger.apply([a_set(EventType.RECEIPT, 3), a_set(EventType.SHIP, 1, hours=1)], MONDAY)
    assert (outcome.accepted, on_hand(ledger)) == (2, {"MUG": 2, "PLATE": 4})


def test_the_first_component_keeps_the_event_s_id_and_each_entry_says_which_kit(ledger: Ledger) -> None:
    ledger.apply([a_set(EventType.RECEIPT, 3, event_id="e1"), a_receipt(1, event_id="e2")], MONDAY)
    with ledger.database.reading() as connection:
        told = [e for sku in ("MUG", "PLATE") for e in entries_of(connection, Span(sku=sku))]
    assert {(e.event_id, e.sku, e.quantity, e.kit) for e in told} == {
        ("e1", "MUG", 3, "SET"), ("e1#PLATE", "PLATE", 6, "SET"), ("e2", "MUG", 1, None),
    }  # fmt: skip


@pytest.mark.parametrize("size", [1, 4])
def test_told_again_the_event_is_a_duplicate_as_a_whole_though_the_kit_is_another_now(
    ledger: Ledger, size: int
) -> None:
    receipt = a_set(EventType.RECEIPT, 3)
    ledger.apply([receipt], MONDAY)
    a_kit(ledger, "SET", to_microseconds(TUESDAY) - 1, MUG=1, BOWL=1)
    a_kit(ledger, "SET", to_microseconds(MONDAY) - 1, BOWL=7)
    again = ledger.apply([receipt] * size, TUESDAY)
    assert (again.duplicates, again.accepted, on_hand(ledger)) == (size, 0, {"MUG": 3, "PLATE": 6})


def test_twice_in_one_batch_is_once(ledger: Ledger) -> None:
    receipt = a_set(EventType.RECEIPT, 3, event_id="r")
    outcome = ledger.apply([receipt, receipt, a_set(EventType.RECEIPT, 4, event_id="r")], MONDAY)
    assert (outcome.accepted, outcome.duplicates, outcome.conflicts) == (1, 1, 1)
    assert on_hand(ledger) == {"MUG": 3, "PLATE": 6}


def test_the_kit_of_the_moment_at_which_it_happened_counts(ledger: Ledger) -> None:
    a_kit(ledger, "SET", to_microseconds(TUESDAY), MUG=2)
    ledger.apply([a_set(EventType.RECEIPT, 1, hours=1), a_set(EventType.RECEIPT, 1, hours=25)], TUESDAY)
    assert on_hand(ledger) == {"MUG": 3, "PLATE": 2}


def test_each_component_waits_by_itself_and_is_freed_by_itself(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5), a_receipt(1, sku="PLATE")], MONDAY)
    outcome = ledger.apply([a_set(EventType.SHIP, 1, hours=1, event_id="s")], MONDAY)
    assert (outcome.accepted, outcome.parked, on_hand(ledger)) == (1, 1, {"MUG": 4, "PLATE": 1})
    (waiting,) = held(ledger)
    assert (waiting.event, waiting.sku, waiting.asked, waiting.there) == ("s#PLATE", "PLATE", 2, 1)
    assert ledger.apply([a_set(EventType.SHIP, 1, hours=1, event_id="s")], MONDAY).duplicates == 1
    assert ledger.apply([a_receipt(1, sku="PLATE", hours=2)], MONDAY).freed == 1
    assert on_hand(ledger) == {"MUG": 4}
    assert ledger.apply([a_set(EventType.SHIP, 1, hours=1, event_id="s")], MONDAY).duplicates == 1


def test_another_id_for_the_same_line_is_suspected_component_by_component(ledger: Ledger) -> None:
    line = {"document": "PO-1", "line": "1"}
    ledger.apply([a_set(EventType.RECEIPT, 1, **line), a_set(EventType.RECEIPT, 1, event_id="b", **line)], MONDAY)
    assert [(one.event, one.status) for one in held(ledger)] == [
        ("b", "suspected_duplicate"), ("b#PLATE", "suspected_duplicate"),
    ]  # fmt: skip
    for one in held(ledger):
        confirm_duplicate(ledger, one.held, "ops", MONDAY)
    assert on_hand(ledger) == {"MUG": 1, "PLATE": 2}


def test_reservations_and_counts_of_kits_are_their_components(ledger: Ledger) -> None:
    ledger.apply([a_count(5, sku="SET"), a_reservation(2, sku="SET", hours=1, document="SO-1")], MONDAY)
    ledger.apply([a_shipment(2, sku="SET", hours=2, document="SO-1")], MONDAY)
    with ledger.database.reading() as connection:
        stock = {p.sku: (p.on_hand, p.allocated) for p in positions(connection)}
    assert stock == {"MUG": (3, 0), "PLATE": (6, 0)}


def test_an_event_that_waited_for_its_kit_applies_when_the_kit_is_told(database_url: str) -> None:
    ledger = Ledger(Database(database_url))
    with ledger.database.transaction() as connection:
        rows = [{"sku": "MUG"}, {"sku": "PLATE"}]
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES (:sku, 'EA', FALSE)"), rows)
        bump_version(connection)
    receipt = a_set(EventType.RECEIPT, 2, event_id="r")
    assert ledger.apply([receipt], MONDAY).parked == 1
    a_kit(ledger, "SET", MUG=1, PLATE=2)
    assert retry_lacking(ledger, MONDAY).accepted == 1
    assert (on_hand(ledger), held(ledger)) == ({"MUG": 2, "PLATE": 4}, [])
    assert ledger.apply([receipt], MONDAY).duplicates == 1


def test_a_component_that_is_no_sku_of_ours_waits_for_it_while_the_others_move(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)
    ledger.apply([a_set(EventType.RECEIPT, 2)], MONDAY)
    (waiting,) = held(ledger)
    assert (waiting.lacked, waiting.message) == ("PLATE", "the kit SET is made of PLATE, which no SKU explains")
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('PLATE', 'EA', FALSE)"))
        bump_version(connection)
    assert retry_lacking(ledger, MONDAY).freed == 1
    assert on_hand(ledger) == {"MUG": 2, "PLATE": 4}


def test_an_event_about_a_kit_is_taken_back_as_a_whole(ledger: Ledger) -> None:
    ledger.apply([a_set(EventType.RECEIPT, 2, event_id="r"), a_shipment(4, sku="PLATE", hours=1)], MONDAY)
    ledger.apply([a_set(EventType.SHIP, 1, hours=2, event_id="s")], MONDAY)
    asked = reverse(ledger, "wms", "s", "ops", MONDAY, dry_run=True)
    assert [(e.sku, e.on_hand) for e in asked.entries] == [("MUG", 1)]
    reverse(ledger, "wms", "s", "ops", MONDAY)
    assert (on_hand(ledger), held(ledger)) == ({"MUG": 2}, [])


def test_a_telling_that_contradicts_the_first_is_kept_whole_and_may_take_its_place(ledger: Ledger) -> None:
    ledger.apply([a_set(EventType.RECEIPT, 2, event_id="r"), a_set(EventType.RECEIPT, 3, event_id="r")], MONDAY)
    (conflict,) = held(ledger)
    assert (conflict.status, conflict.sku, conflict.quantity) == ("conflict", "SET", 3)
    assert apply_after_all(ledger, conflict.held, "ops", MONDAY).status == "applied"
    assert (on_hand(ledger), held(ledger)) == ({"MUG": 3, "PLATE": 6}, [])
