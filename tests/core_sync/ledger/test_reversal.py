"""Taking an event back leaves other orders' stock alone, and what was counted since as it was counted."""

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.ledger.decisions import reverse
from core_sync.ledger.events import EventType
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_count, a_receipt, a_reservation, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    return Ledger(Database(database_url))


def states(ledger: Ledger) -> dict[str, tuple[int, int, int]]:
    """On hand, allocated and in transit by location; the ledger agrees with itself."""
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
        return {p.location: (p.on_hand, p.allocated, p.in_transit) for p in positions(connection)}


def test_a_reservation_that_was_shipped_cannot_be_taken_back_from_another_order(ledger: Ledger) -> None:
    mine, other = {"document": "SO-1"}, {"document": "SO-2"}
    ledger.apply([a_receipt(9), a_reservation(4, event_id="r", **mine), a_shipment(4, **mine)], MONDAY)
    ledger.apply([a_reservation(4, **other)], MONDAY)
    with pytest.raises(VerbRefused, match="reservation 4 would be taken back, 0 still open"):
        reverse(ledger, "wms", "r", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (5, 4, 0)}


def test_a_transfer_that_arrived_cannot_be_taken_back(ledger: Ledger) -> None:
    out = an_event(EventType.TRANSFER_OUT, 4, event_id="t", document="TO", to_location="BATH")
    arrived = an_event(EventType.TRANSFER_IN, 3, document="TO", location="BATH")
    ledger.apply([a_receipt(9), out, arrived], MONDAY)
    with pytest.raises(VerbRefused, match="transit 4 would be taken back, 1 still open"):
        reverse(ledger, "wms", "t", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (5, 0, 0), "BATH": (3, 0, 1)}


def test_a_transfer_still_under_way_is_taken_back_at_both_ends(ledger: Ledger) -> None:
    out = an_event(EventType.TRANSFER_OUT, 4, event_id="t", document="TO", to_location="BATH")
    ledger.apply([a_receipt(9), out], MONDAY)
    reverse(ledger, "wms", "t", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (9, 0, 0), "BATH": (0, 0, 0)}


def test_what_was_counted_after_a_receipt_stays_when_the_receipt_is_taken_back(ledger: Ledger) -> None:
    ledger.apply([a_receipt(5, event_id="r"), a_count(7, hours=5)], MONDAY)
    reverse(ledger, "wms", "r", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (7, 0, 0)}


def test_a_count_that_was_taken_back_contains_nothing_any_more(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_count(8, hours=1), a_count(7, hours=5, event_id="c")], MONDAY)
    reverse(ledger, "wms", "c", "ops", MONDAY)
    ledger.apply([a_shipment(2, hours=4)], MONDAY)
    assert states(ledger) == {"LEEDS": (6, 0, 0)}
    ledger.apply([a_shipment(2, hours=0.5)], MONDAY)
    assert states(ledger) == {"LEEDS": (6, 0, 0)}


def test_a_movement_that_counts_again_since_its_count_was_taken_back_is_taken_back_in_full(ledger: Ledger) -> None:
    ledger.apply([a_receipt(9), a_count(7, hours=5, event_id="c"), a_shipment(2, hours=4, event_id="late")], MONDAY)
    reverse(ledger, "wms", "c", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (7, 0, 0)}
    reverse(ledger, "wms", "late", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (9, 0, 0)}


def test_a_shipment_taken_back_gives_its_order_the_reservation_as_it_was(ledger: Ledger) -> None:
    order = {"document": "SO-1"}
    ledger.apply([a_receipt(9), a_reservation(4, expires_at=MONDAY, **order)], MONDAY)
    ledger.apply([a_shipment(4, event_id="s", **order)], MONDAY)
    reverse(ledger, "wms", "s", "ops", MONDAY)
    assert states(ledger) == {"LEEDS": (9, 4, 0)}
    with ledger.database.reading() as connection:
        statement = text("SELECT placed_quantity, open_quantity, expires_at IS NOT NULL FROM open_item")
        assert tuple(connection.execute(statement).one()) == (4, 4, True)
