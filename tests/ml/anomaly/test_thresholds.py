"""Alarms: how many of them may be false, and when a budget decides instead."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.anomaly.thresholds import (
    Policy,
    alarms,
    alarms_by_moment,
    false_discovery_cut,
    least_chance,
    likely_by_moment,
    p_values,
    running_alarms,
    running_cut,
)

CHANCES = st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=60)


def test_a_p_value_counts_the_calibration_rows_that_are_as_strange() -> None:
    calibration = np.array([1, 2, 3, 4], dtype=np.float32)
    found = p_values(calibration, np.array([0.0, 3.0, 9.0, np.nan]))
    np.testing.assert_allclose(found, [1.0, 0.6, 0.2, np.nan])


@given(CHANCES)
def test_the_cut_is_that_of_benjamini_and_hochberg_told_step_by_step(chances: list[float]) -> None:
    q, m = 0.2, len(chances)
    passing = [k for k in range(1, m + 1) if sorted(chances)[k - 1] <= q * k / m]
    cut = sorted(chances)[max(passing) - 1] if passing else -1.0
    assert false_discovery_cut(np.array(chances), q).tolist() == [chance <= cut for chance in chances]


@given(CHANCES, st.floats(0.0001, 1.0))
def test_the_running_cut_decides_a_newcomer_as_the_whole_batch_would(recent: list[float], newcomer: float) -> None:
    batch = np.array([*recent, newcomer])
    assert (newcomer <= running_cut(np.array(recent), 0.2)) == false_discovery_cut(batch, 0.2)[-1]


def test_of_ordinary_rows_hardly_any_batch_raises_an_alarm() -> None:
    drawn = np.random.default_rng(1)
    calibration = np.sort(drawn.normal(size=20_000)).astype(np.float32)
    batches = [p_values(calibration, drawn.normal(size=500)) for _ in range(300)]
    assert np.mean([false_discovery_cut(p, 0.1).any() for p in batches]) < 0.16


def test_planted_strangers_are_found_and_few_others() -> None:
    drawn = np.random.default_rng(2)
    calibration = np.sort(drawn.normal(size=20_000)).astype(np.float32)
    scores = np.concatenate([drawn.normal(size=1_000), np.full(50, 8.0)])
    found = alarms(scores, p_values(calibration, scores), len(calibration), Policy(q=0.1))
    assert found[-50:].all()
    assert found[:-50].sum() <= 15


def test_with_too_little_calibration_the_budget_names_the_strangest() -> None:
    scores = np.arange(1_000.0)
    found = alarms(scores, p_values(np.arange(100, dtype=np.float32), scores), 100, Policy(q=0.1, budget_share=0.004))
    assert np.flatnonzero(found).tolist() == [996, 997, 998, 999]


def test_a_row_without_a_score_is_never_an_alarm() -> None:
    scores = np.array([np.nan, 3.0])
    for calibrated_on in (10, 1_000_000):
        assert not alarms(scores, np.array([np.nan, 0.0001]), calibrated_on, Policy(budget_share=1.0))[0]


def test_each_snapshot_is_decided_by_itself() -> None:
    p = np.array([0.01, 0.5, 0.5, 0.04, 0.5, 0.5])
    moments = np.array([1, 1, 1, 2, 2, 2], dtype=np.int64)
    assert alarms_by_moment(moments, -p, p, 10_000, Policy(q=0.1)).tolist() == [True, *[False] * 5]


def test_an_alarm_in_a_stream_does_not_depend_on_what_comes_later() -> None:
    drawn = np.random.default_rng(3)
    p = drawn.uniform(size=5_000) ** 2
    whole, _ = running_alarms(p, np.empty(0), 50_000, Policy(), 1_000)
    earlier, _ = running_alarms(p[:3_000], np.empty(0), 50_000, Policy(), 1_000)
    np.testing.assert_array_equal(whole[:3_000], earlier)
    assert whole.any()


def test_alarms_are_likely_enough_that_few_of_them_are_expected_to_be_false() -> None:
    chance = np.random.default_rng(0).random(5_000)
    least = least_chance(chance, 0.1)
    assert (1 - chance[chance >= least]).mean() <= 0.1
    assert least == pytest.approx(0.8, abs=0.02)  # from there on evenly spread chances have a mean of 0.9


def test_where_nothing_is_likely_enough_nothing_is_an_alarm() -> None:
    likely, _ = likely_by_moment(np.zeros(4, dtype=np.int64), np.array([0.5, 0.8, np.nan, 0.1]), np.empty(0), 0.1, 10)
    assert not likely.any()


def test_however_many_are_sure_none_that_is_likelier_none_is_an_alarm() -> None:
    moment, chance = np.zeros(2, dtype=np.int64), np.array([0.51, 0.49])
    likely, _ = likely_by_moment(moment, chance, np.full(99, 0.999), 0.1, 200)
    assert likely.tolist() == [True, False]


def test_sure_alarms_before_leave_room_for_a_doubtful_one() -> None:
    moments, chance = np.zeros(2, dtype=np.int64), np.array([0.6, 0.05])
    alone, _ = likely_by_moment(moments, chance, np.empty(0), 0.1, 10)
    beside, kept = likely_by_moment(moments, chance, np.full(9, 0.99), 0.1, 10)
    assert alone.tolist() == [False, False]
    assert beside.tolist() == [True, False]
    assert len(kept) == 10
