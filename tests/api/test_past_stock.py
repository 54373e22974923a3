"""What was free through the last weeks, read back from the ledger."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.jobs.past_stock import EVERY, past_stock
from core_sync.database.engine import Database
from tests.core_sync.stocked import MORNING, a_location, a_sku, happens


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def test_what_was_free_is_told_back_from_now_to_the_first_thing_known(database: Database) -> None:
    a_sku(database, "MUG", "CUP")
    a_location(database, "LEEDS")
    happens(database, "receipt", "MUG", 20, MORNING - 5 * EVERY, location="LEEDS")
    happens(database, "ship", "MUG", 6, MORNING - 3 * EVERY + timedelta(hours=1), location="LEEDS")
    happens(database, "reserve", "MUG", 4, MORNING - timedelta(hours=1), location="LEEDS", reservation_id="A")
    happens(database, "receipt", "CUP", 3, MORNING - 2 * EVERY, location="LEEDS")
    with database.reading() as connection:
        found = past_stock(connection, ["CUP", "MUG"], [3, 10], MORNING)
    assert found.tolist() == [[3, 3, 3, 0, 0, 0], [10, 14, 14, 20, 20, 20]]


def test_of_weeks_before_anything_was_known_nothing_is_told(database: Database) -> None:
    a_sku(database, "MUG")
    with database.reading() as connection:
        assert past_stock(connection, ["MUG"], [0], MORNING).shape == (1, 85)
