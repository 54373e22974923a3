"""How long things take: learned in any order alike, and never so that what is usual would be too long."""

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from core_sync.expectations.pace import DRAWN, FLOOR, GROWTH, LEAST_MARGIN, ODDS, Pace, bin_of, longest_in, shrunk

lengths = st.lists(st.floats(0, 1e7), min_size=1, max_size=60)


@given(lengths, st.randoms())
def test_what_is_learned_does_not_depend_on_the_order(seconds: list[float], chance: random.Random) -> None:
    shuffled = chance.sample(seconds, len(seconds))
    assert Pace.of(seconds) == Pace.of(shuffled)


@given(lengths, lengths)
def test_two_parts_add_up_to_the_whole(one: list[float], other: list[float]) -> None:
    assert (Pace.of(one) + Pace.of(other)).counts == Pace.of(one + other).counts


@given(st.floats(0, 1e8))
def test_a_length_is_known_to_within_a_tenth(seconds: float) -> None:
    longest = longest_in(bin_of(seconds))
    assert seconds <= longest * (1 + 1e-9)
    assert longest <= max(1.0, seconds) * GROWTH * (1 + 1e-9)


@given(lengths)
def test_quantiles_are_within_a_tenth_of_the_sorted_lengths(seconds: list[float]) -> None:
    ordered = sorted(seconds)
    for share in (0.5, 0.8, 0.95):
        true = max(1.0, ordered[max(0, math.ceil(share * len(ordered)) - 1)])
        assert true * (1 - 1e-9) <= Pace.of(seconds).quantile(share) <= true * GROWTH * (1 + 1e-9)


@given(lengths)
def test_the_limit_leaves_room_above_what_nineteen_of_twenty_take(seconds: list[float]) -> None:
    pace = Pace.of(seconds)
    assert pace.limit_s >= LEAST_MARGIN * pace.quantile(0.95)


def test_an_exponential_tail_passes_the_limit_about_as_seldom_as_promised() -> None:
    chance = random.Random(7)
    limit = Pace.of(chance.expovariate(1 / 3600) for _ in range(50_000)).limit_s
    assert 0.1 / ODDS < math.exp(-limit / 3600) < 2 / ODDS


@given(lengths, st.floats(60, 1e6))
def test_a_limit_lies_between_what_is_learned_and_what_people_expect(seconds: list[float], expected: float) -> None:
    own = Pace.of(seconds)
    limit = shrunk([own], expected)
    if own.observations < FLOOR:
        assert (limit.limit_s, limit.usual_s) == (expected, None)
    else:
        low, high = sorted((own.limit_s, expected))
        assert low * (1 - 1e-9) <= limit.limit_s <= high * (1 + 1e-9)


def test_the_closest_pace_counts_the_more_the_more_was_seen_of_it() -> None:
    wide = Pace.of([3600.0] * 1_000)
    few, many = Pace.of([60.0] * FLOOR), Pace.of([60.0] * DRAWN * 20)
    assert many.limit_s < shrunk([many, wide], 1e6).limit_s < shrunk([few, wide], 1e6).limit_s < wide.limit_s * 1.5
    assert shrunk([Pace({}), wide], 1e6) == shrunk([wide], 1e6)
