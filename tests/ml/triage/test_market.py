"""What the books say of demand, prices and shown figures, whichever SKUs are looked at together."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.decisions import reverse
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from core_sync.snapshots.tables import Snapshot
from ml.triage.market import Market, read_market
from tests.builders import MONDAY, a_receipt, a_shipment


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A mug priced in yen, on one channel whose penalty is 5 of the reporting currency, at 160 yen each."""
    database = Database(database_url)
    with database.transaction() as connection:
        for statement in (
            (
                "INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                "VALUES ('MUG', 'EA', 10000000, 6000000, 'JPY', FALSE)"
            ),
            (
                "INSERT INTO channel (channel, kind, priority, mode, oversell_penalty) "
                "VALUES ('shop', 'shopify', 1, 'live', 50000)"
            ),
            "INSERT INTO rate (currency, per_reporting_unit, as_of) VALUES ('JPY', 1600000, 0)",
        ):
            connection.execute(text(statement))
    yield database
    database.close()


def market_of(database: Database, *skus: str) -> Market:
    with database.reading() as connection:
        return read_market(connection, skus, "EUR", MONDAY)


def test_a_slow_mover_is_slow_whichever_skus_are_looked_at_with_it(database: Database) -> None:
    busy = [a_shipment(2, hours=-24 * day, sku="TRAY", channel="shop") for day in range(1, 20)]
    receipts = [a_receipt(500, hours=-24 * 20), a_receipt(500, hours=-24 * 20, sku="TRAY")]
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('TRAY', 'EA', FALSE)"))
        bump_version(connection)
    Ledger(database).apply([*receipts, a_shipment(2, hours=-72, channel="shop"), *busy], MONDAY)
    alone, beside = (market_of(database, *skus).demand.of("MUG", "shop") for skus in (("MUG",), ("MUG", "TRAY")))
    assert alone == beside
    in_stock = 20
    pooled = (2 + 38) / (2 * in_stock)
    assert alone.rate_per_day.value == pytest.approx((2 + 2 * pooled) / (in_stock + 2), rel=0.01)


def test_a_penalty_is_of_the_reporting_currency_whatever_the_sku_is_priced_in(database: Database) -> None:
    prices = market_of(database, "MUG").prices_of("MUG", "shop")
    assert prices.currency == "JPY"
    assert prices.oversell_penalty == Decimal(800)


def test_a_later_snapshot_of_other_skus_does_not_make_a_figure_unsaid(database: Database) -> None:
    with database.transaction() as connection:
        for sku, quantity, hours in (("MUG", 70, -3), ("MUG", 60, -2), ("TRAY", 5, -1)):
            moment = to_microseconds(MONDAY + timedelta(hours=hours))
            values = {"system": "shop", "sku": sku, "location": "", "state": "available", "quantity": quantity}
            connection.execute(insert(Snapshot).values(**values, as_of=moment, recorded_at=moment))
    assert market_of(database, "MUG").shown.figure("shop", "MUG") == 60


def test_time_without_stock_is_no_time_without_demand(database: Database) -> None:
    sold = [a_shipment(6, hours=-24 * day, channel="shop") for day in range(11, 21)]
    Ledger(database).apply([a_receipt(60, hours=-24 * 21), *sold], MONDAY)  # sold out for ten days since
    rate = market_of(database, "MUG").demand.of("MUG", "shop").rate_per_day.value
    assert rate == pytest.approx(6, rel=0.15)


@pytest.mark.parametrize(("days", "per_euro"), [((-30, -1, 5), 2), ((-30, 5), 1), ((5, 9), 1)])
def test_the_rate_is_the_newest_that_holds_by_now_and_none_of_later(
    database: Database, days: tuple[int, ...], per_euro: int
) -> None:
    rows = [
        {"rate": 10_000 * number, "as_of": to_microseconds(MONDAY + timedelta(days=day))}
        for number, day in enumerate(days, 1)
    ]
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO rate (currency, per_reporting_unit, as_of) VALUES ('USD', :rate, :as_of)"), rows
        )
    assert market_of(database, "MUG").rates.per_reporting_unit["USD"] == per_euro


def test_what_was_taken_back_was_never_asked_for_and_never_came(database: Database) -> None:
    ledger = Ledger(database)
    mistake = a_shipment(900, hours=-70, channel="shop")
    ledger.apply([a_receipt(2_000, hours=-24 * 20), a_shipment(2, hours=-72, channel="shop"), mistake], MONDAY)
    wrong = market_of(database, "MUG").demand.of("MUG", "shop").rate_per_day.value
    before = market_of(database, "MUG").arrivals
    ledger.apply([typo := a_receipt(9_000, hours=-60)], MONDAY)
    for taken_back in (mistake, typo):
        reverse(ledger, taken_back.source, taken_back.event_id, "ana", MONDAY)
    assert market_of(database, "MUG").arrivals == before
    right = market_of(database, "MUG").demand
    assert (wrong or 0) > 10 * (right.of("MUG", "shop").rate_per_day.value or 0) > 0
    assert right.lots["MUG", "shop"].value == 2
