"""A system that does not post what happens at a warehouse is one case, whatever SKU shows it, and what follows it."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt, a_shipment

NOON = MONDAY + timedelta(hours=4)
MODELS = shipped_models()
SKUS = ("MUG", "TRAY", "CUP")


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """Three SKUs in Leeds, sold by a retailer whose figures are fed from the ERP's books."""
    database = Database(database_url)
    with database.transaction() as connection:
        for sku in SKUS:
            connection.execute(text("INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                                    f"VALUES ('{sku}', 'EA', 100000, 60000, 'EUR', FALSE)"))  # fmt: skip
        connection.execute(text("INSERT INTO channel (channel, kind, priority, mode, oversell_penalty) "
                                "VALUES ('retailer', 'edi', 1, 'live', 200000)"))  # fmt: skip
        bump_version(connection)
    ledger = Ledger(database)
    sales = [a_shipment(20, hours=-24 * day, sku=sku, channel="retailer") for sku in SKUS for day in range(1, 8)]
    ledger.apply([*(a_receipt(180, hours=-24 * 9, sku=sku) for sku in SKUS), *sales], MONDAY)
    yield ledger
    database.close()


def waits(ledger: Ledger, *places: tuple[str, str | None]) -> None:
    """The ERP tells of each SKU, at a place or without one, that its postings wait."""
    with ledger.database.transaction() as connection:
        for number, (sku, place) in enumerate(places):
            record_failure(connection, NewFailure(
                kind="told", id=f"F-{number}", message="", occurred_at=NOON, recorded_at=NOON, system="erp",
                operation="erp.post_movement", sku=sku, location=place, event_lag_s=9_000.0, quantity=40,
            ))  # fmt: skip
        connection.execute(text(_AS_BACKLOG))


_AS_BACKLOG = """
INSERT INTO diagnosis (failure_id, root_cause, subclass, probability, abstained, probabilities, reasons, model_version,
                       made_at)
SELECT failure_id, 'posting_delay', 'backlog', 0.9, FALSE, '{"posting_delay": 0.9}', '[]', 'test', 0 FROM failure
"""


def run(ledger: Ledger) -> list[tuple[str, int, float, dict[str, object]]]:
    """The open cases: fingerprint, signals, exposure and terms."""
    triage(ledger.database, MODELS, lambda *_: ("look into", "suggest"), "EUR", NOON)
    with ledger.database.reading() as connection:
        rows = connection.execute(text("SELECT fingerprint, signals, exposure, exposure_terms FROM exception_case "
                                       "WHERE status <> 'resolved' ORDER BY signals DESC"))  # fmt: skip
        return [(name, count, (money or 0) / 10_000, msgspec.json.decode(terms)) for name, count, money, terms in rows]


def test_what_shows_on_several_skus_of_a_warehouse_is_one_case_and_one_that_names_no_place_joins_it(
    ledger: Ledger,
) -> None:
    waits(ledger, ("MUG", "LEEDS"), ("TRAY", "LEEDS"), ("CUP", None))
    ((name, signals, *_),) = run(ledger)
    assert (name, signals) == ("posting_delay|backlog|erp@LEEDS", 3)


def test_the_only_place_that_was_told_is_that_of_all_that_name_none(ledger: Ledger) -> None:
    waits(ledger, ("MUG", "LEEDS"), ("TRAY", None), ("CUP", None))
    assert [(name, signals) for name, signals, *_ in run(ledger)] == [("posting_delay|backlog|erp@LEEDS", 3)]


def test_where_two_places_wait_one_that_names_none_stays_by_itself(ledger: Ledger) -> None:
    waits(ledger, ("MUG", "LEEDS"), ("TRAY", "BATH"), ("CUP", None))
    assert sorted(name for name, *_ in run(ledger)) == ["posting_delay|CUP", "posting_delay|MUG", "posting_delay|TRAY"]


def test_what_shows_on_one_sku_alone_is_that_skus_own_trouble_until_another_joins(ledger: Ledger) -> None:
    waits(ledger, ("MUG", "LEEDS"))
    assert [name for name, *_ in run(ledger)] == ["posting_delay|MUG"]
    with ledger.database.transaction() as connection:
        record_failure(connection, NewFailure(
            kind="told", id="F-9", message="", occurred_at=NOON, recorded_at=NOON, system="erp",
            operation="erp.post_movement", sku="TRAY", location="LEEDS", event_lag_s=9_000.0,
        ))  # fmt: skip
        connection.execute(text(_AS_BACKLOG + " WHERE id = 'F-9'"))
    assert [(name, signals) for name, signals, *_ in run(ledger)] == [("posting_delay|backlog|erp@LEEDS", 2)]


def test_it_costs_what_is_oversold_where_listings_follow_the_books_that_stand_still(ledger: Ledger) -> None:
    ledger.apply([a_shipment(36, hours=3, sku=sku) for sku in SKUS], NOON)
    with ledger.database.transaction() as connection:
        for sku in SKUS:  # forty were there this morning, and both books still say so; four are left
            store_figures(connection, [Figure("erp", sku, "LEEDS", "on_hand", 40, NOON)], NOON)
            store_figures(connection, [Figure("retailer", sku, "", "available", 40, NOON)], NOON)
    reconcile(ledger.database, NOON)
    waits(ledger, ("MUG", "LEEDS"), ("TRAY", None))
    exposure, terms = next(told[2:] for told in run(ledger) if told[0] == "posting_delay|backlog|erp@LEEDS")
    assert {"retailer MUG", "retailer TRAY", "retailer CUP"} <= terms.keys(), "CUP follows it and nobody told of it"
    assert exposure > 24, "at least a unit of each is sold that is not there, at 4 margin and 20 penalty"
