"""What was free through the last weeks, read back from the ledger."""

from datetime import timedelta

import polars as pl
import pytest

from api.jobs.buffer_estimates import read_estimates
from core_sync.database.engine import Database
from ml.registry.service_models import shipped_models
from ml.triage.past_stock import EVERY, free_stock, in_stock_hours, past_stock
from tests.core_sync.stocked import MORNING, a_location, a_sku, happens


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


def test_time_without_stock_is_no_time_without_demand(database: Database) -> None:
    a_sku(database, "MUG")
    a_location(database, "LEEDS")
    day = timedelta(days=1)
    happens(database, "receipt", "MUG", 25, MORNING - 16 * day, location="LEEDS")
    for number in range(5):
        happens(database, "ship", "MUG", 5, MORNING - (15 - number) * day, location="LEEDS")
    with database.reading() as connection:
        told = in_stock_hours(connection, free_stock(connection), MORNING)
        demand = read_estimates(connection, MORNING, shipped_models()).demand.of("MUG", "")
    today = int(MORNING.timestamp()) // 86_400
    of_day = dict(told.select(today - pl.col("day"), "hours").rows())
    assert [of_day.get(ago, 24.0) for ago in (0, 10, 11, 12, 16, 17)] == [0.0, 0.0, 8.0, 24.0, 16.0, 0.0]
    assert demand.rate_per_day.value == pytest.approx(5, rel=0.15)  # of fifteen days it was sold out on ten
