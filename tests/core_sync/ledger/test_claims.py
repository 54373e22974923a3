"""What is reserved without a lot, or kept for an account, is drawn by the movements that it was meant for."""

from datetime import timedelta

import pytest

from core_sync.availability.reservations import stale_reservations
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.ledger.decisions import reverse
from core_sync.ledger.entries import Span, entries_of
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.history import disagreements, positions
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.open_items import open_items
from core_sync.orders.state import read_orders
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """Five mugs of each of two lots."""
    ledger = Ledger(Database(database_url))
    ledger.apply([a_receipt(5, lot="L1"), a_receipt(5, lot="L2")], MONDAY)
    return ledger


def happens(ledger: Ledger, *events: Event, size: int = 100) -> int:
    """How many events were accepted; the ledger agrees with itself."""
    accepted = 0
    for start in range(0, len(events), size):
        accepted += ledger.apply(events[start : start + size], MONDAY).accepted
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
    return accepted


def stock(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """On hand and allocated by lot."""
    with ledger.database.reading() as connection:
        return {p.lot: (p.on_hand, p.allocated) for p in positions(connection)}


def reserved(ledger: Ledger) -> dict[tuple[str, str], int]:
    with ledger.database.reading() as connection:
        return {(one.reference, one.lot): one.open for one in open_items(connection, "MUG")}


@pytest.mark.parametrize("size", [1, 100])
def test_a_shipment_that_names_a_lot_draws_on_the_reservation_without_one(ledger: Ledger, size: int) -> None:
    accepted = happens(
        ledger, a_reservation(4, document="SO-1"), a_shipment(3, lot="L1", document="SO-1"),
        a_shipment(2, lot="L2", document="SO-1"), size=size,
    )  # fmt: skip
    assert accepted == 3
    assert (stock(ledger), reserved(ledger)) == ({"": (0, 0), "L1": (2, 0), "L2": (3, 0)}, {})


def test_it_draws_on_its_own_lot_first(ledger: Ledger) -> None:
    happens(ledger, a_reservation(4, document="SO-1"), a_reservation(2, lot="L1", document="SO-1"))
    happens(ledger, a_shipment(3, lot="L1", document="SO-1"))
    assert reserved(ledger) == {("SO-1", ""): 3}


def test_another_order_or_place_is_left_alone(ledger: Ledger) -> None:
    happens(ledger, a_reservation(4, document="SO-2"), a_reservation(4, document="SO-1", location="BATH"))
    happens(ledger, a_shipment(3, lot="L1", document="SO-1"))
    assert reserved(ledger) == {("SO-2", ""): 4, ("SO-1", ""): 4}


def test_a_release_or_cancellation_that_names_a_lot_ends_the_reservation_without_one(ledger: Ledger) -> None:
    happens(ledger, a_reservation(4, document="SO-1"), a_reservation(4, document="SO-2"))
    happens(ledger, an_event(EventType.RELEASE_RESERVATION, 1, lot="L1", document="SO-1"))
    assert reserved(ledger) == {("SO-1", ""): 3, ("SO-2", ""): 4}
    happens(ledger, an_event(EventType.ORDER_CANCELLED, 0, lot="L2", document="SO-1"))
    assert reserved(ledger) == {("SO-2", ""): 4}


def test_what_was_drawn_says_by_whom_and_comes_back_when_the_shipment_is_taken_back(ledger: Ledger) -> None:
    happens(ledger, a_reservation(4, document="SO-1"), a_shipment(3, lot="L1", document="SO-1", event_id="s"))
    with ledger.database.reading() as connection:
        newest = next(iter(entries_of(connection, Span(sku="MUG"))))
    assert (newest.lot, newest.allocated, newest.reason, newest.flags) == ("", -3, "drawn by ship s of wms", ["drawn"])
    verdict = reverse(ledger, "wms", "s", "ops", MONDAY)
    assert [(entry.lot, entry.on_hand, entry.allocated) for entry in verdict.entries] == [("L1", 3, 0), ("", 0, 3)]
    assert (stock(ledger), reserved(ledger)) == ({"": (0, 4), "L1": (5, 0), "L2": (5, 0)}, {("SO-1", ""): 4})
    with pytest.raises(VerbRefused, match="taken back before"):
        reverse(ledger, "wms", "s", "ops", MONDAY)


def test_a_shipment_that_waited_draws_when_it_is_freed(ledger: Ledger) -> None:
    happens(ledger, a_reservation(8, document="SO-1"), a_shipment(7, lot="L1", document="SO-1", hours=1))
    assert reserved(ledger) == {("SO-1", ""): 8}
    happens(ledger, a_receipt(2, lot="L1", hours=2))
    assert (stock(ledger)["L1"], reserved(ledger)) == ((0, 0), {("SO-1", ""): 1})


def test_what_left_in_another_lot_was_not_shipped_from_elsewhere(ledger: Ledger) -> None:
    happens(ledger, a_reservation(4, document="SO-1"), a_shipment(3, lot="L1", hours=1, document="SO-1"))
    with ledger.database.transaction() as connection:
        read_orders(connection)
        assert stale_reservations(connection, MONDAY + timedelta(days=1)) == []


def allot(ledger: Ledger, quantity: int, **said: object) -> None:
    """Keep units for the account ACME."""
    kept = a_reservation(quantity, reservation_id="allotment:ACME", account="ACME", **said)
    happens(ledger, a_receipt(10), kept)


@pytest.mark.parametrize("size", [1, 100])
def test_what_an_account_orders_is_part_of_its_allotment(ledger: Ledger, size: int) -> None:
    allot(ledger, 6)
    order = {"document": "SO-1", "account": "ACME"}
    happens(ledger, a_reservation(4, **order), size=size)
    assert (stock(ledger)[""], reserved(ledger)) == ((10, 6), {("allotment:ACME", ""): 2, ("SO-1", ""): 4})
    happens(ledger, a_shipment(4, **order), size=size)
    assert (stock(ledger)[""], reserved(ledger)) == ((6, 2), {("allotment:ACME", ""): 2})


def test_shipping_what_was_not_reserved_draws_on_the_account_s_allotment_as_far_as_it_goes(ledger: Ledger) -> None:
    allot(ledger, 6)
    happens(ledger, a_shipment(4, document="SO-1", account="ACME"), a_shipment(1, document="SO-2", account="OTHER"))
    assert (stock(ledger)[""], reserved(ledger)) == ((5, 2), {("allotment:ACME", ""): 2})
    happens(ledger, a_shipment(3, document="SO-3", account="ACME", hours=1))
    assert (stock(ledger)[""], reserved(ledger)) == ((2, 0), {})


def test_a_shipment_of_a_lot_draws_on_the_allotment_without_one(ledger: Ledger) -> None:
    allot(ledger, 6)
    happens(ledger, a_shipment(4, lot="L1", document="SO-1", account="ACME"))
    assert reserved(ledger) == {("allotment:ACME", ""): 2}


def test_an_allotment_is_released_expires_and_comes_back_with_what_drew_on_it(ledger: Ledger) -> None:
    allot(ledger, 6, expires_at=MONDAY + timedelta(days=1))
    happens(ledger, a_reservation(4, document="SO-1", account="ACME", event_id="r"))
    reverse(ledger, "wms", "r", "ops", MONDAY)
    assert reserved(ledger) == {("allotment:ACME", ""): 6}
    with ledger.database.reading() as connection:
        (stale,) = stale_reservations(connection, MONDAY + timedelta(days=2))
    assert (stale.reference, stale.open_quantity, stale.why) == ("allotment:ACME", 6, "expired_hold")
    release = an_event(EventType.RELEASE_RESERVATION, 6, reservation_id="allotment:ACME", account="ACME")
    happens(ledger, release)
    assert (stock(ledger)[""], reserved(ledger)) == ((10, 0), {})
