"""Both mistakes of a buffer: what it costs to hold back too much and too little, and how often each is made.

Following one unit u of the stock at a time (``race``): it matters only if the channel sells down to it. Held back, it
loses a sale where the others have not taken it by then; shown, it is oversold where they have. Both carry the same
chance that the channel gets there, so the buffer of least cost is the newsvendor's: hold back unit u as long as the
chance that it is gone is above ``Cu / (Cu + Co)``. Added up over the units shown and withheld they are what is expected
to be oversold and lost until the channel is put right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ml.buffers.race import Stretch, latest
from ml.exposure.distribution import Demand, Floats, at_least, quantile

LEAST_ALPHA, MOST_ALPHA = 0.0005, 0.5
"""Bounds of the accepted chance that others take more than is held back: no buffer is for certain, and none is so
small that the others usually take more."""
MOST_POINTS = 64
"""Units of a sum that are looked at one by one; longer sums are taken in equal stretches."""
NEGLIGIBLE = 1e-7


def accepted_chance(lost_cost: ArrayLike, oversell_cost: ArrayLike, weight: ArrayLike = 1.0) -> Floats:
    """``Cu / (Cu + weight · Co)`` within bounds (n,); NaN where neither mistake costs anything.

    ``weight`` above 1 makes oversells dearer than their money, to hold a target rate.
    """
    under = np.atleast_1d(np.asarray(lost_cost, dtype=np.float64))
    over = np.asarray(oversell_cost, dtype=np.float64) * np.asarray(weight, dtype=np.float64)
    total = under + over
    share = np.divide(under, total, out=np.full(np.broadcast(under, over).shape, np.nan), where=total > 0)
    return np.where(np.isnan(share), np.nan, np.clip(share, LEAST_ALPHA, MOST_ALPHA))


def held_back(others: Demand, alpha: ArrayLike) -> Floats:
    """Units (n,) that the ``others`` exceed with a chance of at most ``alpha``."""
    return quantile(1 - np.asarray(alpha, dtype=np.float64), others)


@dataclass(frozen=True)
class Mistakes:
    """Expected units (n,) per window: sold and not there, and withheld though they were left over."""

    oversold: Floats
    lost: Floats


def expected_mistakes(buffer: ArrayLike, available: ArrayLike, found: Sequence[Stretch]) -> Mistakes:
    """Both mistakes of a ``buffer`` (n,) with ``available`` units (n,) at the moment of the refresh."""
    held, there = (
        np.maximum(np.broadcast_to(np.asarray(units, dtype=np.float64), found[0].chance.shape), 0.0)
        for units in (buffer, available)
    )
    held = np.minimum(held, there)
    others_most = np.max([quantile(1 - NEGLIGIBLE, stretch.others) for stretch in latest(found)], axis=0)
    own_most = np.max([quantile(1 - NEGLIGIBLE, stretch.own) for stretch in latest(found)], axis=0)
    reached = np.maximum(there - own_most, 0.0)
    oversold = _summed(np.maximum(held, reached), np.minimum(there, others_most), there, found, taken=True)
    lost = _summed(np.minimum(reached, held), held, there, found, taken=False)
    return Mistakes(oversold, lost)


def _summed(after: Floats, upto: Floats, there: Floats, found: Sequence[Stretch], *, taken: bool) -> Floats:
    """The chances to sell down to unit u and find it taken (or not), summed over u in (after, upto] (n,)."""
    total = np.zeros(len(there))
    rows = np.flatnonzero(upto > after)
    part = np.maximum(np.ceil((upto - after) / MOST_POINTS), 1.0)
    start = after.copy()
    while len(rows):
        width = np.minimum(part[rows], upto[rows] - start[rows])
        unit = start[rows] + np.ceil((width + 1) / 2)
        before = np.zeros(len(rows))
        for stretch in found:
            by_end = at_least(there[rows] - unit + 1, stretch.own[rows])
            before = np.zeros(len(rows)) if stretch.first else before
            gone = at_least(unit, stretch.others[rows])
            here = stretch.chance[rows] * np.maximum(by_end - before, 0.0)
            total[rows] += here * (gone if taken else 1 - gone) * width
            before = by_end
        start[rows] += width
        rows = rows[start[rows] < upto[rows]]
    return total
