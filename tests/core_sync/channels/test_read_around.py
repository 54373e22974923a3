"""Whatever names a channel chokes on, all the others are read, and soon where they are asked for again in order."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from core_sync.channels.port import NOT_SENT, ReadFailed
from core_sync.channels.read_around import ASK_WITNESSES_AFTER, FAILURES_MAX, ReadAround, read_around

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


GARBAGE = ReadFailed("an answer that cannot be read", "GARBAGE", 200)
FORBIDDEN = ReadFailed("not yours", "HTTP_403", 403)
TIMEOUT = ReadFailed("no answer in time", "READ_TIMEOUT")
errors = st.sampled_from([GARBAGE, FORBIDDEN, TIMEOUT])


@given(st.sets(st.sampled_from(NAMES)), st.lists(st.sampled_from(NAMES), unique=True), errors)
def test_each_name_is_read_or_failed_or_left_and_no_question_too_many_is_asked(
    poison: set[str], names: list[str], error: ReadFailed
) -> None:
    reader = Reader(poison, error)
    found = read_around(reader, names)
    parts = [read(found), set(found.alone), set(found.not_asked)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(names)
    assert read(found) <= set(names) - poison
    assert set(found.alone) <= poison
    assert reader.asked <= 2 * FAILURES_MAX + 1


@given(st.sets(st.sampled_from(NAMES), max_size=len(NAMES) - 1), errors)
def test_asked_again_for_what_is_left_all_that_can_be_read_is_and_the_others_are_named(
    poison: set[str], error: ReadFailed
) -> None:
    reader, seen, waiting = Reader(poison, error), set[str](), set(NAMES)
    for _ in range(20 * len(NAMES)):
        found = read_around(reader, sorted(waiting))
        seen |= read(found)
        waiting -= read(found) | set(found.alone)
    assert (seen, waiting) == (set(NAMES) - poison, set())


def test_one_name_among_ten_thousand_is_found() -> None:
    names = [f"N{number}" for number in range(10_000)]
    found = read_around(Reader({"N7777"}, GARBAGE), names)
    assert (set(found.alone), len(read(found)), found.out) == ({"N7777"}, 9_999, None)


def test_a_channel_that_is_away_is_asked_once() -> None:
    reader = Reader({"N001"}, ReadFailed("no connection", NOT_SENT))
    found = read_around(reader, NAMES, witnesses=lambda: ["N002"])
    assert (reader.asked, found.out, set(found.not_asked)) == (1, reader.error, set(NAMES))


def test_where_nothing_can_be_read_one_name_seen_lately_tells_the_channel_from_the_names() -> None:
    def asked(*witnesses: str) -> ReadAround[dict[str, int]]:
        return read_around(Reader({"A", "B", "C"}, GARBAGE), ["A", "B"], witnesses=lambda: witnesses)

    assert (asked().out, asked().answers) == (GARBAGE, False)
    assert (asked("C").out, asked("C").answers) == (GARBAGE, False)
    assert (asked("C", "D").out, asked("C", "D").answers) == (None, True)
    assert set(asked("C", "D").alone) == {"A", "B"}


def test_one_name_that_fails_is_told_of_as_one_where_nothing_else_is_known() -> None:
    found = read_around(Reader({"A"}, FORBIDDEN), ["A"])
    assert (found.alone, found.out, found.answers) == ({"A": FORBIDDEN}, None, False)


def test_a_channel_that_answers_nobody_in_time_is_not_waited_for_long() -> None:
    reader = Reader(set(NAMES), TIMEOUT)
    found = read_around(reader, NAMES, witnesses=lambda: NAMES[:3])
    assert (reader.asked, found.out) == (ASK_WITNESSES_AFTER + 3, TIMEOUT)
