"""Whatever names a channel chokes on, all the others are read, and soon where they are asked for again in order."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from core_sync.channels.port import NOT_SENT, ReadFailed
from core_sync.channels.read_around import FAILURES_MAX, TIMEOUT_FAILURES, ReadAround, read_around

NAMES = [f"N{number:03d}" for number in range(60)]


class Reader:
    """Reads all but ``poison``; ``asked`` counts questions."""

    def __init__(self, poison: set[str], error: ReadFailed) -> None:
        self.poison, self.error, self.asked = poison, error, 0

    def __call__(self, names: Sequence[str]) -> dict[str, int]:
        self.asked += 1
        if self.poison & set(names):
            raise self.error
        return dict.fromkeys(names, 1)


def read(found: ReadAround[dict[str, int]]) -> set[str]:
    return {name for part in found.parts for name in part}


codes = st.sampled_from(["GARBAGE", "READ_TIMEOUT", "HTTP_403"])


@given(st.sets(st.sampled_from(NAMES)), st.lists(st.sampled_from(NAMES), unique=True), codes)
def test_each_name_is_read_or_failed_or_left_and_no_question_too_many_is_asked(
    poison: set[str], names: list[str], code: str
) -> None:
    reader = Reader(poison, ReadFailed("choked", code))
    found = read_around(reader, names)
    parts = [read(found), set(found.alone), set(found.in_company), set(found.not_asked)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(names)
    assert read(found) <= set(names) - poison
    assert set(found.alone) <= poison
    assert reader.asked <= 2 * FAILURES_MAX + 1


@given(st.sets(st.sampled_from(NAMES)), codes)
def test_asked_again_in_order_of_what_is_left_all_that_can_be_read_is(poison: set[str], code: str) -> None:
    reader = Reader(poison, ReadFailed("choked", code))
    waiting, seen = list(NAMES), set[str]()
    for _ in range(len(NAMES)):
        found = read_around(reader, waiting)
        seen |= read(found)
        waiting = [*found.not_asked, *found.in_company, *found.alone]
    assert seen == set(NAMES) - poison


def test_one_name_among_ten_thousand_is_found() -> None:
    names = [f"N{number}" for number in range(10_000)]
    found = read_around(Reader({"N7777"}, ReadFailed("choked", "GARBAGE")), names)
    assert (set(found.unread), len(read(found)), found.out) == ({"N7777"}, 9_999, None)


def test_a_channel_that_is_away_is_asked_once() -> None:
    reader = Reader({"N001"}, ReadFailed("no connection", NOT_SENT))
    found = read_around(reader, NAMES, witness=lambda: "N100")
    assert (reader.asked, found.out, found.not_asked) == (1, reader.error, NAMES)


def test_where_nothing_can_be_read_a_name_seen_lately_tells_the_channel_from_the_names() -> None:
    reader = Reader({"A", "B"}, ReadFailed("choked", "GARBAGE"))
    assert read_around(reader, ["A", "B"]).out is reader.error
    assert read_around(reader, ["A", "B"], witness=lambda: "B").out is reader.error
    well = read_around(reader, ["A", "B"], witness=lambda: "C")
    assert (well.out, set(well.alone)) == (None, {"A", "B"})


def test_a_channel_that_answers_nobody_in_time_is_not_waited_for_again_and_again() -> None:
    reader = Reader(set(NAMES), ReadFailed("no answer in time", "READ_TIMEOUT"))
    found = read_around(reader, NAMES)
    assert (reader.asked, found.out) == (FAILURES_MAX // TIMEOUT_FAILURES, reader.error)
