"""How long until a fault begins to cost: the run-out, or the cut-off if that is earlier."""

import numpy as np
from numpy.typing import ArrayLike

from ml.exposure.distribution import Floats

HOURS_A_DAY = 24.0


def hours_until_harm(
    published: ArrayLike, available: ArrayLike, rate_per_day: ArrayLike, cut_off_h: ArrayLike = np.inf
) -> Floats:
    """Hours until the first unit is expected to be oversold or turned away (n,); infinite where that never comes.

    Too much shown harms once all that is there is sold, too little once all that is shown is sold. Equal figures
    harm nobody. ``cut_off_h`` is an end that a process sets of itself (carrier pick-up, order window), in hours.

    Raises:
        ValueError: a rate below 0, or a figure that is no number.
    """
    shown, there, rate, ends = (
        np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (published, available, rate_per_day, cut_off_h)
    )
    if np.isnan(shown).any() or np.isnan(there).any() or np.isnan(ends).any() or not (rate >= 0).all():
        raise ValueError("published, available and cut-off must be numbers, a demand rate at least 0")
    shown, there = np.maximum(shown, 0.0), np.maximum(there, 0.0)
    left, wrong = np.minimum(shown, there), shown != there
    with np.errstate(over="ignore"):  # a rate next to nothing sells out next to never: infinity is the answer
        sold_out = np.where(rate > 0, left / np.where(rate > 0, rate, 1.0) * HOURS_A_DAY, np.inf)
    return np.where(wrong, np.maximum(np.minimum(sold_out, ends), 0.0), np.inf)
