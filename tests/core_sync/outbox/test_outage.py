"""A channel that answers nobody: one failure, a pause, probes, and a backlog of last values that drains zeros first."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core_sync.channels.port import Rejected
from core_sync.database.engine import Database
from core_sync.outbox.breaker import TRIP_AFTER
from core_sync.outbox.dispatch import Pushed
from core_sync.outbox.rules import ATTEMPTS_MAX
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import NO_ANSWER, QUICK
from tests.core_sync.stocked import open_failures


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """One kind will do: what the two do differently is in leases and intents."""
    database = Database(sqlite_url)
    yield database
    database.close()


def failures_of(database: Database) -> list[dict[str, Any]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM failure ORDER BY failure_id")).mappings()
        return [dict(row) for row in rows]


def out_for(shop: Shop, minutes: float, jitter: float = 1.0) -> int:
    """The shop is out for so long, and is tried whenever it may be; how many requests it was sent in vain."""
    shop.channel.is_out = True
    over = shop.now() + timedelta(minutes=minutes)
    while shop.now() < over:
        again_at = shop.push(jitter).again_at
        shop.clock.at = max(shop.clock.pass_(milliseconds=200), again_at or shop.now())
    shop.channel.is_out = False
    return shop.channel.asked_in_vain


def test_ten_minutes_of_outage_are_one_failure_and_few_requests(shop: Shop) -> None:
    shop.stock(S=50, T=50, U=50)
    asked = out_for(shop, minutes=10)
    (failure,) = open_failures(shop.database)
    assert failure[:2] == ("channel:shop", "NOT_SENT")
    assert failure[3] == asked
    assert TRIP_AFTER < asked < 30
    told = failures_of(shop.database)
    assert [row["resolution"] for row in told[:-1]] == ["part of the outage of shop"] * (TRIP_AFTER - 1)


def test_the_backlog_drains_as_last_values_zeros_first_then_decreases_then_the_rest(shop: Shop) -> None:
    shop.stock(S=50, T=50, U=50, V=50)
    shop.settled()
    shop.channel.writes.clear()
    shop.channel.is_out = True
    for turn in range(1, 40):  # every listing changes over and over
        shop.stock(S=50 + turn, T=50 - turn // 4, U=60, V=200 - turn)
        shop.clock.pass_(seconds=3)
        shop.push()
    shop.stock(U=0)
    shop.channel.is_out = False
    shop.clock.pass_(minutes=1)
    shop.settled()
    assert shop.channel.writes == [("U", 0), ("T", 41), ("V", 161), ("S", 89)]
    assert open_failures(shop.database) == []


def test_what_is_out_longer_than_any_number_of_tries_is_not_given_up(shop: Shop) -> None:
    shop.stock(S=8)
    assert out_for(shop, minutes=15) > 3 * ATTEMPTS_MAX
    shop.clock.pass_(minutes=6)
    shop.settled()
    assert (shop.channel.shown, shop.state()) == ({"S": 8}, "visible")


def test_the_first_probe_that_is_answered_lets_all_the_others_go(shop: Shop) -> None:
    shop.stock(S=8, T=9, U=10)
    out_for(shop, minutes=2)
    shop.clock.pass_(minutes=5)
    assert sorted(one.sku for one in shop.push().accepted) == ["S", "T", "U"]
    assert shop.control().breaker.state == "closed"


def test_a_channel_that_is_out_is_not_probed_by_two_at_once(shop: Shop) -> None:
    shop.stock(S=8, T=9, U=10)
    out_for(shop, minutes=1)
    shop.clock.pass_(minutes=5)
    others: list[Pushed] = []

    def meanwhile(request: Any) -> Any:
        others.append(shop.push(name="other"))
        return shop.channel.applies(request)

    shop.channel.script.append(meanwhile)
    shop.push()
    assert others == [Pushed()]


def test_one_listing_that_never_gets_an_answer_does_not_hold_up_the_others(shop: Shop) -> None:
    """Its zero would go first for ever: but each probe that fails waits, and lets the next listing have its turn."""
    shop.stock(S=5, T=5)
    shop.settled()

    def but_not_s(request: Any) -> Any:
        return NO_ANSWER if request.sku == "S" else shop.channel.applies(request)

    shop.channel.script.extend([but_not_s] * 10_000)
    shop.stock(S=0)
    for turn in range(80):
        shop.clock.pass_(seconds=20)
        shop.stock(T=100 + turn)
        shop.push()
    assert shop.channel.shown["T"] == 100 + 79
    assert shop.state() == "failed"
    assert ("push:shop:S", "READ_TIMEOUT") in [failure[:2] for failure in open_failures(shop.database)]


def test_a_refused_credential_pauses_the_channel_at_once_and_is_one_failure(shop: Shop) -> None:
    shop.stock(S=8, T=9, U=10)
    shop.channel.script.extend([Rejected("token expired", "UNAUTHORIZED", 401)] * 2)
    shop.push()
    assert [failure[:3] for failure in open_failures(shop.database)] == [("channel:shop", "UNAUTHORIZED", 401)]
    shop.clock.pass_(minutes=1)
    shop.push()
    assert len(shop.channel.writes) == 2
    shop.clock.pass_(minutes=5)
    shop.settled()
    assert shop.channel.shown == {"S": 8, "T": 9, "U": 10}
    assert open_failures(shop.database) == []


def test_a_channel_that_asks_for_a_rest_gets_it_whole(shop: Shop) -> None:
    shop.stock(S=8, T=9)
    shop.channel.script.append(Rejected("too fast", "E429", 429, transient=True, retry_after_s=60))
    again_at = shop.push().again_at
    assert again_at is not None
    assert again_at - shop.now() > timedelta(seconds=59)
    shop.clock.pass_(seconds=50)
    assert shop.push() == Pushed()
    shop.clock.pass_(seconds=11)
    assert len(shop.push().accepted) == 2


def test_one_request_without_an_answer_is_one_sign_however_many_listings_it_carried(shop: Shop) -> None:
    shop.channel.limits = replace(QUICK, skus_per_push=100)
    shop.stock(S=8, T=8, U=8, V=8)
    shop.channel.script.extend([NO_ANSWER] * 4)
    shop.push()
    assert (shop.control().breaker.is_open, shop.control().breaker.troubles) == (False, 1)
