"""Whether p-values can still be believed.

Among rows that no confirmed fault explains, one in twenty should lie among the strangest twentieth. Where twice as many
do day after day, habits have changed since the calibration: what is promised about false alarms no longer holds, and is
suspended.

Where far more moves than on the same weekdays before, it is suspended at once: rows are then not what the calibration
knew, and by the time that p-values show it, the alarms have been raised.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STRANGE = 0.05
DRIFTED = 0.10
"""The share of p-values below ``STRANGE`` from which the promise is suspended."""
FEWEST_ROWS = 400
WATCHED_DAYS = 3
"""The service looks at the rows scored on so many days."""
RISEN = 1.4
"""So many times what is usual must move on the watched days together."""
WEEKS = 4
LEAST_WEEKS = 2
"""Usual is the median of the same weekday in so many weeks before, at the least in so many."""


def guarantee_suspended(p: Floats, days: NDArray[np.int64]) -> bool:
    """Whether ``p`` (n,), of the watched ``days`` (n,) without confirmed faults, has drifted."""
    known = ~np.isnan(p)
    strange = p[known] <= STRANGE
    return drifted(
        [(int((days[known] == day).sum()), int(strange[days[known] == day].sum())) for day in np.unique(days)]
    )


def drifted(days: Iterable[tuple[int, int]]) -> bool:
    """The same of counts by day: of so many rows so many lie among the strangest twentieth.

    They must on most of the days: what goes wrong at one moment, or was missed for hours, is a fault and no new habit.
    Never told of fewer than 400 rows.
    """
    told = [(rows, strange) for rows, strange in days if rows]
    rows = sum(count for count, _ in told)
    if rows < FEWEST_ROWS or sum(strange for _, strange in told) <= DRIFTED * rows:
        return False
    return 2 * sum(strange > DRIFTED * count for count, strange in told) > len(told)


def risen(moved: Mapping[int, int], day: int) -> bool:
    """Whether on the watched days up to ``day`` far more moved than on the same weekdays before.

    ``moved`` counts movements by day number; never told of days of which fewer than two earlier weeks are known.
    """
    watched = range(day - WATCHED_DAYS + 1, day + 1)
    before = [[moved[at] for week in range(1, WEEKS + 1) if (at := one - 7 * week) in moved] for one in watched]
    if min(map(len, before)) < LEAST_WEEKS:
        return False
    usual = sum(float(np.median(counts)) for counts in before)
    return usual > 0 and sum(moved.get(one, 0) for one in watched) > RISEN * usual
