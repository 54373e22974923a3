"""However a batch is split, each event meets the same end; what is cured is no failure any more."""

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.ledger.decisions import retry_lacking
from core_sync.ledger.events import QUANTITY_MAX, Event, EventType
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome, Origin
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY, a_receipt, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Mugs are known, by the piece and in pallets of a million."""
    ledger = Ledger(Database(database_url))
    tell(
        ledger,
        "INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)",
        "INSERT INTO unit_of_measure (sku, uom, numerator, denominator) VALUES ('MUG', 'PL', 1000000, 1)",
    )
    return ledger


def tell(ledger: Ledger, *statements: str) -> None:
    with ledger.database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))
        bump_version(connection)


def rows(ledger: Ledger, statement: str) -> list[tuple[object, ...]]:
    with ledger.database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def open_failures(ledger: Ledger) -> list[object]:
    return [code for (code,) in rows(ledger, "SELECT error_code FROM failure WHERE resolved_at IS NULL")]


def play(ledger: Ledger, events: list[Event], size: int) -> BatchOutcome:
    total = BatchOutcome()
    for start in range(0, len(events), size):
        total.add(ledger.apply(events[start : start + size], MONDAY))
    return total


@pytest.mark.parametrize("size", [1, 9])
def test_a_refused_event_does_not_come_again_with_other_content(ledger: Ledger, size: int) -> None:
    nonsense = an_event(EventType.TRANSFER_OUT, 1, sku="UNKNOWN", event_id="x")
    outcome = play(ledger, [nonsense, a_receipt(5, event_id="x")], size)
    assert (outcome.accepted, outcome.conflicts) == (0, 1)


@pytest.mark.parametrize("size", [1, 9])
def test_an_equal_movement_without_a_line_is_flagged_when_it_waited_too(ledger: Ledger, size: int) -> None:
    equal = [a_shipment(5, document="SO"), a_shipment(5, document="SO")]
    assert play(ledger, [a_receipt(5), *equal, a_receipt(5)], size).repeated == 1


@pytest.mark.parametrize("size", [1, 9])
def test_a_line_that_waits_in_one_lot_is_known_in_another(ledger: Ledger, size: int) -> None:
    line = {"document": "SO", "line": "1"}
    outcome = play(ledger, [a_receipt(5), a_shipment(5, lot="L1", **line), a_shipment(5, **line)], size)
    assert (outcome.parked, outcome.suspected_duplicates) == (1, 1)


@pytest.mark.parametrize("size", [1, 9])
def test_a_corrected_event_keeps_its_turn(ledger: Ledger, size: int) -> None:
    wrong, right = a_shipment(5, event_id="x", sku="MGU"), a_shipment(5, event_id="x")
    play(ledger, [wrong, a_shipment(5, event_id="y"), right, a_receipt(5)], size)
    assert rows(ledger, "SELECT event_id, status FROM held_event ORDER BY event_id") == [
        ("x", "applied"),
        ("y", "parked"),
    ]


@pytest.mark.parametrize("size", [1, 9])
def test_an_unknown_sku_is_no_failure_any_more_once_the_event_waits_for_stock_alone(ledger: Ledger, size: int) -> None:
    ledger.apply([a_shipment(5, event_id="x", sku="MGU")], MONDAY)
    assert open_failures(ledger) == ["unmapped_sku"]
    play(ledger, [a_shipment(5, event_id="x"), a_receipt(2), a_receipt(3)], size)
    assert open_failures(ledger) == []
    with ledger.database.reading() as connection:
        assert [position.on_hand for position in positions(connection)] == [0]


def test_more_than_a_table_can_hold_is_refused_and_the_rest_of_the_batch_applies(ledger: Ledger) -> None:
    too_much = [an_event(type, QUANTITY_MAX, uom="PL") for type in EventType if type is not EventType.TRANSFER_OUT]
    outcome = ledger.apply([*too_much, a_receipt(5)], MONDAY)
    assert (outcome.refused, outcome.accepted) == (len(too_much), 1)


def test_an_event_that_still_lacks_its_sku_keeps_the_row_it_came_from(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, sku="MGU")], MONDAY, origins=[Origin("monday.csv", 3)])
    assert retry_lacking(ledger, MONDAY).parked == 1
    assert rows(ledger, "SELECT file, row, status FROM held_event") == [("monday.csv", 3, "parked")]


def test_stock_below_zero_is_no_failure_any_more_at_a_place_that_became_strict(ledger: Ledger) -> None:
    tell(ledger, "INSERT INTO location (location, stock_control) VALUES ('LEEDS', 'lenient')")
    ledger.apply([a_shipment(2)], MONDAY)
    assert open_failures(ledger) == ["negative_stock"]
    tell(ledger, "UPDATE location SET stock_control = 'strict'")
    ledger.apply([a_receipt(5)], MONDAY)
    assert open_failures(ledger) == []


def test_a_long_queue_is_walked_in_order_and_only_as_far_as_the_stock_goes(ledger: Ledger) -> None:
    ledger.apply([a_shipment(2, event_id=f"s{n}") for n in range(2_000)], MONDAY)
    outcome = ledger.apply(
        [a_shipment(1, event_id="small"), a_receipt(7), *(a_shipment(9) for _ in range(500))], MONDAY
    )
    assert outcome.freed == 4
    applied = rows(ledger, "SELECT event_id FROM held_event WHERE status = 'applied' ORDER BY held_id")
    assert applied == [("s0",), ("s1",), ("s2",), ("small",)]
