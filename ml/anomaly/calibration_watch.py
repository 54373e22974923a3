"""Whether p-values can still be believed.

Among rows that no confirmed fault explains, one in twenty should lie among the strangest twentieth. Where twice as many
do, habits have changed since the calibration: what is promised about false alarms no longer holds, and is suspended.

Where far more moves than on the same weekdays before, it is suspended at once: rows are then not what the calibration
knew, and by the time that p-values show it, the alarms have been raised.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

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


def guarantee_suspended(p: NDArray[np.float64]) -> bool:
    """Whether ``p`` (n,), of recent rows without confirmed faults, has drifted; never told of fewer than 400 rows."""
    known = p[~np.isnan(p)]
    return drifted(len(known), int((known <= STRANGE).sum()))


def drifted(rows: int, strange: int) -> bool:
    """The same of counts: of ``rows`` without confirmed faults ``strange`` lie among the strangest twentieth."""
    return rows >= FEWEST_ROWS and strange / rows > DRIFTED


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
