"""Slow control of what an oversell counts."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_sync.availability.oversells import NOTHING, Claimed
from ml.buffers.steering import EVERY, LONGEST, first_step, is_due, step
from ml.buffers.weight import LEAST_WEIGHT, MOST_STEP, MOST_WEIGHT

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
BEGUN = first_step("shop", NOON, 0.005, 10.0)
ASKED = 100_000
UNITS = st.integers(0, 10**9)
RATES = st.floats(1e-6, 0.99)


def test_a_step_waits_for_a_week_and_for_enough_to_judge_by_but_not_for_ever() -> None:
    enough, little = Claimed(1_000, 0), Claimed(999, 0)
    assert not is_due(BEGUN, enough, NOON + EVERY - timedelta(seconds=1))
    assert is_due(BEGUN, enough, NOON + EVERY)
    assert not is_due(BEGUN, little, NOON + LONGEST - timedelta(seconds=1))
    assert is_due(BEGUN, little, NOON + LONGEST)


def test_more_oversells_than_accepted_make_them_dearer_and_fewer_cheaper_by_a_fifth_at_most() -> None:
    weights = [step(BEGUN, Claimed(10_000, oversold), 0.005, NOON + EVERY).weight for oversold in (0, 45, 50, 55, 900)]
    assert weights == pytest.approx([8.0, 9.0, 10.0, 11.0, 12.0])


def test_without_orders_nothing_is_concluded() -> None:
    assert step(BEGUN, NOTHING, 0.005, NOON + LONGEST).weight == BEGUN.weight


def test_half_the_accepted_rate_makes_an_oversell_twice_as_dear_at_once() -> None:
    assert step(BEGUN, Claimed(10_000, 50), 0.0025, NOON + EVERY).weight == pytest.approx(20.0)


@given(UNITS, UNITS, RATES, RATES)
def test_a_weight_stays_within_its_bounds_whatever_came_true(asked: int, oversold: int, of: float, to: float) -> None:
    claimed = Claimed(asked, min(asked, oversold))
    after = step(first_step("shop", NOON, of, 10.0), claimed, to, NOON + EVERY)
    assert LEAST_WEIGHT <= after.weight <= MOST_WEIGHT
    assert after.since == NOON
    ratio = after.weight / min(max(10.0 * of / to, LEAST_WEIGHT), MOST_WEIGHT)
    assert (1 - MOST_STEP) * 0.999 <= ratio <= (1 + MOST_STEP) * 1.001


@given(st.integers(0, ASKED), st.integers(0, ASKED), RATES)
def test_the_more_came_true_the_dearer_an_oversell_becomes(some: int, others: int, target: float) -> None:
    begun = first_step("shop", NOON, target, 10.0)
    fewer, more = (
        step(begun, Claimed(ASKED, oversold), target, NOON + EVERY).weight for oversold in sorted((some, others))
    )
    assert fewer <= more


@given(st.integers(1, 999), st.floats(LEAST_WEIGHT, MOST_WEIGHT))
def test_at_the_accepted_rate_nothing_moves(thousandths: int, weight: float) -> None:
    target = thousandths / 1000
    begun = first_step("shop", NOON, target, weight)
    assert step(begun, Claimed(1000, thousandths), target, NOON + EVERY).weight == pytest.approx(weight)


@given(st.floats(0.5, 2.0), st.floats(0.4, 1.2))
def test_a_rate_that_was_off_by_twice_comes_back_within_ten_weeks_without_swinging(
    off: float, elasticity: float
) -> None:
    """Where oversells fall as a power of what one counts."""
    target, one = 0.01, first_step("shop", NOON, 0.01, 16.0)
    apart = []
    for _ in range(30):
        rate = target * off * (16.0 / one.weight) ** elasticity
        apart.append(rate / target - 1)
        one = step(one, Claimed(10**8, round(rate * 10**8)), target, one.at + EVERY)
    assert max(map(abs, apart[10:])) < 0.25
    assert all((rate > 0) == (off > 1) for rate in apart if abs(rate) > 0.05)
