"""What channels charge and where their cancel rate stands, read from master data and the orders counted."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.expectations.follow import follow
from core_sync.failures.record import NewFailure, record_failure
from core_sync.intake.load import load_files
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.store import Figure, store_figures
from ml.exposure.rates import Rates
from ml.exposure.terms import Basis
from ml.registry.service_models import shipped_models
from ml.triage.charges import ChannelCharges, read_charges
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment, an_event
from tests.ml.triage.test_triage import ML_TABLES

NOON = MONDAY + timedelta(hours=4)
MODELS = shipped_models()

SKUS = "sku,base_uom,unit_price,unit_cost,currency\nMUG,EA,10,6,EUR\n"
CHANNELS = (
    "channel,kind,priority,mode,oversell_penalty,chargeback,cancel_limit,suspension_days\n"
    "amazon,amazon,2,live,5,,0.025,3\ngrocer,edi,1,live,,12.5,,\n"
)
TIERS, ACCOUNTS = "tier,retention_value\ngold,40\n", "account,tier\nACME,gold\n"


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """Mugs sold on a marketplace with a cancel rate, and to a grocer who charges back; a hundred orders in a week."""
    database = Database(database_url)
    upgrade(database, ML_TABLES)
    ledger = Ledger(database)
    for table, rows in {"skus": SKUS, "channels": CHANNELS, "tiers": TIERS, "accounts": ACCOUNTS}.items():
        (tmp_path / f"{table}.csv").write_text(rows)
        load_files(ledger, table, [tmp_path / f"{table}.csv"], MONDAY)
    orders = [
        a_shipment(2, hours=-1.5 * n, channel="amazon", document=f"SO-{n}", account="ACME" if n % 4 == 0 else "")
        for n in range(1, 101)
    ]
    ledger.apply([a_receipt(300, hours=-24 * 9), *orders], NOON)
    cancelled = [
        (a_reservation(1, hours=-3, document=f"SC-{n}", channel="amazon", line="1"),
         an_event(EventType.ORDER_CANCELLED, 1, hours=-2, document=f"SC-{n}", line="1", reason="out of stock"))
        for n in range(2)
    ]  # fmt: skip
    ledger.apply([event for pair in cancelled for event in pair], NOON)
    yield ledger
    database.close()


def charges(ledger: Ledger) -> dict[str, ChannelCharges]:
    follow(ledger.database, NOON)
    with ledger.database.reading() as connection:
        return dict(read_charges(connection, Rates("EUR", {}), NOON).channels)


def test_a_cancel_rate_stands_where_the_orders_counted_put_it(ledger: Ledger) -> None:
    rate = charges(ledger)["amazon"].cancel_rate
    assert rate is not None
    assert (rate.days, rate.lines, rate.cancelled, rate.left) == (7, 102, 2, 1)


def test_a_suspension_costs_the_channels_own_margin_of_as_many_days(ledger: Ledger) -> None:
    cost = charges(ledger)["amazon"].cancel_rate.cost  # type: ignore[union-attr]  # it states a limit
    assert cost.value == pytest.approx(3 * 100 * 2 * 4 / 7)  # a hundred orders of two mugs on seven days
    assert cost.note == "3 days of suspension at a margin of 114.29 a day"


def test_customers_are_worth_what_their_tiers_are_by_how_often_they_order(ledger: Ledger) -> None:
    found = charges(ledger)
    retention = found["amazon"].retention
    assert retention is not None
    assert retention.value == pytest.approx(40 * 25 / 102)
    assert "gold 25% at 40.00, no tier 75% at 0.00" in retention.note
    unknown = found["grocer"].retention
    assert unknown is not None
    assert (unknown.basis, "counts nothing" in unknown.note) == (Basis.UNKNOWN, True)


def test_a_channel_that_states_nothing_is_charged_nothing(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET chargeback = NULL, cancel_limit = NULL"))
        connection.execute(text("DELETE FROM customer_tier"))
    assert not any(one.any for one in charges(ledger).values())


def terms_of_case(ledger: Ledger, **told: Any) -> dict[str, Any]:
    """The terms of the one case that a failure leaves which ``told`` says of."""
    follow(ledger.database, NOON)
    failure = NewFailure(
        **{"kind": "push", "subject": "push", "message": "upstream request timed out after 30 s", "occurred_at": NOON,
           "recorded_at": NOON, "system": "amazon", "channel": "amazon", "operation": "push_inventory", "sku": "MUG",
           **told}
    )  # fmt: skip
    with ledger.database.transaction() as connection:
        store_figures(connection, [Figure("amazon", "MUG", "", "available", 150, NOON)], NOON)
        record_failure(connection, failure)
    triage(ledger.database, MODELS, lambda _, cause: (f"mend {cause}", "approve"), "EUR", NOON)
    with ledger.database.reading() as connection:
        terms: dict[str, Any] = msgspec.json.decode(
            connection.execute(text("SELECT exposure_terms FROM exception_case")).scalar_one()
        )
    return terms


def test_a_case_names_each_charge_with_its_own_figure(ledger: Ledger) -> None:
    terms = terms_of_case(ledger)["amazon MUG"]
    assert terms["cancel_limit"]["note"] == "2 of 102 order lines of 7 days are cancelled by us, 1 more passes it"
    assert terms["units_per_line"] == {
        "value": 2.0,
        "unit": "units/line",
        "basis": "measured",
        "note": "of 100 lines shipped",
    }
    assert terms["chargeback"]["note"] == "the channel states none: counts nothing"
    for name in ("short_lines", "retention_amount", "cancel_rate_chance", "cancel_rate_amount"):
        assert terms[name]["value"] > 0


def test_an_order_that_cannot_be_served_lets_down_the_customer_who_placed_it(ledger: Ledger) -> None:
    ledger.apply([a_reservation(1, hours=-1, document="SO-VIP", channel="amazon", account="ACME")], NOON)
    told = {"document": "SO-VIP", "quantity": 3, "error_code": "INSUFFICIENT_STOCK", "message": "out of stock"}
    terms = terms_of_case(ledger, operation="create_order", http_status=409, **told)["amazon MUG"]
    assert (terms["retention"]["value"], terms["short_lines"]["value"]) == (40, 1)
    assert terms["retention"]["note"] == "order SO-VIP of ACME, tier gold"
