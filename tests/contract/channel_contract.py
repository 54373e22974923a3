"""What every connector promises, run unchanged against each: a subclass supplies the fixture ``side`` and no more.

``ReceiptContract`` is for channels that queue what they accept and tell later what became of it, ``ComparingContract``
for those that compare before they set; a connector takes those that fit beside this one.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, Accepted, PushAnswer, ReadFailed, Rejected
from simulation.peers.answers import GARBAGE
from tests.contract.side import BEYOND_FLOATS, LISTED, TOKEN, Side, accepted, exchange_of, refused, to, unknown

FAULTS: list[tuple[str | Mapping[str, Any], Callable[[PushAnswer], None], bool]] = [
    ({"fault": "latency", "seconds": 0.02}, accepted, True),
    ("accepted_not_applied", accepted, False),
    ("cut", unknown, False),
    ("cut_applied", unknown, True),
    ("400", refused(again=False), False),
    ("401", refused(again=False), False),
    ("403", refused(again=False), False),
    ("408", unknown, False),
    ("409", refused(again=True), False),
    ("413", refused(again=False), False),
    ({"fault": "429", "retry_after_s": 7.0}, refused(again=True, after_s=7.0), False),
    ("429_without_retry_after", refused(again=True), False),
    ("throttled", refused(again=True), False),
    ("500", unknown, False),
    ("500_applied", unknown, True),
    ("502", unknown, False),
    ("502_applied", unknown, True),
    ("503", refused(again=True), False),
    ({"fault": "503", "retry_after_s": 3.0}, refused(again=True, after_s=3.0), False),
    ("504_applied", unknown, True),
    ("outage", refused(again=True), False),
    ("garbage", unknown, False),
    ("garbage_applied", unknown, True),
]
"""What a write meets, which of the three answers it comes to, and whether the channel shows the figure after it."""


def named(fault: object) -> str:
    """A fault as test names tell it."""
    return "-".join(str(part) for part in fault.values()) if isinstance(fault, Mapping) else str(fault)


class ChannelContract:
    """Every connector."""

    def test_read_tells_what_push_set(self, side: Side) -> None:
        accepted(side.push("A", 41))
        assert side.channel.read(["A", "nowhere"]) == {"A": 41}

    def test_a_read_tells_every_listing_however_many_pages_it_takes(self, side: Side) -> None:
        assert side.channel.read([*LISTED, "nowhere"]) == LISTED

    def test_nothing_read_is_nothing_told(self, side: Side) -> None:
        assert side.channel.read([]) == {}

    def test_names_that_look_like_large_numbers_stay_intact(self, side: Side) -> None:
        accepted(side.push(BEYOND_FLOATS, 2))
        assert side.channel.read([BEYOND_FLOATS, "9007199254740992"]) == {BEYOND_FLOATS: 2}

    def test_pushing_twice_equals_once(self, side: Side) -> None:
        request = to("C", 8)
        for answer in (*side.final([request]), *side.final([request])):
            accepted(answer)
        assert side.shows("C") == 8
        assert side.peer.counters()["applied_twice"] == 0

    def test_a_batch_has_an_answer_for_each_figure_in_its_order(self, side: Side) -> None:
        requests = [to("A", 1), to("nowhere", 2), to("B/1 ü", -1), to("C", 0)]
        answers = side.final(requests)
        assert [type(answer) for answer in answers] == [Accepted, Rejected, Rejected, Accepted]
        assert side.channel.read(list(LISTED)) == {**LISTED, "A": 1, "C": 0}
        assert "B/1 ü" not in [figure.sku for figure in side.peer.received()]

    def test_figures_go_out_in_the_order_given(self, side: Side) -> None:
        side.channel.push([to("D", 0), to("B/1 ü", 1), to("A", 50)])
        assert [figure.sku for figure in side.peer.received()] == ["D", "B/1 ü", "A"]

    def test_an_empty_push_sends_nothing(self, side: Side) -> None:
        assert side.channel.push([]) == []
        assert side.peer.counters()["write_requests"] == 0

    def test_a_push_that_names_a_listing_twice_is_a_mistake(self, side: Side) -> None:
        with pytest.raises(ValueError, match="once"):
            side.channel.push([to("A", 1), to("A", 2)])

    def test_a_listing_that_the_channel_does_not_have_is_refused_for_good(self, side: Side) -> None:
        [answer] = side.final([to("nowhere", 1)])
        refused(again=False)(answer)
        assert isinstance(answer, Rejected)

    def test_a_figure_beyond_what_the_channel_takes_is_refused_unsent(self, side: Side) -> None:
        refused(again=False)(side.push("A", side.channel.limits.quantity_max + 1))
        assert side.peer.received() == []

    @pytest.mark.parametrize(("fault", "expected", "shown"), FAULTS, ids=[named(fault) for fault, *_ in FAULTS])
    def test_what_goes_wrong_at_a_write_has_its_one_answer(
        self, side: Side, fault: str | Mapping[str, Any], expected: Callable[[PushAnswer], None], shown: bool
    ) -> None:
        side.peer.meets(fault)
        expected(side.push("A", 44))
        assert side.peer.shown()["A"] == (44 if shown else LISTED["A"])

    @pytest.mark.parametrize("applied", [False, True])
    def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_to_be_read(
        self, side: Side, applied: bool
    ) -> None:
        impatient = side.impatient()
        impatient.read(["A"])
        side.peer.meets("timeout_applied" if applied else "timeout", withheld_s=side.withheld_s)
        [answer] = impatient.push([to("A", 44)])
        unknown(answer)
        assert side.shows("A") == (44 if applied else LISTED["A"])

    def test_an_unknown_outcome_is_mended_by_pushing_again(self, side: Side) -> None:
        request = to("A", 44)
        side.peer.meets("cut_applied")
        unknown(side.channel.push([request])[0])
        accepted(side.final([request])[0])
        assert side.shows("A") == 44
        assert side.peer.counters()["applied_twice"] == 0

    def test_a_repeat_that_brings_back_what_was_sold_is_counted_where_the_channel_takes_it(self, side: Side) -> None:
        request = to("C", 8)
        accepted(side.final([request])[0])
        side.peer.buy("C", 3)
        side.final([request])
        assert side.peer.counters()["applied_twice"] == (side.shows("C") == 8)

    def test_after_silence_nothing_more_of_a_push_is_tried(self, side: Side) -> None:
        side.peer.meets("cut", "cut", "cut")
        answers = side.channel.push([to("A", 1), to("C", 2)])
        unknown(answers[0])
        assert side.peer.counters()["write_requests"] == 1

    def test_what_a_channel_accepts_and_does_not_do_shows_when_it_catches_up(self, side: Side) -> None:
        side.peer.meets("accepted_not_applied")
        accepted(side.push("A", 44))
        assert side.shows("A") == LISTED["A"]
        side.peer.catches_up()
        assert side.shows("A") == 44

    def test_a_stale_read_tells_the_figure_before(self, side: Side) -> None:
        side.channel.read(["A"])
        side.peer.lists({"A": 44})
        side.peer.meets(reads=["stale_read"])
        assert side.shows("A") == LISTED["A"]
        assert side.shows("A") == 44

    @pytest.mark.parametrize("fault", ["400", "401", "429", "500", "503", "outage", "throttled"])
    def test_a_channel_that_cannot_be_read_says_so(self, side: Side, fault: str) -> None:
        side.peer.meets(reads=[fault])
        with pytest.raises(ReadFailed) as failed:
            side.channel.read(["A"])
        assert failed.value.exchange is not None
        assert side.shows("A") == LISTED["A"]

    def test_no_garbage_is_taken_for_an_answer(self, side: Side) -> None:
        side.peer.meets(*({"fault": "garbage", "variant": variant} for variant in range(len(GARBAGE))))
        for _ in GARBAGE:
            unknown(side.push("A", 44))
        assert side.shows("A") == LISTED["A"]

    def test_no_garbage_is_read_as_a_figure(self, side: Side) -> None:
        side.peer.meets(reads=[{"fault": "garbage", "variant": variant} for variant in range(len(GARBAGE))])
        for _ in GARBAGE:
            with pytest.raises(ReadFailed) as failed:
                side.channel.read(["A"])
            assert failed.value.code == "GARBAGE"
        assert side.shows("A") == LISTED["A"]

    def test_a_read_that_breaks_off_is_tried_again_at_once(self, side: Side) -> None:
        side.peer.meets(reads=["cut", "cut"])
        assert side.shows("A") == LISTED["A"]

    def test_a_read_that_keeps_breaking_off_is_given_back(self, side: Side) -> None:
        side.peer.meets(reads=["cut"] * 3)
        with pytest.raises(ReadFailed):
            side.channel.read(["A"])

    def test_without_a_connection_nothing_was_sent(self, side: Side) -> None:
        [answer] = side.unreachable().push([to("A", 1)])
        refused(again=True)(answer)
        assert isinstance(answer, Rejected)
        assert (answer.code, exchange_of(answer).attempts, exchange_of(answer).response) == (NOT_SENT, 3, None)
        with pytest.raises(ReadFailed):
            side.unreachable().read(["A"])

    def test_limits_are_kept_before_the_channel_says_no(self, side: Side) -> None:
        limits = side.channel.limits
        pushes = int(limits.burst + 2 + limits.pushes_per_second / 2)
        answers = [side.push("A", number, number - 1 if number else None) for number in range(pushes)]
        kept_back = [answer for answer in answers if isinstance(answer, Rejected)]
        assert all(answer.code == OVER_BUDGET and answer.retry_after_s for answer in kept_back)
        counted = side.peer.counters()
        assert counted["write_requests"] == pushes - len(kept_back) >= int(limits.burst)
        assert counted["refused_by_limit"] == 0

    @pytest.mark.parametrize("fault", ["400", "500", "503", "cut", "garbage", "accepted_not_applied"])
    def test_evidence_tells_the_exchange_and_no_secret(self, side: Side, fault: str) -> None:
        side.peer.meets(fault)
        exchange = exchange_of(side.push("A", 44))
        assert exchange.operation
        assert exchange.latency_ms > 0
        assert exchange.attempts == 1
        assert exchange.http_status == {"400": 400, "500": 500, "503": 503, "cut": None, "garbage": 200}.get(
            fault, exchange.http_status
        )
        assert "44" in exchange.request or "feed" in exchange.request
        assert len(exchange.request) <= 5_000
        assert TOKEN not in f"{exchange}"

    def test_a_push_of_many_has_evidence_of_bounded_size(self, side: Side) -> None:
        requests = [to(f"no such listing {number}", 1) for number in range(40)]
        for answer in side.channel.push(requests):
            assert (
                answer.exchange is None or len(answer.exchange.request) + len(answer.exchange.response or "") < 10_000
            )
