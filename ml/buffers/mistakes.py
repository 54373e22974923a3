"""Both mistakes of a buffer: what it costs to hold back too much and too little, and how often each is made.

A channel shows P = A - b of A units. Until its next refresh it is asked for D and all others for O units. Following
one unit u of the buffer at a time (it matters only if the channel sells down to it, D ≥ A - u + 1):

- held back, it loses a sale where the others leave it over, O < u;
- shown, it is oversold where the others take it, O ≥ u.

Hence ``oversold(b) = Σ_{u=b+1..A} P(D ≥ A-u+1) P(O ≥ u)`` and ``lost(b) = Σ_{u=1..b} P(D ≥ A-u+1) P(O < u)``. Both
carry the same factor of D, so the buffer of least cost is the newsvendor's, and stock does not enter it: hold back
unit u as long as ``P(O ≥ u) > Cu / (Cu + Co)``.

Stock does enter where the window itself may be long, because a refresh is late now and then: if much is shown and
the channel sells out all the same, then the window is probably a long one, and the others took more too. Each window
then counts with its chance times ``P(D ≥ A-u+1)`` in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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
class WindowChance:
    """One length that the window may have, its ``chance``, and both demands (n,) in it."""

    chance: float
    own: Demand
    others: Demand


def held_back_when_late(windows: Sequence[WindowChance], available: Floats, alpha: Floats) -> Floats:
    """Units (n,) to hold back of ``available`` (n,) where the window has one of several lengths.

    As ``held_back`` for one window. A unit more makes a long window less likely and the others' demand for it too, so
    that the least buffer with a chance of at most ``alpha`` (n,) is found by halving.
    """
    low = np.full(len(available), -1.0)
    high: Floats = np.max([quantile(1 - alpha, window.others) for window in windows], axis=0)
    high = np.minimum(high, np.maximum(available, 0.0))
    rows = np.flatnonzero(high - low > 1)
    while len(rows):
        middle = np.floor((low[rows] + high[rows]) / 2)
        weight, exceeded = np.zeros(len(rows)), np.zeros(len(rows))
        for window in windows:
            sold_out = window.chance * at_least(available[rows] - middle, window.own[rows])
            weight += sold_out
            exceeded += sold_out * at_least(middle + 1, window.others[rows])
        short = exceeded > alpha[rows] * weight
        low[rows[short]] = middle[short]
        high[rows[~short]] = middle[~short]
        rows = rows[(high - low)[rows] > 1]
    return high


@dataclass(frozen=True)
class Mistakes:
    """Expected units (n,) per window: sold and not there, and withheld though they were left over."""

    oversold: Floats
    lost: Floats


def expected_mistakes(buffer: ArrayLike, available: ArrayLike, own: Demand, others: Demand) -> Mistakes:
    """Both mistakes of a ``buffer`` (n,) with ``available`` units (n,) at the moment of the refresh."""
    held, there = (
        np.maximum(np.broadcast_to(np.asarray(units, dtype=np.float64), own.mean.shape), 0.0)
        for units in (buffer, available)
    )
    held = np.minimum(held, there)
    others_most = quantile(1 - NEGLIGIBLE, others)
    own_most = quantile(1 - NEGLIGIBLE, own)
    reached = np.maximum(there - own_most, 0.0)
    oversold = _summed(np.maximum(held, reached), np.minimum(there, others_most), there, own, others, taken=True)
    lost = _summed(np.minimum(reached, held), held, there, own, others, taken=False)
    return Mistakes(oversold, lost)


def _summed(after: Floats, upto: Floats, there: Floats, own: Demand, others: Demand, *, taken: bool) -> Floats:
    """``Σ P(D ≥ A-u+1) P(O ≥ u, or < u)`` over the units u in (after, upto] (n,)."""
    found = np.zeros(len(own))
    rows = np.flatnonzero(upto > after)
    stretch = np.maximum(np.ceil((upto - after) / MOST_POINTS), 1.0)
    start = after.copy()
    while len(rows):
        width = np.minimum(stretch[rows], upto[rows] - start[rows])
        unit = start[rows] + np.ceil((width + 1) / 2)
        by_others = at_least(unit, others[rows])
        chance = at_least(there[rows] - unit + 1, own[rows]) * (by_others if taken else 1 - by_others)
        found[rows] += chance * width
        start[rows] += width
        rows = rows[start[rows] < upto[rows]]
    return found
