"""What is told under a name or a unit that nobody knows costs what it most likely means, and is found with it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from ml.registry.service_models import shipped_models
from ml.triage.facts import effects_of_unknown
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment

NOON = MONDAY + timedelta(hours=4)
MODELS = shipped_models()


@pytest.fixture
def sold_out(database_url: str) -> Iterator[Ledger]:
    """Mugs that sell eight a day and of which none are left; the warehouse calls them 204181, a case holds twelve."""
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                                "VALUES ('MUG-1000-B', 'EA', 100000, 60000, 'EUR', FALSE)"))  # fmt: skip
        connection.execute(text("INSERT INTO unit_of_measure (sku, uom, numerator, denominator) "
                                "VALUES ('MUG-1000-B', 'CS', 12, 1)"))  # fmt: skip
        connection.execute(text("INSERT INTO alias (system, external_sku, sku) VALUES ('wms', '204181', 'MUG-1000-B')"))
        connection.execute(text("INSERT INTO channel (channel, kind, priority, mode, oversell_penalty) "
                                "VALUES ('shop', 'shopify', 1, 'live', 50000)"))  # fmt: skip
        bump_version(connection)
    ledger = Ledger(database)
    sales = [a_shipment(8, hours=-24 * day, channel="shop", sku="MUG-1000-B") for day in range(1, 8)]
    ledger.apply([a_receipt(56, hours=-24 * 9, sku="MUG-1000-B"), *sales], MONDAY)
    yield ledger
    database.close()


def the_case(ledger: Ledger) -> dict[str, Any]:
    """The one case that is open after a triage."""
    triage(ledger.database, MODELS, lambda *_: ("look into", "suggest"), "EUR", NOON)
    with ledger.database.reading() as connection:
        asked = text("SELECT title, skus, exposure, exposure_terms FROM exception_case")
        (row,) = connection.execute(asked).mappings().all()
    return {**row, "skus": msgspec.json.decode(row["skus"]), "terms": msgspec.json.decode(row["exposure_terms"])}


def test_goods_that_came_in_under_a_strange_name_cost_the_sales_that_they_would_have_made(sold_out: Ledger) -> None:
    sold_out.apply([a_receipt(3, hours=3, sku="MUG1000BX"), a_receipt(9, hours=3, sku="MUG1000BX")], NOON)
    case = the_case(sold_out)
    assert case["title"].endswith("MUG1000BX")
    assert "MUG-1000-B" in case["skus"]
    assert 4 * 3 < case["exposure"] / 10_000 <= 4 * 12, "it is not only the first that counts, at a margin of 4"


def test_what_a_source_calls_by_its_own_name_is_told_of_our_sku_and_in_packs(sold_out: Ledger) -> None:
    sold_out.apply([a_receipt(1, hours=3, sku="204181", uom="BX")], NOON)
    case = the_case(sold_out)
    assert case["skus"] == ["MUG-1000-B"]
    assert 4 * 3 < case["exposure"] / 10_000 <= 4 * 12, "one pack of an unknown unit is taken for a case of twelve"


def test_a_shipment_of_units_that_are_reserved_takes_nothing_from_what_may_be_sold(sold_out: Ledger) -> None:
    reserved = a_reservation(5, hours=2, sku="MUG-1000-B", document="SO-1", reservation_id="R-1")
    sold_out.apply([a_receipt(5, hours=1, sku="MUG-1000-B"), reserved], NOON)
    sold_out.apply([a_shipment(5, hours=3, sku="MUG1000BX", document="SO-1")], NOON)
    terms = the_case(sold_out)["terms"]["shop MUG-1000-B"]
    assert terms["oversold_units"]["value"] == 0
    assert terms["lost_units"]["value"] > 0, "goods may come in under that name, too, and would not be promised"


def test_an_order_that_cannot_be_served_costs_its_own_units(sold_out: Ledger) -> None:
    with sold_out.database.transaction() as connection:
        record_failure(connection, NewFailure(
            kind="told", subject="order:SO-7", message="insufficient stock: 6 of MUG-1000-B short for order SO-7",
            occurred_at=NOON, recorded_at=NOON, system="shop", channel="shop", operation="allocate_order",
            sku="MUG-1000-B", error_code="OUT_OF_STOCK", document="SO-7", quantity=6,
        ))  # fmt: skip
    assert the_case(sold_out)["exposure"] / 10_000 == pytest.approx(6 * (4 + 5))


def test_of_events_under_one_name_the_sum_counts_once() -> None:
    def told(number: int, operation: str, quantity: int, *, is_reserved: bool = False) -> dict[str, Any]:
        return {"signal_id": number, "system": "wms", "sku": "X", "error_code": "unmapped_sku", "operation": operation,
                "quantity": quantity, "is_reserved": is_reserved}  # fmt: skip

    rows = [told(1, "ledger.receipt", 9), told(2, "ledger.ship", 4), told(3, "ledger.ship", 2, is_reserved=True)]
    assert effects_of_unknown([*rows, rows[0]]) == {("wms", "X"): 5}
