"""What connectors promise to channels that queue what they accept and tell later what became of it."""

import pytest

from core_sync.channels.port import Accepted, Finished, ReadFailed, Rejected, Unknown, Working
from tests.contract.side import LISTED, Side, accepted, refused, to


class ReceiptContract:
    """Channels that queue what they accept, give a receipt, and tell later what became of it."""

    def test_a_receipt_is_followed_to_its_end(self, side: Side) -> None:
        answer = side.push("A", 44)
        assert isinstance(answer, Accepted)
        assert answer.receipt
        assert side.channel.follow([answer.receipt]) == {answer.receipt: Finished({}, Accepted(answer.reference))}

    def test_what_lingers_is_worked_on_until_its_time_has_come(self, side: Side) -> None:
        side.peer.meets({"fault": "lingers", "seconds": 100_000})
        answer = side.push("A", 44)
        assert isinstance(answer, Accepted)
        assert answer.receipt
        assert isinstance(side.channel.follow([answer.receipt])[answer.receipt], Working)
        assert side.shows("A") == LISTED["A"]
        side.peer.passes(100_000)
        assert isinstance(side.channel.follow([answer.receipt])[answer.receipt], Finished)
        assert side.shows("A") == 44

    def test_what_is_lost_is_worked_on_for_ever(self, side: Side) -> None:
        side.peer.meets("lost")
        answer = side.push("A", 44)
        assert isinstance(answer, Accepted)
        assert answer.receipt
        side.peer.passes(1_000_000)
        assert isinstance(side.channel.follow([answer.receipt])[answer.receipt], Working)
        assert side.shows("A") == LISTED["A"]

    def test_what_is_refused_later_did_not_happen_or_must_be_read_back(self, side: Side) -> None:
        side.peer.meets("refused_later")
        [answer] = side.final([to("A", 44)])
        assert isinstance(answer, Rejected | Unknown)
        assert side.shows("A") == LISTED["A"]

    def test_a_line_that_is_refused_later_takes_no_other_with_it(self, side: Side) -> None:
        side.peer.meets("partly_refused_later")
        answers = side.final([to("A", 44), to("C", 45)])
        assert [type(answer) for answer in answers] == [Rejected, Accepted]
        assert side.channel.read(["A", "C"]) == {"A": LISTED["A"], "C": 45}

    def test_figures_that_were_refused_later_can_be_pushed_again(self, side: Side) -> None:
        request = to("A", 44)
        side.peer.meets("refused_later")
        side.final([request])
        accepted(side.final([request])[0])
        assert side.shows("A") == 44

    def test_a_receipt_that_the_channel_does_not_know_came_to_nothing(self, side: Side) -> None:
        progress = side.channel.follow(["no-such-receipt"])["no-such-receipt"]
        assert isinstance(progress, Finished)
        refused(again=True)(progress.answer("A"))

    @pytest.mark.parametrize("fault", ["500", "garbage"])
    def test_a_receipt_that_cannot_be_followed_says_so(self, side: Side, fault: str) -> None:
        answer = side.push("A", 44)
        assert isinstance(answer, Accepted)
        assert answer.receipt
        side.peer.meets(reads=[fault])
        with pytest.raises(ReadFailed):
            side.channel.follow([answer.receipt])
        assert isinstance(side.channel.follow([answer.receipt])[answer.receipt], Finished)
