"""What sources tell of an order elsewhere is evidence that a reservation is stale; nothing is released for it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.availability.reservations import StaleReservation, stale_reservations, tell_stale
from core_sync.database.engine import Database
from core_sync.ledger.decisions import reverse
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.orders.state import read_orders
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event

LATER = MONDAY + timedelta(days=1)
ORDER = {"document": "SO-1"}


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Mugs at Leeds and Bath; four are reserved for order SO-1 at Leeds."""
    ledger = Ledger(Database(database_url))
    ledger.apply([a_receipt(9), a_receipt(9, location="BATH"), a_reservation(4, hours=1, document="SO-1")], MONDAY)
    return ledger


def happens(ledger: Ledger, *events: Event) -> None:
    ledger.apply(list(events), MONDAY)


def stale(ledger: Ledger) -> list[StaleReservation]:
    with ledger.database.transaction() as connection:
        read_orders(connection)
        return stale_reservations(connection, LATER)


def test_an_order_shipped_from_elsewhere_leaves_its_reservation_stale(ledger: Ledger) -> None:
    assert stale(ledger) == []
    happens(ledger, a_shipment(4, hours=2, location="BATH", document="SO-1"))
    (one,) = stale(ledger)
    assert (one.location, one.open_quantity, one.why, one.shipped_units) == ("LEEDS", 4, "leaked", 4)
    with ledger.database.transaction() as connection:
        assert tell_stale(connection, LATER) == 1
        told = connection.execute(text("SELECT message, error_code, evidence FROM failure")).one()
    assert told.message == (
        "4 of MUG at LEEDS are still reserved for SO-1, though 4 were shipped for order SO-1 from elsewhere "
        "on 2026-03-02 10:00 UTC"
    )
    assert '"order_state":"shipped"' in told.evidence
    happens(ledger, an_event(EventType.RELEASE_RESERVATION, 4, hours=3, document="SO-1"))
    with ledger.database.transaction() as connection:
        read_orders(connection)
        assert tell_stale(connection, LATER) == 0
        assert connection.execute(text("SELECT count(*) FROM failure WHERE resolved_at IS NULL")).scalar_one() == 0


def test_a_part_shipped_elsewhere_does_not_end_the_rest(ledger: Ledger) -> None:
    happens(ledger, a_shipment(1, hours=2, location="BATH", document="SO-1"))
    assert stale(ledger) == []
    happens(ledger, a_shipment(1, hours=3, document="SO-1"), a_shipment(2, hours=3, location="BATH", document="SO-1"))
    assert [(one.open_quantity, one.shipped_units) for one in stale(ledger)] == [(3, 3)]


def test_what_leaves_where_it_is_reserved_is_no_shipment_from_elsewhere(ledger: Ledger) -> None:
    happens(ledger, a_shipment(3, hours=2, document="SO-1"), a_shipment(4, hours=2, location="BATH", document="SO-2"))
    assert stale(ledger) == []


def test_a_shipment_that_is_taken_back_ends_nothing(ledger: Ledger) -> None:
    happens(ledger, a_shipment(4, hours=2, location="BATH", document="SO-1", event_id="s"))
    reverse(ledger, "wms", "s", "ops", MONDAY)
    assert stale(ledger) == []


def test_an_order_cancelled_at_another_place_leaves_its_reservation_stale(ledger: Ledger) -> None:
    happens(ledger, an_event(EventType.ORDER_CANCELLED, 0, hours=2, location="BATH", document="SO-1"))
    assert [(one.location, one.why) for one in stale(ledger)] == [("LEEDS", "cancelled_order")]


def test_a_reservation_that_comes_after_the_end_of_its_order_is_stale_unless_it_was_placed_anew(ledger: Ledger) -> None:
    happens(ledger, an_event(EventType.ORDER_CANCELLED, 0, hours=5, document="SO-7"))
    happens(ledger, a_reservation(2, hours=4, document="SO-7"), a_reservation(1, hours=6, document="SO-8"))
    happens(ledger, an_event(EventType.ORDER_CANCELLED, 0, hours=5, document="SO-8"))
    assert [(one.document, one.open_quantity) for one in stale(ledger)] == [("SO-7", 2)]


def test_reading_on_and_on_reads_each_order_once_it_changes(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        assert (read_orders(connection), read_orders(connection)) == (0, 0)
    happens(ledger, a_shipment(4, hours=2, location="BATH", document="SO-1"))
    with ledger.database.transaction() as connection:
        assert (read_orders(connection), read_orders(connection)) == (1, 0)
