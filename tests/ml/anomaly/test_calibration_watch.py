"""The promise about false alarms is suspended when habits have changed, and not before."""

import numpy as np

from ml.anomaly.calibration_watch import FEWEST_ROWS, guarantee_suspended, risen

EVEN = np.random.default_rng(0).random(2_100)
DAYS = np.arange(3).repeat(700)


def with_strange(*of_days: int) -> np.ndarray:
    """Even p-values, but that so many of each day's are strange."""
    p = EVEN.copy()
    for day, strange in enumerate(of_days):
        first = 700 * day
        p[first : first + strange] = 0.01
    return p


def test_even_p_values_keep_the_promise() -> None:
    assert not guarantee_suspended(EVEN, DAYS)


def test_more_than_twice_as_many_small_p_values_day_after_day_suspend_it() -> None:
    assert guarantee_suspended(with_strange(60, 20, 60), DAYS)


def test_what_went_wrong_on_one_day_does_not() -> None:
    assert not guarantee_suspended(with_strange(0, 400, 0), DAYS)


def test_few_rows_tell_nothing_however_strange() -> None:
    few = FEWEST_ROWS - 1
    assert not guarantee_suspended(np.full(few, 0.001), DAYS[:few])
    assert guarantee_suspended(np.full(FEWEST_ROWS, 0.001), DAYS[:FEWEST_ROWS])


def test_rows_that_were_not_scored_do_not_count() -> None:
    p = np.concatenate([np.full(FEWEST_ROWS - 1, 0.001), np.full(500, np.nan)])
    assert not guarantee_suspended(p, DAYS[: len(p)])


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
