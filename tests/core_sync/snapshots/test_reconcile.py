"""What systems report is compared with the ledger as of the same moment; movements under way are no difference."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.interchange.profile_rules import ReconciliationRule
from core_sync.ledger.events import EventType
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots import reconcile as paging
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.rules import in_flight, judge
from core_sync.snapshots.source_rules import declare_rule
from core_sync.snapshots.store import Figure, store_figures
from tests.builders import MONDAY, a_count, a_receipt, a_shipment, an_event

NOON = MONDAY + timedelta(hours=4)


@pytest.fixture
def ledger(database_url: str) -> Ledger:
    ledger = Ledger(Database(database_url))
    ledger.apply([a_receipt(20), a_shipment(3, hours=3), a_shipment(4, hours=3.5), a_shipment(9, hours=5)], MONDAY)
    return ledger


def report(
    ledger: Ledger,
    system: str,
    quantity: int,
    location: str = "LEEDS",
    state: str = "on_hand",
    sku: str = "MUG",
    as_of: datetime = NOON,
) -> int:
    with ledger.database.transaction() as connection:
        return store_figures(connection, [Figure(system, sku, location, state, quantity, as_of)], NOON)


def deltas(ledger: Ledger, *columns: str) -> list[tuple[Any, ...]]:
    named = ", ".join(columns or ("system", "expected", "reported", "in_flight"))
    with ledger.database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT {named} FROM delta ORDER BY system, sku"))]


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


def test_a_listing_is_compared_with_what_a_shortage_leaves_it(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO channel (channel, kind, priority, mode) VALUES ('first', 'x', 1, 'live'), "
                "('second', 'x', 2, 'live')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, valid_from, shortage_below) "
                "VALUES ('first', '', 6000, 0, 0, 50), ('second', '', 10000, 0, 0, 50)"
            )
        )
    report(ledger, "first", 7, location="", state="available")
    report(ledger, "second", 8, location="", state="available")  # 13 are there, and 7 of them are taken
    reconcile(ledger.database, NOON)
    assert deltas(ledger, "system", "expected", "reported") == [("second", 6, 8)]


@pytest.fixture
def sets_of_a_kit(ledger: Ledger) -> Ledger:
    """A kit of two mugs and a lid, sold on a shop that keeps one back: of 13 mugs and 5 lids 5 kits can be made."""
    ledger.apply([a_receipt(5, event_id="lids", sku="LID"), a_shipment(2, event_id="l", sku="LID", hours=4.5)], MONDAY)
    with ledger.database.transaction() as connection:
        connection.execute(text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'x', 1, 'live')"))
        connection.execute(
            text(
                "INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, valid_from) "
                "VALUES ('shop', '', 10000, 1, 0)"
            )
        )
        connection.execute(
            text("INSERT INTO kit_component (kit, component, quantity) VALUES ('SET', 'MUG', 2), ('SET', 'LID', 1)")
        )
    return ledger  # fmt: skip


def test_a_kit_is_compared_with_what_its_components_make(sets_of_a_kit: Ledger) -> None:
    report(sets_of_a_kit, "shop", 4, location="", state="available", sku="SET")
    report(sets_of_a_kit, "erp", 6, state="available", sku="SET")
    assert reconcile(sets_of_a_kit.database, NOON).compared == 2
    assert deltas(sets_of_a_kit) == [("erp", 5, 6, 0)]


def test_a_kit_that_its_components_left_lately_is_in_flight(sets_of_a_kit: Ledger) -> None:
    later = MONDAY + timedelta(hours=5)  # by then 2 lids have gone, and 9 mugs: of 4 mugs and 3 lids 2 can be made
    report(sets_of_a_kit, "shop", 2, location="", state="available", sku="SET", as_of=later)
    reconcile(sets_of_a_kit.database, later)
    assert deltas(sets_of_a_kit) == [("shop", 1, 2, 1)]


def test_goods_between_two_warehouses_are_expected_where_they_are_going(ledger: Ledger) -> None:
    gone: dict[str, Any] = {"hours": 3.9, "document": "TR-1", "to_location": "HULL"}
    ledger.apply([an_event(EventType.TRANSFER_OUT, 3, **gone)], NOON)
    later: dict[str, Any] = {"hours": 6, "document": "TR-1", "location": "HULL"}
    ledger.apply([an_event(EventType.TRANSFER_IN, 3, **later)], NOON + timedelta(hours=2))
    report(ledger, "erp", 10)
    report(ledger, "wms", 3, location="HULL", state="in_transit")
    report(ledger, "tms", 0, location="HULL", state="in_transit")
    reconcile(ledger.database, NOON)
    assert deltas(ledger) == [("tms", 3, 0, -3)]


def test_a_count_that_came_late_is_in_the_figure_of_its_own_moment(ledger: Ledger) -> None:
    ledger.apply([a_count(30, hours=3.8)], NOON + timedelta(hours=3))
    report(ledger, "wms", 30)
    reconcile(ledger.database, NOON)
    assert deltas(ledger) == []


def test_each_snapshot_is_compared_once(ledger: Ledger) -> None:
    report(ledger, "erp", 17)
    assert reconcile(ledger.database, NOON).snapshots == 1
    assert reconcile(ledger.database, NOON).snapshots == 0
    assert report(ledger, "erp", 18) == 0  # a figure stays as it was told first
    assert reconcile(ledger.database, NOON).compared == 0


def test_figures_that_join_a_snapshot_later_are_compared_too_and_only_they(ledger: Ledger) -> None:
    report(ledger, "erp", 17)
    reconcile(ledger.database, NOON)
    report(ledger, "erp", 2, sku="CUP")
    assert reconcile(ledger.database, NOON).compared == 1
    assert deltas(ledger, "sku", "reported") == [("CUP", 2), ("MUG", 17)]


def test_a_budget_is_spent_on_the_oldest_moments_first_and_the_rest_follows(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "PAGE_ROWS", 2)
    for hours in (2, 0, 1):
        for sku in ("CUP", "JUG", "PAN"):
            report(ledger, "erp", 1, sku=sku, as_of=MONDAY + timedelta(hours=hours))
    assert reconcile(ledger.database, NOON, budget=4).compared == 4
    first, second = (int((MONDAY + timedelta(hours=hours)).timestamp() * 1e6) for hours in (0, 1))
    with ledger.database.reading() as connection:
        told = connection.execute(text("SELECT as_of, sku FROM delta ORDER BY delta_id")).all()
    assert [tuple(row) for row in told] == [(first, "CUP"), (first, "JUG"), (first, "PAN"), (second, "CUP")]
    assert reconcile(ledger.database, NOON).compared == 5
    assert len(deltas(ledger)) == 9


def test_figures_of_other_systems_are_brought_to_the_same_moment(ledger: Ledger) -> None:
    report(ledger, "wms", 17, as_of=NOON - timedelta(minutes=45))  # before the last 4 went out
    report(ledger, "erp", 9)
    reconcile(ledger.database, NOON)
    assert deltas(ledger, "system", "erp", "wms") == [("erp", 9, 13)]


def test_the_rule_of_a_source_says_whose_figure_wins_and_what_may_differ(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        declare_rule(connection, "erp", ReconciliationRule("wms", 2))
        declare_rule(connection, "wms", ReconciliationRule("ledger", 0))
    for system, quantity in (("erp", 9), ("wms", 12)):
        report(ledger, system, quantity)
    report(ledger, "erp", 1, sku="CUP")
    summary = reconcile(ledger.database, NOON)
    assert (summary.differing, summary.tolerated) == (3, 1)
    told = deltas(ledger, "system", "sku", "winner", "winning_quantity", "tolerance", "within_tolerance")
    assert told == [
        ("erp", "CUP", "wms", None, 2, True),  # no WMS told of it
        ("erp", "MUG", "wms", 12, 2, False),
        ("wms", "MUG", "ledger", 13, 0, False),
    ]


figures = st.integers(-60, 60)


@given(figures, st.lists(figures, max_size=8), st.integers(0, 8))
def test_any_system_that_is_only_behind_is_fully_explained(expected: int, earlier: list[int], behind: int) -> None:
    reported = ([expected, *earlier])[min(behind, len(earlier))]
    assert in_flight(reported, expected, earlier).quantity == reported - expected


@given(figures, figures, st.lists(figures, max_size=8))
def test_what_is_in_flight_never_makes_a_difference_larger(reported: int, expected: int, earlier: list[int]) -> None:
    difference = reported - expected
    assert abs(difference - in_flight(reported, expected, earlier).quantity) <= abs(difference)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-50, 50), st.integers(0, 20))
def test_a_rule_lets_pass_what_is_left_unexplained_within_its_tolerance_and_no_more(
    reported: int, expected: int, under_way: int, tolerance: int
) -> None:
    judged = judge(ReconciliationRule("erp", tolerance), "erp", reported, expected, under_way, {})
    left = abs(reported - expected - under_way)
    assert judged.within_tolerance == (tolerance > 0 and left <= tolerance)
    assert judged.winning_quantity == reported
