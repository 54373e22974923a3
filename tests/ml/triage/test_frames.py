"""Facts as triage reads them: what was known of a SKU's failures and movements at the moment of a difference."""

from datetime import timedelta

from core_sync.database.engine import Database
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.triage.frames import deltas_since
from tests.builders import MONDAY, a_receipt, a_reservation, a_shipment
from tests.core_sync.stocked import a_channel, a_rule


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


def test_what_moved_is_of_the_figure_s_own_state_and_of_a_listing_its_share(database: Database) -> None:
    ledger = Ledger(database)
    ledger.apply([a_receipt(100, hours=-48, sku="MUG", location="EAST")], MONDAY - timedelta(hours=47))
    a_channel(database, "shop")
    a_rule(database, "shop", share=8_000)
    ledger.apply([a_reservation(20, hours=-0.5, sku="MUG", location="EAST")], MONDAY)
    figures = [
        Figure("erp", "MUG", "EAST", "on_hand", 1, MONDAY),
        Figure("erp", "MUG", "EAST", "allocated", 1, MONDAY),
        Figure("shop", "MUG", "", "available", 1, MONDAY),
    ]
    with database.transaction() as connection:
        store_figures(connection, figures, MONDAY)
    reconcile(database, MONDAY)
    with database.reading() as connection:
        found = deltas_since(connection, 0, 100)
    assert dict(zip(found["state"], found["moved_1h"], strict=True)) == {
        "on_hand": 0,
        "allocated": 20,
        "available": -16,
    }


def test_a_difference_knows_which_of_its_system_s_snapshots_it_is_of_where_most_agreed(database: Database) -> None:
    ledger = Ledger(database)
    ledger.apply([a_receipt(50, hours=-48, sku="MUG", location="EAST")], MONDAY - timedelta(hours=47))
    for hour, shown in enumerate((50, 50, 50, 42)):
        at = MONDAY + timedelta(hours=hour)
        with database.transaction() as connection:
            store_figures(connection, [Figure("wms", "MUG", "EAST", "on_hand", shown, at)], at)
        reconcile(database, at)
    with database.reading() as connection:
        assert deltas_since(connection, 0, 100)["snapshot"].to_list() == [4]
