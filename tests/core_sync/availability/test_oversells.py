"""What channels sold that was not there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from core_sync.availability.oversells import Claimed, claimed_units
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_sku, happens


@pytest.fixture
def shop(database_url: str) -> Iterator[Database]:
    """Ten mugs, sold on a shop and elsewhere."""
    database = Database(database_url)
    upgrade(database)
    a_sku(database, "MUG")
    a_location(database, "LEEDS")
    a_location(database, "YORK", control="lenient")
    a_channel(database, "shop")
    happens(database, "receipt", "MUG", 10, MORNING - timedelta(days=1), location="LEEDS")
    yield database
    database.close()


def claimed(database: Database) -> Claimed | None:
    with database.reading() as connection:
        return claimed_units(connection, MORNING, MORNING + timedelta(days=1)).get("shop")


def test_a_unit_that_nobody_else_had_claimed_is_sold_and_not_oversold(shop: Database) -> None:
    happens(shop, "reserve", "MUG", 10, MORNING, location="LEEDS", channel="shop", reservation_id="A")
    assert claimed(shop) == Claimed(10, 0)


def test_what_others_had_claimed_before_is_oversold(shop: Database) -> None:
    happens(shop, "reserve", "MUG", 7, MORNING, location="LEEDS", reservation_id="counter")
    happens(
        shop, "reserve", "MUG", 5, MORNING + timedelta(hours=1), location="LEEDS", channel="shop", reservation_id="A"
    )
    assert claimed(shop) == Claimed(5, 2)


def test_a_sale_elsewhere_that_is_told_late_still_took_its_units_first(shop: Database) -> None:
    happens(
        shop, "reserve", "MUG", 5, MORNING + timedelta(hours=1), location="LEEDS", channel="shop", reservation_id="A"
    )
    assert claimed(shop) == Claimed(5, 0)
    happens(shop, "reserve", "MUG", 7, MORNING, location="LEEDS", reservation_id="counter")
    assert claimed(shop) == Claimed(5, 2)


def test_shipping_what_was_reserved_claims_nothing_again_and_a_receipt_mends_no_past_oversell(shop: Database) -> None:
    happens(shop, "reserve", "MUG", 12, MORNING, location="LEEDS", channel="shop", reservation_id="A")
    happens(shop, "receipt", "MUG", 5, MORNING + timedelta(hours=1), location="LEEDS")
    happens(shop, "ship", "MUG", 12, MORNING + timedelta(hours=2), location="LEEDS", channel="shop", reservation_id="A")
    assert claimed(shop) == Claimed(12, 2)


def test_a_shipment_that_waits_for_stock_is_oversold_by_what_it_lacks(shop: Database) -> None:
    happens(shop, "ship", "MUG", 12, MORNING, location="LEEDS", channel="shop")
    assert claimed(shop) == Claimed(12, 2)
    happens(shop, "receipt", "MUG", 5, MORNING + timedelta(hours=1), location="LEEDS")
    assert claimed(shop) == Claimed(12, 2)


def test_only_orders_of_the_span_count(shop: Database) -> None:
    happens(
        shop, "reserve", "MUG", 20, MORNING - timedelta(hours=1), location="LEEDS", channel="shop", reservation_id="A"
    )
    assert claimed(shop) is None
