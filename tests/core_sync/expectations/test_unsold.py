"""What should have happened and did not: a sale of what is in stock, a usual day, a count."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.errors import VerbRefused
from core_sync.expectations.limits import set_limit
from core_sync.expectations.round import expect
from core_sync.expectations.sales import Sales, note_sales, quiet_days, read_sales, streaks
from core_sync.ledger.decisions import reverse
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, an_event

DAYS = 70


def sold(rates: dict[str, float], seed: int, silent: str = "", silent_days: int = 0) -> Sales:
    """Poisson sales of some SKUs over ``DAYS`` days, of which ``silent`` sells nothing on the last ones."""
    rng = np.random.default_rng(seed)
    by_sku: dict[str, dict[int, int]] = {}
    for sku, rate in rates.items():
        until = DAYS - (silent_days if sku == silent else 0)
        lines = {day: int(rng.poisson(rate)) for day in range(until)}
        by_sku[sku] = {day: count for day, count in lines.items() if count}
    total = {day: sum(days.get(day, 0) for days in by_sku.values()) for day in range(DAYS)}
    return Sales(by_sku, {"LEEDS": total}, {day: lines for day, lines in total.items() if lines})


RATES = {f"SKU-{number}": rate for number, rate in enumerate((0.3, 0.5, 1, 1, 2, 2, 3, 4, 5, 6))}


def test_a_sku_that_stopped_selling_is_told_and_no_other() -> None:
    found = streaks(sold(RATES, 1, "SKU-9", 4), DAYS)
    assert [one.sku for one in found] == ["SKU-9"]
    assert found[0].expected > found[0].limit


def test_the_slower_a_sku_sells_the_longer_its_silence_must_be() -> None:
    assert streaks(sold(RATES, 1, "SKU-2", 4), DAYS) == []
    assert [one.sku for one in streaks(sold(RATES, 1, "SKU-2", 20), DAYS)] == ["SKU-2"]


def test_where_nobody_sells_anything_no_sku_is_missed() -> None:
    sales = sold(RATES, 1)
    assert streaks(sales, DAYS + 10) == streaks(sales, DAYS)


@given(st.integers(0, 10_000))
def test_sales_by_chance_alone_are_hardly_ever_told(seed: int) -> None:
    assert len(streaks(sold(RATES, seed), DAYS)) <= 1


def test_stock_that_came_back_counts_from_then_on() -> None:
    sales = sold(RATES, 1, "SKU-9", 8)
    assert streaks(sales, DAYS, {"SKU-9": DAYS - 2}) == []


def test_a_day_far_below_the_same_weekdays_is_told_and_an_ordinary_one_is_not() -> None:
    days = {day: 100 if day % 7 < 5 else 10 for day in range(DAYS)}
    assert quiet_days(Sales(by_location={"LEEDS": days}), DAYS - 1) == []
    (quiet,) = quiet_days(Sales(by_location={"LEEDS": {**days, DAYS - 4: 20}}), DAYS - 4)
    assert (quiet.lines, quiet.usual) == (20, 100)


@pytest.fixture
def leeds(database_url: str) -> Iterator[Ledger]:
    """Thirty days of shipments from Leeds, today the last: ten mugs and ten plates a day, of which there are plenty."""
    database = Database(database_url)
    upgrade(database)
    ledger = Ledger(database)
    begun = [an_event(EventType.RECEIPT, 5_000, hours=-30 * 24, sku=sku) for sku in ("MUG", "PLATE")]
    ledger.apply(begun, MONDAY - timedelta(days=30))
    ship(ledger, "MUG", range(-29, 1))
    ship(ledger, "PLATE", range(-29, 1))
    yield ledger
    database.close()


def ship(ledger: Ledger, sku: str, days: range) -> None:
    events = [
        an_event(EventType.SHIP, 1, hours=day * 24 + line / 4, sku=sku, document=f"{sku}-{day}-{line}", line="1")
        for day in days
        for line in range(10)
    ]
    ledger.apply(events, MONDAY + timedelta(days=days.stop))


def told(ledger: Ledger, days: float) -> list[tuple[str, str]]:
    """What is missed that many days later, looked at anew."""
    expect(ledger.database, MONDAY + timedelta(days=days, hours=2))
    with ledger.database.reading() as connection:
        rows = connection.execute(
            text("SELECT operation, COALESCE(sku, location) FROM failure WHERE resolved_at IS NULL")
        )
        return [(operation.removeprefix("expect."), name) for operation, name in rows]


def test_stock_that_does_not_sell_is_a_failure_until_it_does(leeds: Ledger) -> None:
    assert told(leeds, 1) == []
    ship(leeds, "PLATE", range(1, 5))
    assert told(leeds, 5) == [("stock_sells", "MUG")]
    assert told(leeds, 5.1) == [("stock_sells", "MUG")]
    ship(leeds, "MUG", range(5, 6))
    ship(leeds, "PLATE", range(5, 6))
    assert told(leeds, 6) == []


def test_what_is_out_of_stock_is_not_missed(leeds: Ledger) -> None:
    leeds.apply([an_event(EventType.COUNT, 0, sku="MUG", hours=20)], MONDAY + timedelta(hours=20))
    ship(leeds, "PLATE", range(1, 5))
    assert told(leeds, 5) == []


def test_nobody_misses_sales_where_that_is_switched_off(leeds: Ledger) -> None:
    with leeds.database.transaction() as connection:
        set_limit(connection, "stock_sells", None, "ann", "stocktaking", MONDAY)
        with pytest.raises(VerbRefused, match="by what else is sold"):
            set_limit(connection, "stock_sells", 86_400.0, "ann", "a day", MONDAY)
    ship(leeds, "PLATE", range(1, 5))
    assert told(leeds, 5) == []


def test_a_place_that_was_not_counted_in_time_is_one_failure(leeds: Ledger) -> None:
    with leeds.database.transaction() as connection:
        set_limit(connection, "count_due", 7 * 86_400.0, "ann", "house rule", MONDAY)
    assert ("count_due", "LEEDS") in told(leeds, 1)
    counted = [an_event(EventType.COUNT, 4_700, sku=sku, hours=30) for sku in ("MUG", "PLATE")]
    leeds.apply(counted, MONDAY + timedelta(hours=30))
    assert ("count_due", "LEEDS") not in told(leeds, 1.4)


def test_a_shipment_that_was_taken_back_is_no_sale(database: Database) -> None:
    ledger = Ledger(database)
    kept, mistake = (an_event(EventType.SHIP, 1, hours=24 * day) for day in (1, 2))
    ledger.apply([an_event(EventType.RECEIPT, 9), kept, mistake], MONDAY + timedelta(days=3))
    with database.transaction() as connection:
        note_sales(connection, 0, 3)
        assert sum(read_sales(connection, 0).total.values()) == 2
    reverse(ledger, mistake.source, mistake.event_id, "ana", MONDAY + timedelta(days=4))
    with database.transaction() as connection:
        note_sales(connection, 3, 4)
        sales = read_sales(connection, 0)
    assert [sum(days.values()) for days in (sales.total, sales.by_sku["MUG"], sales.by_location["LEEDS"])] == [1, 1, 1]
    assert list(sales.total.values()) == [1]
