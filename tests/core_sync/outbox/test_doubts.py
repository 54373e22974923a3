"""What a push without an answer, or one still queued, may yet make a listing show is watched for, and set right."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.channels.port import Accepted, PushAnswer, PushRequest, Rejected, Working
from core_sync.outbox.doubt import Doubt
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import Urgency, class_of
from tests.core_sync.outbox.conftest import Shop
from tests.core_sync.outbox.scripted import NO_ANSWER
from tests.core_sync.stocked import open_failures

S = Listing("shop", "S")
FIGURES = st.lists(st.integers(0, 100), min_size=1, max_size=5)


def row(shop: Shop) -> Any:
    with shop.database.reading() as connection:
        return connection.execute(text("SELECT * FROM push_intent WHERE sku = 'S'")).one()


def codes(shop: Shop) -> list[str | None]:
    return [code for _, code, *_ in open_failures(shop.database)]


def goes_as(shop: Shop) -> Urgency:
    return class_of(row(shop).urgency)


def shown_after_the_late_one(shop: Shop) -> int:
    """The 20 that were on their way arrive well within the doubt; what is shown once that was looked at and settled."""
    shop.channel.shown["S"] = 20
    shop.look(seconds=20)
    shop.settled()
    return shop.channel.shown["S"]


def unanswered(shop: Shop, quantity: int) -> None:
    shop.stock(S=quantity)
    shop.channel.script.append(NO_ANSWER)
    shop.push(jitter=0.0)


def queued(shop: Shop, quantity: int) -> None:
    shop.stock(S=quantity)
    shop.channel.script.append(Accepted("feed-1", receipt="feed-1"))
    shop.channel.receipts["feed-1"] = Working("IN_QUEUE")
    shop.push()


def test_the_first_of_two_unanswered_pushes_that_comes_late_is_set_right(shop: Shop) -> None:
    unanswered(shop, 20)
    unanswered(shop, 12)
    shop.stock(S=3)
    shop.settled()
    shop.channel.shown["S"] = 20
    shop.look(minutes=1)
    assert codes(shop) == ["LATE_WRITE"]
    shop.settled()
    assert (shop.channel.shown["S"], shop.state()) == (3, "visible")


def test_a_late_write_is_looked_for_again_and_again_while_it_may_come(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.stock(S=3)
    shop.settled()
    looks = 0
    while row(shop).recheck_at is not None:
        looks += 1
        shop.look(seconds=5)
    assert looks >= 3
    assert row(shop).doubt_most is None


def test_a_sale_of_the_channels_own_does_not_end_the_watch(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.stock(S=3)
    shop.settled()
    shop.channel.shown["S"] = 2
    shop.look(seconds=2)
    assert (shop.state(), codes(shop)) == ("visible", [])
    shop.channel.shown["S"] = 20
    shop.look(seconds=25)
    shop.settled()
    assert shop.channel.shown["S"] == 3


def test_a_queued_older_value_that_is_applied_last_is_set_right(shop: Shop) -> None:
    queued(shop, 20)
    shop.stock(S=3)
    shop.settled()
    assert (shop.channel.shown["S"], shop.state()) == (3, "visible")
    assert shown_after_the_late_one(shop) == 3


def test_a_value_that_was_queued_while_it_was_replaced_is_watched_for_too(shop: Shop) -> None:
    def meanwhile(request: PushRequest) -> PushAnswer:
        shop.stock(S=3)
        return Accepted("feed-1", receipt="feed-1")

    shop.stock(S=20)
    shop.channel.script.append(meanwhile)
    shop.settled()
    assert shop.channel.shown["S"] == 3
    assert (row(shop).doubt_least, row(shop).doubt_most) == (20, 20)


def test_a_decrease_behind_an_unanswered_increase_goes_as_a_decrease(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    unanswered(shop, 20)
    shop.stock(S=7)
    assert goes_as(shop) is Urgency.DECREASE


def test_a_decrease_behind_a_queued_increase_goes_as_a_decrease_whatever_comes_between(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    queued(shop, 20)
    shop.channel.script.append(Rejected("no", "NO", 200))
    shop.stock(S=6)
    shop.push()
    shop.stock(S=7)
    assert goes_as(shop) is Urgency.DECREASE


def test_a_decrease_that_comes_while_an_increase_is_under_way_goes_as_a_decrease(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    seen = []

    def meanwhile(request: PushRequest) -> PushAnswer:
        shop.stock(S=7)
        seen.append(goes_as(shop))
        return shop.channel.applies(request)

    shop.stock(S=20)
    shop.channel.script.append(meanwhile)
    shop.push()
    assert seen == [Urgency.DECREASE]


def test_a_late_write_of_more_is_set_right_as_a_decrease(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.stock(S=3)
    shop.settled()
    shop.channel.shown["S"] = 20
    shop.look(minutes=1)
    assert (shop.state(), goes_as(shop)) == ("pending", Urgency.DECREASE)


def test_an_unanswered_push_of_the_present_promise_is_watched_for_once_the_promise_changes(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.clock.pass_(seconds=3)
    shop.settled()
    assert shop.state() == "visible"
    shop.stock(S=3)
    shop.settled()
    assert shown_after_the_late_one(shop) == 3


def test_what_was_accepted_without_a_receipt_and_never_seen_may_come_after_the_next(shop: Shop) -> None:
    shop.stock(S=20)
    shop.channel.script.append(Accepted("patch-1"))
    shop.push()
    shop.look()
    shop.stock(S=3)
    shop.settled()
    assert shown_after_the_late_one(shop) == 3


def test_what_was_queued_when_a_hold_came_is_watched_for_after_the_release(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()
    queued(shop, 20)
    shop.hold()
    shop.stock(S=3)
    shop.release()
    shop.settled()
    assert shown_after_the_late_one(shop) == 3


def test_a_hold_and_release_in_doubt_does_not_end_the_watch(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.stock(S=3)
    shop.settled()
    shop.hold()
    shop.release()
    shop.channel.shown["S"] = 20
    shop.settled()
    assert shop.channel.shown["S"] == 3


def test_a_doubted_listing_that_is_no_longer_listed_is_looked_at_until_the_doubt_is_over(shop: Shop) -> None:
    unanswered(shop, 20)
    shop.stock(S=3)
    shop.settled()
    del shop.channel.shown["S"]
    for _ in range(20):
        shop.look(minutes=5)
    assert (row(shop).recheck_at, row(shop).doubt_most) == (None, None)


def test_a_decrease_after_two_changes_under_an_unanswered_push_goes_as_a_decrease(shop: Shop) -> None:
    shop.stock(S=5)
    shop.settled()

    def meanwhile(_: PushRequest) -> PushAnswer:
        shop.stock(S=0)
        shop.stock(S=7)
        return NO_ANSWER

    shop.stock(S=20)
    shop.channel.script.append(meanwhile)
    shop.push(jitter=0.0)
    assert (row(shop).doubt_most, goes_as(shop)) == (20, Urgency.DECREASE)


@given(FIGURES, st.integers(0, 100))
def test_every_unsettled_figure_is_one_that_may_be_shown(figures: list[int], promised: int) -> None:
    doubt = Doubt(figures[0], figures[0], 1)
    for later, figure in enumerate(figures[1:], start=2):
        doubt = doubt.also(figure, later)
    assert all(doubt.may_be(figure, promised) for figure in figures)
    assert doubt.until == len(figures)
    assert doubt.could_spoil(promised) == (set(figures) != {promised})
