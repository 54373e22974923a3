"""What connectors promise to channels that compare what they show with what we last saw before they set."""

from core_sync.channels.port import STALE, Accepted, PushRequest, Rejected
from tests.contract.side import Side, accepted, to


class ComparingContract:
    """Channels that compare what they show with what we last saw before they set."""

    def test_a_stale_figure_is_refused_with_the_fresh_one(self, side: Side) -> None:
        side.channel.read(["A"])
        side.peer.buy("A", 1)
        answer = side.push("A", 44, shown=3)
        assert isinstance(answer, Rejected)
        assert (answer.code, answer.transient, answer.shown_quantity) == (STALE, True, 2)
        accepted(side.push("A", 44, shown=2))
        assert side.shows("A") == 44

    def test_a_stale_figure_in_a_batch_holds_no_other_up(self, side: Side) -> None:
        answers = side.channel.push([to("A", 1), to("C", 2, shown=99), to("D", 3)])
        assert [type(answer) for answer in answers] == [Accepted, Rejected, Accepted], answers
        assert side.channel.read(["A", "C", "D"]) == {"A": 1, "C": 7, "D": 3}

    def test_a_repeat_does_not_undo_a_sale(self, side: Side) -> None:
        request = to("C", 8)
        side.channel.push([request])
        side.peer.buy("C", 2)
        accepted(side.channel.push([request])[0])
        assert side.shows("C") == 6
        assert side.peer.counters()["repeats"] == 1

    def test_a_listing_that_shows_the_figure_already_is_accepted(self, side: Side) -> None:
        side.peer.lists({"A": 44})
        accepted(side.push("A", 44, shown=3))
        assert side.shows("A") == 44

    def test_a_listing_never_seen_is_set_from_what_it_shows(self, side: Side) -> None:
        [answer] = side.channel.push([PushRequest("A", 44, None, "first")])
        accepted(answer)
        assert side.shows("A") == 44
