"""The promise about false alarms is suspended when habits have changed, and not before."""

import numpy as np

from ml.anomaly.calibration_watch import FEWEST_ROWS, guarantee_suspended

EVEN = np.random.default_rng(0).random(2_000)


def test_even_p_values_keep_the_promise() -> None:
    assert not guarantee_suspended(EVEN)


def test_twice_as_many_small_p_values_suspend_it() -> None:
    assert guarantee_suspended(np.concatenate([EVEN, np.full(100, 0.01)]))


def test_few_rows_tell_nothing_however_strange() -> None:
    assert not guarantee_suspended(np.full(FEWEST_ROWS - 1, 0.001))


def test_rows_that_were_not_scored_do_not_count() -> None:
    assert not guarantee_suspended(np.concatenate([np.full(FEWEST_ROWS - 1, 0.001), np.full(500, np.nan)]))
