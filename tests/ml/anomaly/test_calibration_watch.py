"""The promise about false alarms is suspended when habits have changed, and not before."""

import numpy as np

from ml.anomaly.calibration_watch import FEWEST_ROWS, guarantee_suspended, risen

EVEN = np.random.default_rng(0).random(2_000)


def test_even_p_values_keep_the_promise() -> None:
    assert not guarantee_suspended(EVEN)


def test_more_than_twice_as_many_small_p_values_suspend_it() -> None:
    assert guarantee_suspended(np.concatenate([EVEN, np.full(200, 0.01)]))


def test_few_rows_tell_nothing_however_strange() -> None:
    assert not guarantee_suspended(np.full(FEWEST_ROWS - 1, 0.001))


def test_rows_that_were_not_scored_do_not_count() -> None:
    assert not guarantee_suspended(np.concatenate([np.full(FEWEST_ROWS - 1, 0.001), np.full(500, np.nan)]))


WEEK = (500, 480, 510, 490, 530, 40, 0)


def moved(days: int, times: dict[int, float] | None = None) -> dict[int, int]:
    return {day: round(WEEK[day % 7] * (times or {}).get(day, 1.0)) for day in range(days)}


def test_doubled_demand_suspends_it_by_the_second_working_day_and_weekends_never_do() -> None:
    doubled = moved(37, dict.fromkeys(range(30, 37), 2.0))
    assert [risen(doubled, day) for day in range(14, 33)] == [False] * 17 + [True, True]


def test_one_day_of_twice_as_much_suspends_nothing() -> None:
    assert not any(risen(moved(35, {30: 2.0}), day) for day in range(35))


def test_with_less_than_two_earlier_weeks_nothing_is_known_to_have_risen() -> None:
    assert not any(risen(moved(16, dict.fromkeys(range(8, 16), 9.0)), day) for day in range(16))
