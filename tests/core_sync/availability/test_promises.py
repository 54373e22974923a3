"""What a channel may promise, and why."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.availability.promises import explain, promised_quantities
from core_sync.availability.reservations import stale_reservations, tell_stale
from core_sync.availability.rules import ChannelTerms, LocationStock, promise, promised_quantity
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import NotFound
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_rule, a_sku, happens, open_failures

units = st.integers(-10_000, 10_000)
terms = st.builds(
    ChannelTerms,
    share_ten_thousandths=st.integers(0, 10_000),
    buffer=st.integers(0, 1_000),
    allotment=st.integers(0, 1_000),
)


@given(units, terms)
def test_no_channel_promises_less_than_its_allotment_nor_more_than_stock_and_allotment(
    available: int, terms: ChannelTerms
) -> None:
    promised = promised_quantity(available, terms)
    assert terms.allotment <= promised <= max(0, available) + terms.allotment


@given(units, units, terms)
def test_more_stock_never_promises_less(one: int, other: int, terms: ChannelTerms) -> None:
    assert promised_quantity(min(one, other), terms) <= promised_quantity(max(one, other), terms)


def test_each_term_of_a_promise_adds_up_to_it() -> None:
    stock = (LocationStock("A", 10, 3, 1, 2), LocationStock("B", 20, 0, 0, 0))
    promised = promise("S", "shop", stock, ChannelTerms(5_000, 4, 6))
    assert promised.available == 4 + 20
    assert promised.quantity == 24 // 2 - 4 + 6


def test_an_oversold_sku_tells_by_how_much() -> None:
    promised = promise("S", "shop", (LocationStock("A", 1, 5, 0, 0),), ChannelTerms(buffer=2))
    assert (promised.quantity, promised.shortfall) == (0, 6)


@pytest.fixture
def stocked(database: Database) -> Database:
    a_sku(database, "S")
    a_location(database, "WH")
    a_location(database, "EAST")
    a_channel(database, "shop")
    happens(database, "receipt", "S", 40)
    happens(database, "receipt", "S", 10, location="EAST")
    return database


def quantity(database: Database, channel: str = "shop", sku: str = "S") -> int:
    with database.reading() as connection:
        (promised,) = promised_quantities(connection, [sku], [channel], MORNING)
    return promised.quantity


def test_stock_of_every_location_counts_less_what_is_claimed(stocked: Database) -> None:
    happens(stocked, "reserve", "S", 5, reservation_id="O1")
    happens(stocked, "hold", "S", 2, document="Q1")
    with stocked.transaction() as connection:
        connection.execute(text("INSERT INTO safety_stock (sku, location, quantity) VALUES ('S', 'EAST', 4)"))
    assert quantity(stocked) == 40 - 5 - 2 + 10 - 4


def test_a_rule_for_the_sku_goes_before_the_rule_for_all_and_the_newest_before_older(stocked: Database) -> None:
    a_rule(stocked, "shop", buffer=7)
    assert quantity(stocked) == 43
    a_rule(stocked, "shop", buffer=1, sku="S")
    a_rule(stocked, "shop", buffer=2, sku="S")
    a_rule(stocked, "shop", buffer=30)
    assert quantity(stocked) == 48


def test_a_rule_that_has_ended_or_not_begun_does_not_hold(stocked: Database) -> None:
    a_rule(stocked, "shop", buffer=7)
    a_rule(stocked, "shop", buffer=20, valid_until=to_microseconds(MORNING))
    a_rule(stocked, "shop", buffer=30, valid_from=to_microseconds(MORNING + timedelta(seconds=1)))
    assert quantity(stocked) == 43


def test_an_allotment_is_promised_to_its_account_alone(stocked: Database) -> None:
    a_channel(stocked, "edi", kind="edi", account="ACME")
    happens(stocked, "reserve", "S", 15, reservation_id="allotment:ACME", account="ACME")
    assert quantity(stocked, "shop") == 35
    assert quantity(stocked, "edi") == 35 + 15


def test_explain_names_every_location_and_the_rule_it_used(stocked: Database) -> None:
    a_rule(stocked, "shop", share=5_000, buffer=3)
    with stocked.reading() as connection:
        told = explain(connection, "S", "shop", MORNING)
    assert [(stock.location, stock.on_hand) for stock in told.locations] == [("EAST", 10), ("WH", 40)]
    assert told.quantity == quantity(stocked) == 22
    assert told.terms.rule_version is not None


def test_an_unknown_channel_is_not_explained(stocked: Database) -> None:
    with stocked.reading() as connection, pytest.raises(NotFound):
        explain(connection, "S", "nowhere", MORNING)


def test_a_reservation_past_its_expiry_is_told_once_and_closed_when_released(stocked: Database) -> None:
    happens(stocked, "reserve", "S", 5, reservation_id="O1", expires_at=MORNING + timedelta(hours=1))
    later = MORNING + timedelta(hours=3)
    with stocked.transaction() as connection:
        assert stale_reservations(connection, MORNING) == []
        (stale,) = stale_reservations(connection, later)
        assert (stale.open_quantity, stale.why) == (5, "expired_hold")
        assert tell_stale(connection, later) == tell_stale(connection, later) == 1
    assert open_failures(stocked) == [(stale.subject, "expired_hold", None, None)]
    happens(stocked, "release_reservation", "S", 5, at=later, reservation_id="O1")
    with stocked.transaction() as connection:
        assert tell_stale(connection, later) == 0
    assert open_failures(stocked) == []
