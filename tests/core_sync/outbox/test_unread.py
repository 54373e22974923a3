"""What cannot be read keeps nothing else from being seen, and is told of when it should have been seen."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text

from core_sync.channels.port import (
    NOT_SENT,
    Accepted,
    ChannelLimits,
    Finished,
    Progress,
    PushRequest,
    ReadFailed,
    Reading,
    Rejected,
)
from core_sync.clock import to_microseconds
from core_sync.outbox.read_back import FAILED_READ_S, look
from core_sync.snapshots.sweep import sweep
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import QUICK, ScriptedChannel
from tests.core_sync.stocked import a_sku, open_failures


@dataclass
class Choking(ScriptedChannel):
    """Answers with garbage whenever it is asked for one of ``poison``, and lets nobody read while it is ``shut``."""

    limits: ChannelLimits = QUICK
    poison: set[str] = field(default_factory=set)
    choked: ReadFailed = field(default_factory=lambda: ReadFailed("an answer that cannot be read", "GARBAGE", 200))
    shut: bool = False
    asked: int = 0

    def read(self, skus: Sequence[str]) -> Reading:
        self.asked += 1
        self._choke(skus)
        return super().read(skus)

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        self._choke(receipts)
        return super().follow(receipts)

    def takes(self, request: PushRequest) -> Accepted:
        """Show what is asked, with a receipt of its own."""
        self.applies(request)
        receipt = f"feed-{request.sku}"
        self.receipts[receipt] = Finished({}, Accepted(receipt))
        return Accepted(receipt, receipt=receipt)

    def _choke(self, names: Sequence[str]) -> None:
        if self.shut:
            raise ReadFailed("no right to read", "HTTP_403", 403)
        if self.poison & set(names):
            raise self.choked


@pytest.fixture
def channel(shop: Shop) -> Choking:
    shop.channel = channel = Choking()
    return channel


def open_subjects(shop: Shop) -> list[str | None]:
    return [subject for subject, *_ in open_failures(shop.database)]


def told_ever(shop: Shop) -> list[str]:
    """Subjects of failures, those that are over too."""
    with shop.database.reading() as connection:
        return list(connection.execute(text("SELECT subject FROM failure ORDER BY failure_id")).scalars())


def looked_at(shop: Shop) -> set[str]:
    """SKUs that the daily sweep has looked at."""
    with shop.database.reading() as connection:
        return set(connection.execute(text("SELECT sku FROM listing_look WHERE looked_at > 0")).scalars())


def sweeps(shop: Shop, hours: int) -> None:
    for _ in range(hours):
        shop.clock.pass_(hours=1)
        sweep(shop.database, shop.connectors, shop.now(), rows=2)


def looks(shop: Shop, minutes: int) -> None:
    for _ in range(minutes):
        shop.look(minutes=1)


def test_a_listing_that_the_channel_chokes_on_does_not_hide_the_others_of_its_page(
    shop: Shop, channel: Choking
) -> None:
    channel.poison = {"S"}
    shop.stock(S=8, T=9, U=7, V=6)
    shop.push()
    looks(shop, 1)
    assert [shop.state(sku) for sku in "STUV"] == ["accepted", "visible", "visible", "visible"]
    assert open_subjects(shop) == ["read:shop:S"]


def test_what_can_be_read_again_is_closed(shop: Shop, channel: Choking) -> None:
    channel.poison = {"S"}
    shop.stock(S=8, T=9)
    shop.push()
    looks(shop, 2)
    channel.poison = set()
    looks(shop, 1)
    assert (shop.state(), open_subjects(shop)) == ("visible", [])


def test_a_receipt_that_cannot_be_followed_does_not_hide_the_others(shop: Shop, channel: Choking) -> None:
    channel.script.extend([channel.takes, channel.takes])
    channel.poison = {"feed-S"}
    shop.stock(S=8, T=9)
    shop.push()
    looks(shop, 1)
    assert [shop.state(sku) for sku in "ST"] == ["visible", "visible"], "what is shown counts, without a receipt too"


def test_a_channel_that_takes_pushes_and_lets_nobody_read_is_one_failure(shop: Shop, channel: Choking) -> None:
    channel.shut = True
    shop.stock(S=8, T=9)
    shop.push()
    shop.look(seconds=1)
    assert open_subjects(shop) == []
    looks(shop, 5)
    assert open_subjects(shop) == ["read:shop"]
    channel.shut = False
    looks(shop, 1)
    assert (shop.state("S"), shop.state("T"), open_subjects(shop)) == ("visible", "visible", [])


def test_a_channel_that_shows_nothing_readable_is_not_asked_about_each_listing(shop: Shop, channel: Choking) -> None:
    channel.poison = set("STUV")
    shop.stock(S=8, T=9, U=7, V=6)
    shop.push()
    looks(shop, 1)
    assert open_subjects(shop) == ["read:shop"]
    assert channel.asked <= 7


def test_the_daily_sweep_goes_on_past_what_cannot_be_read(shop: Shop, channel: Choking) -> None:
    shop.stock(S=8, T=9, U=7)
    shop.push()
    looks(shop, 1)
    channel.poison = {"S"}
    shop.clock.pass_(hours=1)
    swept = sweep(shop.database, shop.connectors, shop.now(), rows=2)
    assert (swept.listings, swept.unread) == (1, 0)
    assert open_subjects(shop) == ["read:shop:S"]
    shop.clock.pass_(hours=1)
    sweep(shop.database, shop.connectors, shop.now(), rows=2)
    with shop.database.reading() as connection:
        first = connection.execute(text("SELECT sku FROM listing_look ORDER BY looked_at, sku LIMIT 1")).scalar_one()
    assert first != "S", "it has its turn after all the others"


def test_receipts_that_cannot_be_followed_hide_nothing_that_is_shown(shop: Shop, channel: Choking) -> None:
    channel.script.extend([channel.takes, channel.takes])
    channel.poison = {"feed-S", "feed-T"}
    shop.stock(S=8, T=9, U=5)
    shop.push()
    looks(shop, 1)
    assert [shop.state(sku) for sku in "STU"] == ["visible"] * 3


def test_two_listings_that_choke_are_no_failure_of_the_channel_while_it_answers_about_others(
    shop: Shop, channel: Choking
) -> None:
    channel.poison = {"S", "T"}
    shop.stock(S=8, T=9, U=7, V=6)
    shop.push()
    for more in range(10):
        looks(shop, 1)
        shop.stock(U=100 + more)
        shop.push()
        shop.look(seconds=1)
    assert open_subjects(shop) == ["read:shop:S", "read:shop:T"]
    assert "read:shop" not in told_ever(shop)


@pytest.mark.parametrize("code", ["GARBAGE", "READ_TIMEOUT"])
def test_listings_between_many_that_choke_are_seen(shop: Shop, channel: Choking, code: str) -> None:
    names = [f"N{number:02d}" for number in range(40)]
    a_sku(shop.database, *names)
    channel.poison, channel.choked = set(names[::2]), ReadFailed("no good answer", code)
    shop.stock(**dict.fromkeys(names, 5))
    shop.push()
    looks(shop, 120)
    assert [shop.state(name) for name in names[1::2]] == ["visible"] * 20
    assert sorted(map(str, open_subjects(shop))) == [f"read:shop:{name}" for name in names[::2]]


def test_one_that_was_seen_and_cannot_be_read_now_does_not_make_the_channel_fail_and_recover(
    shop: Shop, channel: Choking
) -> None:
    shop.stock(S=8, T=9, U=7, V=6)
    shop.push()
    looks(shop, 1)
    channel.poison = {"S", "T"}
    shop.stock(S=4)
    shop.push()
    looks(shop, 40)
    assert open_subjects(shop) == ["read:shop:S"]
    assert "read:shop" not in told_ever(shop)


def test_a_refusal_behind_receipts_that_cannot_be_followed_is_heard(shop: Shop, channel: Choking) -> None:
    names = [f"N{number:02d}" for number in range(20)]
    a_sku(shop.database, *names)

    def queues(request: PushRequest) -> Accepted:
        receipt = f"feed-{request.sku}"
        channel.receipts[receipt] = Finished({}, Rejected("bad", "INVALID", 200))
        return Accepted(receipt, receipt=receipt)

    channel.script.extend([queues] * len(names))
    channel.poison = {f"feed-{name}" for name in names[:10]}
    channel.choked = ReadFailed("no answer in time", "READ_TIMEOUT")
    shop.stock(**dict.fromkeys(names, 5))
    shop.push()
    looks(shop, 60)
    assert [shop.state(name) for name in names[10:]] == ["failed"] * 10


def test_a_quota_for_receipts_that_is_used_up_hides_nothing_that_is_shown(shop: Shop, channel: Choking) -> None:
    def queues(request: PushRequest) -> Accepted:
        channel.applies(request)
        return Accepted("feed", receipt="feed")

    channel.script.append(queues)
    channel.poison, channel.choked = {"feed"}, ReadFailed("slow down", "QuotaExceeded", 429, retry_after_s=60)
    shop.stock(S=8)
    shop.push()
    shop.look()
    assert shop.state() == "visible"


def test_what_was_not_read_is_asked_for_again_after_the_look_and_not_within_it(shop: Shop, channel: Choking) -> None:
    def slow(skus: Sequence[str]) -> Reading:
        time.sleep(0.3)
        raise ReadFailed(f"no answer about {skus} in time", "READ_TIMEOUT")

    shop.stock(S=8)
    shop.push()
    channel.read = slow  # type: ignore[method-assign]  # a real wait is what this is about
    began = shop.clock.pass_(seconds=1)
    look(shop.database, shop.connectors, "shop", began)
    with shop.database.reading() as connection:
        again = connection.execute(text("SELECT recheck_at FROM push_intent")).scalar_one()
    assert again >= to_microseconds(began + timedelta(seconds=FAILED_READ_S + 0.3))


def test_a_refusal_that_was_read_is_kept_where_the_listings_cannot_be_read(shop: Shop, channel: Choking) -> None:
    def queues(_: PushRequest) -> Accepted:
        channel.receipts["feed"] = Finished({"S": Rejected("bad", "INVALID", 200)}, Accepted("feed"))
        return Accepted("feed", receipt="feed")

    channel.script.append(queues)
    shop.stock(S=8)
    shop.push()
    shop.stock(T=9)
    shop.push()
    channel.read = _out  # type: ignore[method-assign]  # only what is shown cannot be read
    shop.look(seconds=2)
    assert shop.state("S") == "failed"


def _out(skus: Sequence[str]) -> Reading:
    raise ReadFailed(f"no connection to ask for {skus}", NOT_SENT)


def test_the_daily_sweep_goes_on_past_a_page_of_which_nothing_can_be_read_though_nothing_was_seen_before(
    shop: Shop, channel: Choking
) -> None:
    channel.poison = {"S", "T"}
    shop.stock(S=8, T=9, U=7, V=6)
    sweeps(shop, 6)
    assert looked_at(shop) == {"S", "T", "U", "V"}
    assert open_subjects(shop) == ["read:shop:S", "read:shop:T"]


@pytest.mark.parametrize("code", ["GARBAGE", "READ_TIMEOUT"])
def test_the_daily_sweep_goes_on_past_two_that_cannot_be_read(shop: Shop, channel: Choking, code: str) -> None:
    shop.stock(S=8, T=9, U=7, V=6)
    shop.push()
    looks(shop, 1)
    channel.poison, channel.choked = {"S", "T"}, ReadFailed("no good answer", code)
    sweeps(shop, 2)
    assert looked_at(shop) >= {"U", "V"}
    assert open_subjects(shop) == ["read:shop:S", "read:shop:T"]


def test_a_channel_that_was_never_read_is_not_told_of_at_the_first_failure(shop: Shop, channel: Choking) -> None:
    channel.shut = True
    shop.stock(S=8, T=9)
    sweep(shop.database, shop.connectors, shop.clock.pass_(minutes=1))
    assert open_subjects(shop) == []
    sweeps(shop, 1)
    assert open_subjects(shop) == ["read:shop"]


def test_a_channel_that_the_sweep_cannot_read_is_told_of_once_that_has_lasted(shop: Shop, channel: Choking) -> None:
    shop.stock(S=8, T=9)
    shop.push()
    looks(shop, 1)
    sweeps(shop, 1)
    channel.shut = True
    sweep(shop.database, shop.connectors, shop.clock.pass_(minutes=10))
    assert open_subjects(shop) == []
    sweeps(shop, 1)
    assert open_subjects(shop) == ["read:shop"]
    channel.shut = False
    sweeps(shop, 1)
    assert open_subjects(shop) == []
