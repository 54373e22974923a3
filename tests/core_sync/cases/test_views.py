"""Filters and orders under a name: one's own, and everybody's."""

import pytest

from core_sync.cases.narrow import Filter
from core_sync.cases.order import Order
from core_sync.cases.rules import Status
from core_sync.cases.views import NAME_MAX, find_view, forget_view, read_views, save_view
from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from tests.core_sync.cases.worklist import MORNING, after

WAITING = Filter(statuses=(Status.WAITING, Status.IN_PROGRESS), channel="shop", abstained=False, search="retry")


def test_a_view_comes_back_as_it_was_saved(database: Database) -> None:
    with database.transaction() as connection:
        save_view(connection, "ana", " mine ", WAITING, Order.HARM, MORNING)
        (view,) = read_views(connection, "ana")
    assert (view.name, view.owner, view.shown, view.order, view.saved_at) == (
        "mine",
        "ana",
        WAITING,
        Order.HARM,
        MORNING,
    )


def test_ones_own_view_goes_before_everybodys_and_is_nobody_elses(database: Database) -> None:
    with database.transaction() as connection:
        save_view(connection, None, "morning", Filter(), Order.LOSS, MORNING)
        save_view(connection, "ana", "morning", WAITING, Order.LOSS, MORNING)
        assert find_view(connection, "ana", "morning").shown == WAITING
        assert find_view(connection, "ben", "morning").shown == Filter()
        assert [view.owner for view in read_views(connection, "ana")] == ["ana", None]
        forget_view(connection, "ana", "morning")
        assert find_view(connection, "ana", "morning").owner is None
        forget_view(connection, "ana", "morning")
        with pytest.raises(NotFound, match="saved view morning"):
            find_view(connection, "ana", "morning")


def test_saving_under_a_known_name_replaces_it(database: Database) -> None:
    with database.transaction() as connection:
        save_view(connection, "ana", "mine", Filter(), Order.LOSS, MORNING)
        save_view(connection, "ana", "mine", WAITING, Order.OLDEST, after(hours=1))
        (view,) = read_views(connection, "ana")
    assert (view.shown, view.order, view.saved_at) == (WAITING, Order.OLDEST, after(hours=1))


@pytest.mark.parametrize("name", ["", "  ", "x" * (NAME_MAX + 1)])
def test_a_name_that_says_nothing_is_refused(database: Database, name: str) -> None:
    with database.transaction() as connection, pytest.raises(VerbRefused, match="1 to 80 characters"):
        save_view(connection, "ana", name, Filter(), Order.LOSS, MORNING)
