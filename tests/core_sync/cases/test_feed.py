"""The worklist: order, pages, filters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_sync.cases.feed import read_feed, read_following
from core_sync.cases.narrow import Filter
from core_sync.cases.order import Order
from core_sync.cases.rules import Status, rank_value
from core_sync.cases.totals import read_totals
from core_sync.cases.verbs import acknowledge, assign, resolve, snooze
from core_sync.database.engine import Database
from core_sync.errors import CursorRefused, NotFound
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_case, the_list


def test_the_list_is_by_expected_loss_and_then_by_who_is_harmed_sooner(database: Database) -> None:
    small = a_case(database, "A", "5")
    later = a_case(database, "B", "80", time_to_harm_h=20.0)
    sooner = a_case(database, "C", "80", time_to_harm_h=2.0)
    large = a_case(database, "D", "80.01")
    assert the_list(database) == [large, sooner, later, small]
    assert [the_case(database, case).rank for case in (large, sooner, later, small)] == [1, 2, 3, 4]


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.none() | st.floats(0, 1e6), st.none() | st.floats(0, 1e6))
def test_time_to_harm_never_outweighs_a_cent(one: int, other: int, soon: float | None, late: float | None) -> None:
    if round(one / 10_000, 2) > round(other / 10_000, 2):
        assert rank_value(one, late, 0.0) > rank_value(other, soon, 1.0)


def test_pages_do_not_repeat_or_lose_a_case_while_others_arrive(database: Database) -> None:
    cases = [a_case(database, f"SKU-{n}", str(100 - n)) for n in range(7)]
    with database.reading() as connection:
        first = read_feed(connection, MORNING, limit=3)
    a_case(database, "NEW", "1000")
    with database.reading() as connection:
        second = read_feed(connection, MORNING, cursor=first.next_cursor, limit=3)
        third = read_feed(connection, MORNING, cursor=second.next_cursor, limit=3)
    assert [case.case for page in (first, second, third) for case in page.cases] == cases
    assert [case.rank for case in second.cases] == [4, 5, 6]
    assert third.next_cursor is None


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "%%", "W10", "é"])
def test_a_cursor_that_we_did_not_give_out_is_refused(database: Database, cursor: str) -> None:
    with pytest.raises(CursorRefused), database.reading() as connection:
        read_feed(connection, MORNING, cursor=cursor)


def test_what_follows_a_case_is_the_next_of_the_same_list_whether_it_is_still_on_it_or_not(database: Database) -> None:
    cup, mug, pan, jar = (
        a_case(database, sku, loss) for sku, loss in [("CUP", "9"), ("MUG", "7"), ("PAN", "5"), ("JAR", "3")]
    )
    with database.transaction() as connection:
        acknowledge(connection, jar, "ana", MORNING)
        resolve(connection, cup, "counted", "ana", MORNING)
    with database.reading() as connection:
        assert read_following(connection, cup, Filter()) == (mug, "MUG cannot be pushed")
        assert read_following(connection, mug, Filter()) == (pan, "PAN cannot be pushed")
        assert read_following(connection, mug, Filter(statuses=[Status.ACKNOWLEDGED])) == (jar, "JAR cannot be pushed")
        assert read_following(connection, mug, Filter(), Order.OLDEST) == (pan, "PAN cannot be pushed")
        assert read_following(connection, jar, Filter()) is None
        with pytest.raises(NotFound):
            read_following(connection, 99, Filter())


def test_resolved_and_snoozed_cases_are_shown_only_when_asked_for(database: Database) -> None:
    gone, asleep, there = a_case(database, "A"), a_case(database, "B"), a_case(database, "C")
    with database.transaction() as connection:
        resolve(connection, gone, "fixed", "ana", MORNING)
        snooze(connection, asleep, after(hours=2), "ana", MORNING)
    assert the_list(database) == [there]
    assert the_list(database, Filter(statuses=[Status.RESOLVED])) == [gone]
    assert the_list(database, Filter(statuses=[Status.SNOOZED])) == [asleep]
    assert len(the_list(database, Filter(statuses=()))) == 3


def test_filters_narrow_the_list(database: Database) -> None:
    mug = a_case(database, "MUG", "50")
    big = a_case(database, 'MUG "L" 100%', "40", root_cause="sku_mapping", locations=["YORK"])
    odd = a_case(database, "MUG-2", "30", abstained=True)
    with database.transaction() as connection:
        assign(connection, mug, "ana", "ana", MORNING)
    for shown, expected in (
        (Filter(sku="MUG"), [mug]),
        (Filter(sku='MUG "L" 100%'), [big]),
        (Filter(sku="%"), []),
        (Filter(location="YORK"), [big]),
        (Filter(channel="shop"), [mug, big, odd]),
        (Filter(root_cause="timeout"), [mug, odd]),
        (Filter(abstained=True), [odd]),
        (Filter(owner="ana", channel="shop"), [mug]),
    ):
        assert the_list(database, shown, limit=1) == expected


def test_totals_add_up_what_is_on_the_list(database: Database) -> None:
    a_case(database, "A", "10.5")
    a_case(database, "B", "20")
    with database.reading() as connection:
        totals = read_totals(connection)
    assert totals.cases == 2
    assert {currency: str(total) for currency, total in totals.expected_loss.items()} == {"EUR": "30.5"}


@pytest.mark.parametrize(
    ("order", "expected"), [(Order.LOSS, "CADB"), (Order.HARM, "BDAC"), (Order.NEWEST, "DCBA"), (Order.OLDEST, "ABCD")]
)
def test_the_list_can_be_walked_in_other_orders_page_by_page(database: Database, order: Order, expected: str) -> None:
    for hour, (sku, loss, harm) in enumerate([("A", "30", 9.0), ("B", "1", 1.0), ("C", "90", None), ("D", "20", 4.0)]):
        a_case(database, sku, loss, after(hours=hour), time_to_harm_h=harm)
    walked, cursor = "", None
    with database.reading() as connection:
        while True:
            page = read_feed(connection, MORNING, None, cursor, 1, order)
            walked += "".join(case.skus[0] for case in page.cases)
            cursor = page.next_cursor
            if cursor is None:
                break
    assert walked == expected


def test_a_cursor_of_another_order_is_refused(database: Database) -> None:
    for sku in "AB":
        a_case(database, sku)
    with database.reading() as connection:
        cursor = read_feed(connection, MORNING, None, None, 1, Order.NEWEST).next_cursor
        with pytest.raises(CursorRefused):
            read_feed(connection, MORNING, None, cursor, 1, Order.LOSS)
