"""Facts as triage reads them: what was known of a SKU's failures and movements at the moment of a difference."""

from datetime import datetime, timedelta

import polars as pl

from core_sync.database.engine import Database
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.triage.frames import deltas_since, failures_before
from tests.builders import MONDAY, a_receipt, a_shipment


def us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def test_a_difference_knows_the_failures_of_its_sku_that_were_recorded_by_then_and_no_later_ones() -> None:
    failures = pl.DataFrame(
        {
            "sku": ["mug", "mug", "mug", "mug", "cup"],
            "recorded_at": [us(MONDAY - timedelta(hours=age)) for age in (-1, 0, 30, 97, 2)],
        }
    )
    sku = pl.Series(["mug", "cup", "jug", "mug"])
    moments = pl.Series([us(MONDAY)] * 3 + [us(MONDAY + timedelta(hours=1))]).to_numpy()
    day, four_days = failures_before(sku, moments, failures)
    assert day.to_list() == [1, 1, 0, 2]
    assert four_days.to_list() == [2, 1, 0, 3]


def test_without_any_failure_every_count_is_nothing() -> None:
    none = pl.DataFrame(schema={"sku": pl.String, "recorded_at": pl.Int64})
    counts = failures_before(pl.Series(["mug"]), pl.Series([us(MONDAY)]).to_numpy(), none)
    assert [count.to_list() for count in counts] == [[0], [0]]


def test_a_difference_knows_what_moved_before_it_and_was_known_then(database: Database) -> None:
    def sold(quantity: int, hours: float, location: str = "EAST", sku: str = "MUG") -> Event:
        return a_shipment(quantity, hours=hours, location=location, sku=sku)

    ledger = Ledger(database)
    opening = [
        a_receipt(500, hours=-48, sku=sku, location=place) for sku in ("MUG", "CUP") for place in ("EAST", "WEST")
    ]
    ledger.apply(opening, MONDAY)
    early = [sold(2, -0.5), sold(50, -1), sold(7, -3.5, "WEST"), sold(9, 0.1), sold(1, -0.2, sku="CUP")]
    ledger.apply(early, MONDAY + timedelta(minutes=10))
    figures = [Figure("wms", "MUG", "EAST", "on_hand", 1, MONDAY), Figure("erp", "MUG", "WEST", "on_hand", 1, MONDAY)]
    with database.transaction() as connection:
        store_figures(connection, figures, MONDAY + timedelta(minutes=20))
    reconcile(database, MONDAY + timedelta(minutes=20))
    ledger.apply([sold(100, -0.3)], MONDAY + timedelta(hours=5))  # told after the difference was found
    with database.reading() as connection:
        found = {row["location"]: row for row in deltas_since(connection, 0, 100).iter_rows(named=True)}
    assert [found["EAST"][f"moved_{hours}h"] for hours in (1, 2, 4)] == [-2, -52, -52]
    assert [found["WEST"][f"moved_{hours}h"] for hours in (1, 2, 4)] == [0, 0, -7]
