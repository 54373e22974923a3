"""A channel out for ten minutes: one case, with the loss of what it holds back, about the listings that wait."""

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from remediation.actions.retry_push import RetryPush
from remediation.case_view import view_case
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.stocked import MORNING, Clock, a_channel, a_location, a_sku, happens


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    """Three SKUs sold for weeks, as many as are counted: S and T too fast for what is left, Q hardly at all."""
    database = Database(sqlite_url)
    a_sku(database, "S", "T", "Q")
    a_location(database, "WH", control="lenient")
    a_channel(database, "shop")
    shop = Shop(database, clock=Clock(MORNING))
    for sku, daily in (("S", 40), ("T", 30), ("Q", 1)):
        happens(database, "count", sku, 50 + 14 * daily, at=shop.clock.pass_(seconds=1))
    for _ in range(14):
        shop.clock.pass_(days=1)
        for sku, daily in (("S", 40), ("T", 30), ("Q", 1)):
            happens(database, "ship", sku, daily, at=shop.now(), channel="shop")
    shop.settled()
    yield shop
    database.close()


def out_for_ten_minutes(shop: Shop) -> None:
    """Meanwhile the last units of S and T go, and one of Q."""
    shop.channel.is_out = True
    shop.stock(S=0, T=4, Q=49)
    until = shop.now().timestamp() + 600
    while shop.now().timestamp() < until:
        shop.push()
        shop.clock.pass_(seconds=5)
    shop.channel.is_out = False


def weigh(shop: Shop) -> None:
    triage(shop.database, shipped_models(), lambda *_: ("retry_push", "approve"), "EUR", shop.clock.pass_(seconds=1))


def open_cases(shop: Shop) -> list[tuple[int, str, float, dict[str, object]]]:
    with shop.database.reading() as connection:
        rows = connection.execute(text(
            "SELECT case_id, subclass, expected_loss, exposure_terms FROM exception_case WHERE status <> 'resolved'"
        )).all()  # fmt: skip
    return [(case, cause, loss / 10_000, msgspec.json.decode(terms)) for case, cause, loss, terms in rows]


def test_it_is_one_case_that_costs_what_its_listings_lose_the_dearest_first(shop: Shop) -> None:
    out_for_ten_minutes(shop)
    weigh(shop)
    ((_, subclass, loss, terms),) = open_cases(shop)
    assert subclass == "outage"
    assert loss > 0
    assert list(terms)[:2] == ["shop S", "shop T"]


def test_retrying_is_about_the_listings_that_wait_though_nobody_reported_what_the_channel_shows(shop: Shop) -> None:
    out_for_ten_minutes(shop)
    weigh(shop)
    ((case, *_),) = open_cases(shop)
    with shop.database.reading() as connection:
        plan = RetryPush().plan(connection, view_case(connection, case), shop.now())
    assert plan.arguments["listings"] == [["shop", "Q"], ["shop", "S"], ["shop", "T"]]


def test_once_it_answers_last_values_go_out_zeros_first_and_the_case_is_over(shop: Shop) -> None:
    out_for_ten_minutes(shop)
    weigh(shop)
    shop.channel.writes.clear()
    shop.clock.pass_(minutes=1)
    shop.settled()
    assert shop.channel.writes == [("S", 0), ("T", 4), ("Q", 49)]
    weigh(shop)
    assert open_cases(shop) == []
