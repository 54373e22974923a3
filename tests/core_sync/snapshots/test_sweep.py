"""Every listing is looked at in its turn, the longest unseen first, and what is seen is reconciled."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.channels.port import Reading
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import Dispatcher, push_due
from core_sync.outbox.read_back import confirm_visible
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.sweep import coverage, sweep
from tests.core_sync.outbox.scripted import Connected, ScriptedChannel
from tests.core_sync.stocked import MORNING, a_channel, a_location, a_sku, happens

SKUS = tuple("ABCDE")
LATER = timedelta(hours=3)


class Seen(ScriptedChannel):
    """A channel that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    def read(self, skus: Sequence[str]) -> Reading:
        self.asked.append(list(skus))
        return super().read(skus)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    a_sku(database, *SKUS)
    a_location(database, "WH")
    a_channel(database, "shop")
    for sku in SKUS:
        happens(database, "receipt", sku, 10)
    yield database
    database.close()


@pytest.fixture
def shop(database: Database) -> Seen:
    shop = Seen()
    push_due(database, Connected({"shop": shop}), MORNING, dispatcher=Dispatcher())
    confirm_visible(database, Connected({"shop": shop}), MORNING + timedelta(minutes=1))
    shop.asked.clear()
    return shop


def look(database: Database, shop: Seen, rows: int | None, **after: float) -> None:
    sweep(database, Connected({"shop": shop}), MORNING + LATER + timedelta(**after), rows)


def test_each_round_looks_at_those_longest_not_looked_at(database: Database, shop: Seen) -> None:
    for minutes in range(3):
        look(database, shop, 2, minutes=minutes)
    assert shop.asked == [["A", "B"], ["C", "D"], ["E", "A"]]


def test_a_listing_that_is_new_is_looked_at_before_any_other(database: Database, shop: Seen) -> None:
    look(database, shop, 5)
    a_sku(database, "Z")
    happens(database, "receipt", "Z", 3)
    look(database, shop, 2, minutes=1)
    assert shop.asked[-1] == ["Z", "A"]


def test_a_day_of_rounds_covers_all_of_a_channel(database: Database, shop: Seen) -> None:
    for minutes in range(5):
        look(database, shop, None, minutes=minutes)
    with database.reading() as connection:
        (found,) = coverage(connection, MORNING + LATER)
    assert (found.listings, found.covered, found.share) == (5, 5, 1.0)
    with database.reading() as connection:
        (found,) = coverage(connection, MORNING + LATER + timedelta(days=2))
    assert found.covered == 0


def test_what_a_channel_shows_wrongly_without_anybody_knowing_becomes_a_delta(database: Database, shop: Seen) -> None:
    shop.shown["C"] = 99
    look(database, shop, 5)
    assert reconcile(database, MORNING + LATER).differing == 1
    with database.reading() as connection:
        told = connection.execute(text("SELECT sku, channel, expected, reported FROM delta")).one()
    assert tuple(told) == ("C", "shop", 10, 99)


def test_a_channel_that_cannot_be_read_is_looked_at_again_from_where_it_was(database: Database, shop: Seen) -> None:
    shop.is_out = True
    look(database, shop, 2)
    shop.is_out = False
    look(database, shop, 2, minutes=1)
    assert shop.asked == [["A", "B"], ["A", "B"]]
