"""What systems report is compared with the ledger as of the same moment; movements under way are no difference."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.rules import RecentMovement, in_flight
from core_sync.snapshots.tables import Snapshot
from tests.builders import MONDAY, a_receipt, a_shipment

NOON = MONDAY + timedelta(hours=4)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    ledger = Ledger(Database(database_url))
    ledger.apply([a_receipt(20), a_shipment(3, hours=3), a_shipment(4, hours=3.5), a_shipment(9, hours=5)], MONDAY)
    return ledger


def report(ledger: Ledger, system: str, quantity: int, location: str = "LEEDS", state: str = "on_hand") -> None:
    with ledger.database.transaction() as connection:
        values = {"system": system, "sku": "MUG", "location": location, "state": state, "quantity": quantity}
        moments = {"as_of": to_microseconds(NOON), "recorded_at": to_microseconds(NOON)}
        connection.execute(insert(Snapshot).values(**values, **moments))


def deltas(ledger: Ledger) -> list[tuple[str, int, int, int]]:
    with ledger.database.reading() as connection:
        rows = connection.execute(text("SELECT system, expected, reported, in_flight FROM delta ORDER BY system"))
        return [tuple(row) for row in rows]


def test_a_system_that_agrees_as_of_its_own_moment_makes_no_delta(ledger: Ledger) -> None:
    report(ledger, "erp", 13)
    summary = reconcile(ledger.database, NOON)
    assert (summary.compared, summary.differing, deltas(ledger)) == (1, 0, [])


def test_a_difference_that_the_newest_movements_explain_is_in_flight(ledger: Ledger) -> None:
    report(ledger, "erp", 17)
    reconcile(ledger.database, NOON)
    assert deltas(ledger) == [("erp", 13, 17, 4)]


def test_a_difference_that_nothing_explains_is_left_to_be_explained(ledger: Ledger) -> None:
    report(ledger, "wms", 5)
    reconcile(ledger.database, NOON)
    assert deltas(ledger) == [("wms", 13, 5, 0)]


def test_a_channel_is_compared_with_what_it_was_promised(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'x', 1, 'live')"))
        connection.execute(
            text(
                "INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, valid_from) "
                "VALUES ('shop', '', 5000, 2, 0)"
            )
        )
    report(ledger, "shop", 8, location="", state="available")
    reconcile(ledger.database, NOON)
    assert deltas(ledger) == [("shop", 4, 8, 4)]


def test_each_snapshot_is_compared_once(ledger: Ledger) -> None:
    report(ledger, "erp", 17)
    assert reconcile(ledger.database, NOON).snapshots == 1
    assert reconcile(ledger.database, NOON).snapshots == 0


@given(st.lists(st.integers(-9, 9), max_size=8), st.integers(0, 8))
def test_any_system_that_is_only_behind_is_fully_explained(changes: list[int], behind: int) -> None:
    recent = [RecentMovement(place, change) for place, change in enumerate(changes)]
    difference = -sum(changes[:behind])
    assert in_flight(difference, recent).quantity == difference


@given(st.integers(-50, 50), st.lists(st.integers(-9, 9), max_size=8))
def test_what_is_in_flight_never_makes_a_difference_larger(difference: int, changes: list[int]) -> None:
    recent = [RecentMovement(place, change) for place, change in enumerate(changes)]
    assert abs(difference - in_flight(difference, recent).quantity) <= abs(difference)
