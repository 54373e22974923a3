"""Nothing is dropped: what cannot apply waits, what repeats is known, what people must decide says so."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.failures.mapping import tell_candidates
from core_sync.ledger.decisions import apply_after_all, confirm_duplicate, refuse, retry_lacking, reverse
from core_sync.ledger.events import EventType
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.signals import tell_overdue
from core_sync.master_data.load import add_alias, bump_version
from tests.builders import MONDAY, a_count, a_receipt, a_reservation, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(Database(database_url))


def on_hand(ledger: Ledger) -> int:
    with ledger.database.reading() as connection:
        return sum(position.on_hand for position in positions(connection))


def open_failures(ledger: Ledger) -> list[str]:
    with ledger.database.reading() as connection:
        rows = connection.execute(text("SELECT error_code FROM failure WHERE resolved_at IS NULL ORDER BY failure_id"))
        return list(rows.scalars())


def held_ids(ledger: Ledger, status: str) -> list[int]:
    with ledger.database.reading() as connection:
        statement = text("SELECT held_id FROM held_event WHERE status = :status ORDER BY held_id")
        return list(connection.execute(statement, {"status": status}).scalars())


def test_the_same_event_twice_counts_once(ledger: Ledger) -> None:
    receipt = a_receipt(5)
    assert ledger.apply([receipt], MONDAY).accepted == 1
    again = ledger.apply([receipt, receipt], MONDAY)
    assert (again.accepted, again.duplicates, on_hand(ledger)) == (0, 2, 5)


def test_the_same_id_with_other_content_is_a_failure_and_the_first_stands(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, event_id="x")], MONDAY)
    outcome = ledger.apply([a_receipt(6, event_id="x")], MONDAY)
    assert (outcome.conflicts, on_hand(ledger), open_failures(ledger)) == (1, 5, ["id_conflict"])


def test_a_shipment_beyond_stock_waits_and_applies_when_stock_comes(ledger: Ledger) -> None:
    outcome = ledger.apply([a_receipt(3), a_shipment(5, hours=1)], MONDAY)
    (held,) = outcome.held
    assert held.shortfall is not None
    assert (held.status, held.shortfall.state, held.shortfall.asked, held.shortfall.there) == (
        "parked",
        "on_hand",
        5,
        3,
    )
    outcome = ledger.apply([a_receipt(2, hours=2)], MONDAY)
    assert (outcome.accepted, outcome.freed, on_hand(ledger)) == (2, 1, 0)


def test_a_shipment_that_waits_too_long_is_a_failure_until_it_applies(ledger: Ledger) -> None:
    ledger.apply([a_shipment(5)], MONDAY)
    assert open_failures(ledger) == []
    with ledger.database.transaction() as connection:
        assert tell_overdue(connection, MONDAY + timedelta(hours=2)) == 1
        assert tell_overdue(connection, MONDAY + timedelta(hours=3)) == 0, "it is told already"
    assert open_failures(ledger) == ["negative_stock"]
    ledger.apply([a_receipt(5, hours=1)], MONDAY + timedelta(hours=3))
    assert open_failures(ledger) == []


def test_another_id_with_the_same_document_and_line_is_held_until_a_person_decides(ledger: Ledger) -> None:
    first = a_receipt(5, document="PO-1", line="1", event_id="first")
    outcome = ledger.apply([first, a_receipt(5, document="PO-1", line="1", event_id="second")], MONDAY)
    assert (outcome.accepted, outcome.suspected_duplicates, on_hand(ledger)) == (1, 1, 5)
    (held,) = held_ids(ledger, "suspected_duplicate")
    confirm_duplicate(ledger, held, "ops", MONDAY)
    assert (on_hand(ledger), open_failures(ledger)) == (5, [])
    with pytest.raises(VerbRefused, match="dismissed"):
        confirm_duplicate(ledger, held, "ops", MONDAY)


def test_a_suspected_duplicate_applies_after_all_when_a_person_says_so(ledger: Ledger) -> None:
    line = {"document": "PO-1", "line": "1"}
    ledger.apply([a_receipt(5, **line), a_receipt(5, **line)], MONDAY)
    (held,) = held_ids(ledger, "suspected_duplicate")
    assert apply_after_all(ledger, held, "ops", MONDAY).status == "applied"
    assert (on_hand(ledger), open_failures(ledger)) == (10, [])


def test_equal_movements_without_a_line_are_two_movements_and_flagged(ledger: Ledger) -> None:
    outcome = ledger.apply([a_receipt(5, document="PO-1"), a_receipt(5, document="PO-1")], MONDAY)
    assert (outcome.accepted, outcome.repeated, on_hand(ledger)) == (2, 1, 10)
    assert ledger.apply([a_receipt(5, document="PO-1")], MONDAY).repeated == 1


def test_an_accepted_event_is_taken_back_once_by_an_entry(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_reservation(4, document="SO"), a_shipment(3, document="SO", event_id="s")], MONDAY)
    reverse(ledger, "wms", "s", "ops", MONDAY)
    with ledger.database.reading() as connection:
        (mugs,) = positions(connection)
    assert (mugs.on_hand, mugs.allocated) == (9, 4)
    with pytest.raises(VerbRefused, match="taken back before"):
        reverse(ledger, "wms", "s", "ops", MONDAY)


def test_taking_back_a_receipt_whose_goods_are_gone_is_refused(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, event_id="r"), a_shipment(5)], MONDAY)
    with pytest.raises(VerbRefused, match="on_hand"):
        reverse(ledger, "wms", "r", "ops", MONDAY)


def test_an_unknown_sku_waits_for_its_alias_and_names_candidates(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)
    outcome = ledger.apply([a_receipt(5, sku="MUG-BLUE")], MONDAY)
    assert (outcome.parked, open_failures(ledger)) == (1, ["unmapped_sku"])
    with ledger.database.transaction() as connection:
        assert (tell_candidates(connection), tell_candidates(connection)) == (1, 0)
        candidates = connection.execute(text("SELECT mapping_candidates FROM failure")).scalar_one()
    assert '"MUG"' in candidates
    with ledger.database.transaction() as connection:
        add_alias(connection, "wms", "MUG-BLUE", "MUG", "ops")
    assert retry_lacking(ledger, MONDAY).accepted == 1
    assert (on_hand(ledger), open_failures(ledger)) == (5, [])


def test_a_pack_that_does_not_come_out_whole_is_a_failure_never_a_rounding(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        insert = "INSERT INTO unit_of_measure (sku, uom, numerator, denominator) VALUES ('MUG', :uom, :n, :d)"
        connection.execute(text(insert), [{"uom": "CS", "n": 12, "d": 1}, {"uom": "HALF", "n": 1, "d": 2}])
        bump_version(connection)
    outcome = ledger.apply([a_receipt(2, uom="CS"), a_receipt(3, uom="HALF"), a_receipt(1, uom="PL")], MONDAY)
    assert (outcome.accepted, outcome.parked, on_hand(ledger)) == (1, 2, 24)
    assert open_failures(ledger) == ["uom_mismatch", "uom_mismatch"]


def test_a_corrected_event_that_lacked_master_data_may_come_again_under_its_id(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)
    ledger.apply([a_receipt(5, sku="MGU", event_id="x")], MONDAY)
    outcome = ledger.apply([a_receipt(5, sku="MUG", event_id="x")], MONDAY)
    assert (outcome.accepted, outcome.conflicts, on_hand(ledger)) == (1, 0, 5)
    assert open_failures(ledger) == []


def test_both_tellings_of_a_corrected_event_are_known_when_they_come_again(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE)"))
        bump_version(connection)
    told = [a_receipt(5, sku="MGU", event_id="x"), a_receipt(5, sku="MUG", event_id="x")]
    ledger.apply(told, MONDAY)
    again = ledger.apply(told, MONDAY)
    assert (again.duplicates, again.conflicts, on_hand(ledger), open_failures(ledger)) == (2, 0, 5, [])
    assert ledger.apply([a_receipt(6, sku="MUG", event_id="x")], MONDAY).conflicts == 1


def test_a_refused_event_stays_refused(ledger: Ledger) -> None:
    nonsense = an_event(EventType.TRANSFER_OUT, 1, to_location="LEEDS")
    assert ledger.apply([nonsense], MONDAY).refused == 1
    assert ledger.apply([nonsense], MONDAY).duplicates == 1
    (held,) = held_ids(ledger, "refused")
    refuse(ledger, held, "ops", MONDAY)
    assert open_failures(ledger) == []


def test_a_lenient_location_applies_and_keeps_one_open_failure_while_negative(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO location (location, stock_control) VALUES ('LEEDS', 'lenient')"))
        bump_version(connection)
    ledger.apply([a_shipment(2), a_shipment(3)], MONDAY)
    assert (on_hand(ledger), open_failures(ledger)) == (-5, ["negative_stock"])
    ledger.apply([a_receipt(5)], MONDAY)
    assert open_failures(ledger) == []


def test_unknown_opening_stock_makes_negativity_mean_nothing(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(
            text("INSERT INTO source (name, opening, winner, tolerance) VALUES ('wms', 'unknown', '', 0)")
        )
    outcome = ledger.apply([a_shipment(5)], MONDAY)
    assert (outcome.accepted, on_hand(ledger), open_failures(ledger)) == (1, -5, [])


def test_a_late_movement_is_already_in_a_later_count(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_count(7, hours=5)], MONDAY)
    ledger.apply([a_shipment(2, hours=4)], MONDAY)
    assert on_hand(ledger) == 7
    ledger.apply([a_shipment(1, hours=6)], MONDAY)
    assert on_hand(ledger) == 6


def test_a_late_count_leaves_what_moved_after_it(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_shipment(4, hours=6)], MONDAY)
    ledger.apply([a_count(10, hours=5)], MONDAY)
    assert on_hand(ledger) == 6
    ledger.apply([a_count(3, hours=1)], MONDAY)
    assert on_hand(ledger) == 6


@pytest.mark.parametrize("statement", ["UPDATE ledger_entry SET quantity = 1", "DELETE FROM ledger_entry"])
def test_the_database_itself_refuses_to_change_an_entry(ledger: Ledger, statement: str) -> None:
    ledger.apply([a_receipt(5)], MONDAY)
    with pytest.raises(Exception, match="append-only"), ledger.database.transaction() as connection:
        connection.execute(text(statement))
    assert on_hand(ledger) == 5
