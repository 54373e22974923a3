"""Whether channels show what they accepted: looked at in time, and no more often than it takes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from core_sync.channels.port import Accepted, Finished, PushRequest, ReadFailed, Reading, Rejected, Unknown, Working
from core_sync.outbox.listing import Listing
from core_sync.outbox.read_back import confirm_visible, look
from core_sync.outbox.rules import ATTEMPTS_MAX
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import NO_ANSWER
from tests.core_sync.stocked import open_failures

S = Listing("shop", "S")


def test_accepted_and_never_applied_is_found_within_one_read_back_cycle_and_closed_when_it_shows(shop: Shop) -> None:
    shop.stock(S=8)
    shop.channel.script.append(Accepted())
    shop.push()
    pushed_at = shop.now()
    found_at = None
    while found_at is None and shop.now() - pushed_at < timedelta(minutes=5):
        found_at = shop.now() if shop.look().overdue else None
    assert found_at is not None
    assert found_at - pushed_at <= timedelta(seconds=shop.channel.limits.visible_within_s + 1)
    assert shop.channel.reads <= 8
    assert [failure[:2] for failure in open_failures(shop.database)] == [("push:shop:S", "ACCEPTED_NOT_APPLIED")]
    shop.channel.shown["S"] = 8
    assert shop.look(minutes=5).visible == [S]
    assert open_failures(shop.database) == []


def test_what_is_named_is_looked_at_before_its_time(shop: Shop) -> None:
    shop.stock(S=8)
    shop.channel.script.append(Accepted())
    shop.push()
    shop.look()
    shop.channel.shown["S"] = 8
    assert confirm_visible(shop.database, shop.connectors, shop.now()).visible == []
    assert confirm_visible(shop.database, shop.connectors, shop.now(), only=[S]).visible == [S]


def test_a_push_without_an_answer_that_comes_after_the_next_one_is_found_and_set_right(shop: Shop) -> None:
    shop.stock(S=8)
    shop.channel.script.append(NO_ANSWER)
    shop.push(jitter=0.0)
    shop.stock(S=3)
    shop.settled()
    assert (shop.channel.shown["S"], shop.state()) == (3, "visible")
    shop.channel.shown["S"] = 8  # the first one arrives
    shop.look(minutes=1)
    assert [failure[1] for failure in open_failures(shop.database)] == ["LATE_WRITE"]
    shop.settled()
    assert (shop.channel.shown["S"], shop.state()) == (3, "visible")
    assert open_failures(shop.database) == []


def test_what_the_channel_sold_itself_is_not_taken_for_a_late_push(shop: Shop) -> None:
    shop.stock(S=8)
    shop.channel.script.append(NO_ANSWER)
    shop.push(jitter=0.0)
    shop.stock(S=3)
    shop.settled()
    shop.channel.shown["S"] = 2
    shop.look(minutes=1)
    assert (shop.state(), open_failures(shop.database)) == ("visible", [])


def queued(shop: Shop) -> None:
    """The shop queues S and T under one receipt."""
    shop.stock(S=8, T=9)
    shop.channel.script.extend([Accepted("feed-1", receipt="feed-1")] * 2)
    shop.channel.receipts["feed-1"] = Working("IN_PROGRESS")
    shop.push()


def test_what_a_channel_queues_is_followed_and_read_once_it_is_through(shop: Shop) -> None:
    queued(shop)
    assert sorted(shop.look().waiting) == [S, Listing("shop", "T")]
    assert shop.channel.reads == 0
    shop.channel.receipts["feed-1"] = Finished({"T": Rejected("no such unit", "90220")}, Accepted())
    shop.channel.shown["S"] = 8
    found = shop.look(seconds=5)
    assert (found.visible, found.refused) == ([S], [Listing("shop", "T")])
    assert (shop.state("S"), shop.state("T")) == ("visible", "failed")
    assert [failure[:2] for failure in open_failures(shop.database)] == [("push:shop:T", "90220")]


def test_a_queue_that_lingers_beyond_its_time_is_a_failure_too(shop: Shop) -> None:
    queued(shop)
    shop.look(minutes=1)
    assert {failure[1] for failure in open_failures(shop.database)} == {"ACCEPTED_NOT_APPLIED"}


def test_a_figure_from_before_the_push_says_nothing_about_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(S=8)
    shop.push()

    def read(skus: Sequence[str]) -> Reading:
        return Reading(dict.fromkeys(skus, 8), dict.fromkeys(skus, as_of))

    monkeypatch.setattr(shop.channel, "read", read)
    as_of: datetime = shop.now() - timedelta(minutes=1)
    assert shop.look().waiting == [S]
    as_of = shop.now()
    assert shop.look(seconds=5).visible == [S]


def test_a_look_that_fails_is_put_off_as_long_as_the_channel_asks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(S=8)
    shop.push()

    def read(skus: Sequence[str]) -> Reading:
        raise ReadFailed("too fast", "E429", 429, retry_after_s=20)

    with monkeypatch.context() as patched:
        patched.setattr(shop.channel, "read", read)
        assert shop.look().waiting == [S]
    assert shop.look(seconds=10).visible == []
    assert shop.look(seconds=11).visible == [S]


def test_a_push_without_an_answer_counts_as_accepted_only_where_it_is_seen(shop: Shop) -> None:
    shop.stock(S=8, T=9)

    def applied(request: PushRequest) -> Unknown:
        shop.channel.applies(request)
        return NO_ANSWER

    shop.channel.script.extend([applied, NO_ANSWER])
    pushed = shop.push()
    assert (pushed.accepted, pushed.retried_later) == ([Listing("shop", "T")], [S])


def test_a_look_that_overlaps_a_newer_value_says_nothing_of_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock(S=8)
    shop.push()

    def read(skus: Sequence[str]) -> Reading:
        told = Reading({"S": 8})
        shop.stock(S=0)
        shop.channel.script.append(Rejected("no", "NO", 200))
        shop.push(name="other")
        return told

    with monkeypatch.context() as patched:
        patched.setattr(shop.channel, "read", read)
        shop.look()
    assert shop.state() == "failed"
    assert [code for _, code, *_ in open_failures(shop.database)] == ["NO"]


def test_what_is_queued_and_refused_again_and_again_backs_off_and_is_given_up(shop: Shop) -> None:
    shop.stock(S=8)
    began = shop.now()
    for number in range(30):
        shop.channel.script.append(Accepted(f"f{number}", receipt=f"f{number}"))
        shop.channel.receipts[f"f{number}"] = Finished(
            {"S": Rejected("busy", "TRY_LATER", 200, transient=True)}, Accepted()
        )
        before = len(shop.channel.writes)
        while len(shop.channel.writes) == before and shop.state() != "failed":
            shop.clock.pass_(seconds=1)
            shop.push()
        if shop.state() == "failed":
            break
        look(shop.database, shop.connectors, "shop", shop.clock.pass_(seconds=1), jitter=lambda: 1.0)
    assert (shop.state(), len(shop.channel.writes)) == ("failed", ATTEMPTS_MAX)
    assert (shop.now() - began).total_seconds() >= 2 + 4 + 8 + 16 + 32
