"""What is decided while a round of pushes is under way holds for what was not sent yet; nothing is given up unseen."""

from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import text

from core_sync.channels.port import (
    UNKNOWN_LISTING,
    Accepted,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    Rejected,
    Working,
)
from core_sync.outbox.intend import requeue
from core_sync.outbox.listing import Listing
from core_sync.outbox.modes import Mode, set_mode
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import NO_ANSWER
from tests.core_sync.stocked import open_failures

S = Listing("shop", "S")


def shadowed(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        set_mode(connection, "shop", Mode.SHADOW)


def test_a_listing_released_after_it_was_unlisted_still_follows_its_stock(shop: Shop) -> None:
    shop.stock(S=8)
    shop.channel.script.append(Rejected("no S", UNKNOWN_LISTING, 200))
    shop.push()
    assert shop.state() == "failed"
    shop.hold()
    shop.release()
    shop.settled()
    assert (shop.state(), shop.channel.shown["S"]) == ("visible", 8)
    shop.stock(S=0)
    shop.settled()
    assert shop.channel.shown["S"] == 0


def test_release_does_not_believe_a_look_from_before_the_last_push(shop: Shop) -> None:
    shop.stock(S=3)
    shop.settled()
    shop.stock(S=10)
    shop.push()  # accepted and applied, not read back yet
    shop.hold()
    shop.stock(S=3)
    shop.release()
    shop.settled()
    assert shop.channel.shown["S"] == 3


def test_what_was_given_up_keeps_its_failure_when_the_channel_goes_out(shop: Shop) -> None:
    shop.stock(S=8)
    with shop.database.transaction() as connection:
        connection.execute(text("UPDATE push_intent SET attempts = 5"))
    shop.channel.script.append(NO_ANSWER)
    shop.push()
    assert shop.state() == "failed"
    shop.stock(T=8, U=8)
    shop.channel.script.extend([NO_ANSWER] * 2)
    shop.push()
    shop.push()
    for _ in range(2):
        shop.clock.pass_(minutes=5)
        shop.settled()
    assert shop.channel.shown.get("S") == 8 or [one[0] for one in open_failures(shop.database)] == ["push:shop:S"]


@pytest.mark.parametrize("stop", [Shop.hold, shadowed])
def test_hold_and_shadow_stop_what_is_leased_and_not_sent(shop: Shop, stop: object) -> None:
    shop.stock(S=8, T=9)
    assert callable(stop)

    def meanwhile(request: PushRequest) -> PushAnswer:
        stop(shop)
        return shop.channel.applies(request)

    shop.channel.script.append(meanwhile)
    shop.push()
    assert [sku for sku, _ in shop.channel.writes] == ["T"]


def test_a_release_that_finds_the_listing_right_closes_its_failure(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    shop.stock(S=20)
    shop.channel.script.append(Rejected("no", "NO", 400))
    shop.push()
    shop.hold()
    shop.stock(S=5)
    shop.release()
    assert (shop.state(), open_failures(shop.database)) == ("visible", [])


def test_an_old_receipts_refusal_says_nothing_of_a_push_that_came_after_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queued(name: str) -> None:
        shop.channel.script.append(Accepted(name, receipt=name))
        shop.channel.receipts[name] = Working("IN_QUEUE")

    def follow(_: Sequence[str]) -> Mapping[str, Progress]:
        with shop.database.transaction() as connection:
            requeue(connection, [S])
        queued("feed-2")
        shop.push(name="other")
        return {"feed-1": Finished({}, Rejected("old feed was refused", "OLD", 400))}

    queued("feed-1")
    shop.stock(S=20)
    shop.push()
    with monkeypatch.context() as patched:
        patched.setattr(shop.channel, "follow", follow)
        shop.look(seconds=2)
    assert shop.state() == "accepted"


def test_a_pilot_that_begins_in_the_middle_of_a_round_is_heeded(shop: Shop) -> None:
    def meanwhile(request: PushRequest) -> PushAnswer:
        with shop.database.transaction() as connection:
            set_mode(connection, "shop", Mode.PILOT, [request.sku])
        return shop.channel.applies(request)

    shop.stock(S=20, T=20, U=20)
    shop.channel.script.append(meanwhile)
    shop.push()
    assert len(shop.channel.writes) == 1
