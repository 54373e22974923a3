"""Both mistakes of a buffer: what it costs to hold back too much and too little, and how often each is made.

Following one unit u of the stock at a time (``race``): it matters only if the channel sells down to it. Held back, it
loses a sale where the others have not taken it by then; shown, it is oversold where they have. Both carry the same
chance that the channel gets there, so the buffer of least cost is the newsvendor's: hold back unit u as long as the
chance that it is gone is above ``Cu / (Cu + Co)``. Added up over the units shown and withheld they are what is expected
to be oversold and lost until the channel is put right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.buffers.race import MOST_WALKED, Stretches
from ml.buffers.tails import Tail
from ml.exposure.distribution import Demand, Floats, at_least, quantile

LEAST_ALPHA, MOST_ALPHA = 0.0005, 0.5
"""Bounds of the accepted chance that others take more than is held back: no buffer is for certain, and none is so
small that the others usually take more."""
MOST_POINTS = 64
"""Stretches in which long sums are taken."""
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


def expected_mistakes(buffer: ArrayLike, available: ArrayLike, found: Stretches) -> Mistakes:
    """Both mistakes of a ``buffer`` (n,) with ``available`` units (n,) at the moment of the refresh."""
    held, there = (
        np.maximum(np.broadcast_to(np.asarray(units, dtype=np.float64), found.chance.shape[1:]), 0.0)
        for units in (buffer, available)
    )
    held = np.minimum(held, there)
    # At this chance the highest level of the shared shock reaches furthest.
    last = found.latest()
    others_most, own_most = quantile(1 - NEGLIGIBLE, last.others[-1]), quantile(1 - NEGLIGIBLE, last.own[-1])
    reached = np.maximum(there - own_most, 0.0)
    oversold = _summed(np.maximum(held, reached), np.minimum(there, others_most), there, found, taken=True)
    lost = _summed(np.minimum(reached, held), held, there, found, taken=False)
    return Mistakes(oversold, lost)


def _summed(after: Floats, upto: Floats, there: Floats, found: Stretches, *, taken: bool) -> Floats:
    """The chances to sell down to unit u and find it taken (or not), summed over u in (after, upto] (n,)."""
    total = np.zeros(len(there))
    length = upto - after
    short = np.flatnonzero((length > 0) & (length <= MOST_WALKED))
    short = short[np.argsort(-length[short], kind="stable")]
    if len(short):
        total[short] = _one_by_one(after[short] + 1, length[short], there[short], found, short, taken=taken)
    long = np.flatnonzero(length > MOST_WALKED)
    if len(long):
        total[long] = _in_stretches(after[long], upto[long], there[long], found, long, taken=taken)
    return total


def _one_by_one(
    unit: Floats, length: Floats, there: Floats, found: Stretches, rows: NDArray[np.int64], *, taken: bool
) -> Floats:
    """The chances to sell down to a unit of ``there`` (m,) and find it taken (or not), summed over units (m,).

    The units are the ``length`` (m,), which falls, from ``unit`` (m,) on; ``rows`` says whose stretches each belongs
    to.
    """
    found = found.only(rows)
    own = Tail.falling(there - unit + 1, found.own)
    others = Tail.rising(unit, found.others)
    total = np.zeros(len(rows))
    ends = np.searchsorted(-length, -np.arange(int(length[0])), side="left")
    for count in ends.tolist():
        here, gone = found.sold_within(own.beyond[:, :count]), found.gone(others.beyond[:, :count])
        here *= gone if taken else 1 - gone
        total[:count] += here.sum(axis=0)
        own.fall(count)
        others.rise(count)
    return total


def _in_stretches(
    after: Floats, upto: Floats, there: Floats, found: Stretches, rows: NDArray[np.int64], *, taken: bool
) -> Floats:
    """As ``_summed`` (m,) for long sums: the middle of each of ``MOST_POINTS`` equal stretches stands for all of it."""
    total, start = np.zeros(len(rows)), after.copy()
    part = np.ceil((upto - after) / MOST_POINTS)
    left = np.arange(len(rows))
    while len(left):
        width = np.minimum(part[left], upto[left] - start[left])
        unit = start[left] + np.ceil((width + 1) / 2)
        here = found.only(rows[left])
        gone = here.gone(at_least(unit, here.others))
        sold = here.sold_within(at_least(there[left] - unit + 1, here.own))
        total[left] += (sold * (gone if taken else 1 - gone)).sum(axis=0) * width
        start[left] += width
        left = left[start[left] < upto[left]]
    return total
