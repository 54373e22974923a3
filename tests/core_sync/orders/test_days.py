"""Order lines and cancellations by channel and day, counted once from the ledger."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.expectations.follow import follow
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.reversal import reverse_entry
from core_sync.master_data.load import bump_version
from core_sync.orders.days import Ordered, Shipped, ordered
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event

NOON = MONDAY + timedelta(hours=4)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    """A mug of 12 that costs 7, and a customer of the first tier."""
    ledger = Ledger(Database(database_url))
    with ledger.database.transaction() as connection:
        for statement in (
            (
                "INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                "VALUES ('MUG', 'EA', 120000, 70000, 'EUR', FALSE)"
            ),
            "INSERT INTO account (account, tier) VALUES ('ACME', 'gold')",
        ):
            connection.execute(text(statement))
        bump_version(connection)
    ledger.apply([a_receipt(500, hours=-24 * 40)], NOON)
    return ledger


def a_cancellation(document: str, reason: str = "out of stock", **said: object) -> Event:
    return an_event(EventType.ORDER_CANCELLED, 1, document=document, reason=reason, **said)  # type: ignore[arg-type]  # the builder passes them on


def of_shop(ledger: Ledger, days: int = 7) -> Ordered:
    follow(ledger.database, NOON)
    with ledger.database.reading() as connection:
        return ordered(connection, NOON, days, ["shop"])["shop"]


def test_lines_are_counted_by_tier_and_what_was_shipped_by_its_margin(ledger: Ledger) -> None:
    ledger.apply(
        [
            a_reservation(2, hours=-30, document="SO-1", line="1", channel="shop", account="ACME"),
            a_shipment(2, hours=-20, document="SO-1", line="1", channel="shop", account="ACME"),
            a_shipment(3, hours=-10, document="SO-2", line="1", channel="shop"),
            a_shipment(9, hours=-10, document="SO-3", line="1", channel="amazon"),
            a_shipment(9, hours=-24 * 9, document="SO-4", line="1", channel="shop"),
        ],
        NOON,
    )
    assert of_shop(ledger) == Ordered(2, 2, 0, {"gold": 1, "": 1}, {"EUR": Shipped(5, 5, 5 * 50_000)})
    assert of_shop(ledger, days=28).lines == 3


def test_what_the_customer_cancels_is_not_ours(ledger: Ledger) -> None:
    orders = [a_reservation(1, hours=-30, document=f"SO-{n}", line="1", channel="shop") for n in range(10)]
    ledger.apply(
        [
            *orders,
            a_cancellation("SO-1", channel="shop"),
            a_cancellation("SO-2"),  # of the channel of its order
            a_cancellation("SO-3", "cancelled by customer", channel="shop"),
        ],
        NOON,
    )
    found = of_shop(ledger)
    assert (found.lines, found.cancelled) == (10, 2)


def test_what_is_taken_back_is_not_counted_and_nothing_is_counted_twice(ledger: Ledger) -> None:
    orders = [a_shipment(1, hours=-3, document=f"SO-{n}", channel="shop", event_id=f"s{n}") for n in range(3)]
    ledger.apply(orders, NOON)
    assert of_shop(ledger).lines == of_shop(ledger).lines == 3
    with ledger.database.transaction() as connection:
        reverse_entry(ledger, connection, "wms", "s0", "ops", NOON)
    found = of_shop(ledger)
    assert (found.lines, found.shipped["EUR"].units) == (2, 2)


def test_a_channel_without_an_order_in_these_days_has_none(ledger: Ledger) -> None:
    assert of_shop(ledger) == Ordered()
