"""Promises read from a real database."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.availability.promises import explain, promised_quantities
from core_sync.availability.reservations import stale_reservations, tell_stale
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import NotFound
from core_sync.outbox.intend import refresh_by_rules
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_rule, a_sku, happens, intent, open_failures


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
        promised = {one.channel: one.quantity for one in promised_quantities(connection, [sku], MORNING)}
    return promised[channel]


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


def test_a_channel_promises_only_what_its_own_locations_hold(stocked: Database) -> None:
    a_channel(stocked, "east", locations=["EAST"])
    assert (quantity(stocked, "shop"), quantity(stocked, "east")) == (50, 10)
    happens(stocked, "ship", "S", 40)
    assert (quantity(stocked, "shop"), quantity(stocked, "east")) == (10, 10)


def test_in_a_shortage_the_first_priority_takes_first_and_explain_says_who_got_what(stocked: Database) -> None:
    a_channel(stocked, "market", priority=2)
    a_rule(stocked, "market", shortage_below=20)
    happens(stocked, "ship", "S", 38)
    assert (quantity(stocked, "shop"), quantity(stocked, "market")) == (12, 0)
    with stocked.reading() as connection:
        told = explain(connection, "S", "market", MORNING)
    assert told.shortage is not None
    assert (told.shortage.available, told.shortage.level) == (12, 20)
    assert [(one.channel, one.claimed, one.taken, one.granted) for one in told.shortage.grants] == [
        ("shop", 12, 0, 12),
        ("market", 12, 12, 0),
    ]
    assert (told.free, told.withheld, told.quantity) == (12, 12, 0)


def a_kit(database: Database, kit: str, valid_to: int | None = None, **units: int) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO kit_component (kit, component, quantity, valid_to) VALUES (:kit, :one, :units, :until)"),
            [{"kit": kit, "one": one, "units": count, "until": valid_to} for one, count in units.items()],
        )


def test_a_kit_is_promised_where_all_its_components_lie(stocked: Database) -> None:
    a_sku(stocked, "CUP", "SET")
    a_kit(stocked, "SET", S=4, CUP=1)
    happens(stocked, "receipt", "CUP", 7)
    happens(stocked, "receipt", "CUP", 9, location="EAST")
    assert quantity(stocked, sku="SET") == min(40 // 4, 7) + min(10 // 4, 9)
    with stocked.reading() as connection:
        told = explain(connection, "SET", "shop", MORNING)
    assert (told.quantity, [(place.location, place.available) for place in told.locations]) == (
        9, [("EAST", 2), ("WH", 7)],
    )  # fmt: skip
    assert {part.component: part.units for part in told.parts} == {"CUP": 1, "S": 4}


def test_a_component_that_moves_changes_what_its_kits_promise_and_nothing_else(stocked: Database) -> None:
    a_sku(stocked, "CUP", "SET", "OTHER")
    a_kit(stocked, "SET", S=4, CUP=1)
    for sku in ("CUP", "OTHER"):
        happens(stocked, "receipt", sku, 7)
    happens(stocked, "ship", "CUP", 2)
    assert intent(stocked, "shop", "SET")[1] == 5
    assert [intent(stocked, "shop", sku)[1] for sku in ("CUP", "S", "OTHER")] == [5, 50, 7]


def test_a_kit_that_has_ended_is_promised_no_more(stocked: Database) -> None:
    a_sku(stocked, "SET")
    ends = MORNING + timedelta(hours=1)
    a_kit(stocked, "SET", valid_to=to_microseconds(ends), S=4)
    happens(stocked, "ship", "S", 2)
    assert intent(stocked, "shop", "SET")[1] == 38 // 4 + 10 // 4
    assert refresh_by_rules(stocked, MORNING, ends) == 1
    assert intent(stocked, "shop", "SET")[1] == 0


def test_a_rule_takes_effect_when_its_time_comes(stocked: Database) -> None:
    happens(stocked, "ship", "S", 2)
    begins, ends = MORNING + timedelta(hours=1), MORNING + timedelta(hours=2)
    a_rule(stocked, "shop", buffer=7, sku="S", valid_from=to_microseconds(begins), valid_until=to_microseconds(ends))
    assert refresh_by_rules(stocked, MORNING, begins) == 1
    assert intent(stocked, "shop", "S")[1] == 41
    assert refresh_by_rules(stocked, begins, ends) == 1
    assert intent(stocked, "shop", "S")[1] == 48


def test_plenty_is_shown_on_every_channel(stocked: Database) -> None:
    a_channel(stocked, "market", priority=2)
    assert (quantity(stocked, "shop"), quantity(stocked, "market")) == (50, 50)


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
