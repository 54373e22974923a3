"""Our rule: hold back the units that the others would have taken before the channel sells down to them.

A channel shows P = A - b of A units. It sells the unit u from the end of the stock (u = b+1 is the last one shown) when
its own demand since the refresh reaches A-u+1, and that unit is there if the others have taken fewer than u by then.
What they take afterwards harms nobody, and if the channel is put right before, neither. So a unit is worth holding back
while the chance that it is gone *when the channel gets to it* is above the accepted one. The time from the refresh is
looked at in stretches: three equal ones of the regular window, and one for refreshes that come late. Which stretch the
channel sells down in depends on how much is shown, which is how stock enters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.buffers.shocks import levels
from ml.buffers.tails import Tail
from ml.exposure.distribution import MOST_UNITS, Demand, Floats, at_least, quantile

PARTS = (1 / 3, 2 / 3, 1.0)
"""Ends of the stretches of a regular window, as shares of it."""
OUT_OF_REACH = 1e-9
"""Chance to sell down to a unit below which the stock of the moment decides nothing."""
MOST_WALKED = 256
"""Units that are looked at one by one; where more are in question the search goes by halves."""

Until = Callable[[Floats, Floats], Demand]
"""The demand (n,) from the refresh until a share (n,) of the regular window has passed (above 1 when it is late), at a
level (n,) of the shock that the channel and the others share."""


Big = Callable[[Floats, Demand], tuple[Floats, Demand]]
"""The chance (n,) that the others place a big order until a share (n,) of the regular window has passed, and their
demand (n,) with it, given their everyday demand."""


@dataclass(frozen=True)
class Late:
    """``share`` of the refreshes (n,) come late, after ``times`` the regular window (n,) in the mean."""

    share: Floats
    times: Floats


@dataclass(frozen=True)
class Stretch:
    """A stretch of time after a refresh at one level of the shared shock, and the ``chance`` (n,) of both.

    That is the chance of the level and that the channel is not put right before the stretch's end.
    ``own`` is the channel's demand from the refresh to the stretch's end, ``others`` that of all others to its middle,
    each (n,). Only the ``first`` stretch of a level has none before it.
    """

    first: bool
    chance: Floats
    own: Demand
    others: Demand


def stretches(own: Until, others: Until, late: Late, shared: Floats, big: Big | None = None) -> list[Stretch]:
    """The stretches of n windows in order, at each level of a shock of relative variance ``shared`` (n,).

    With ``big`` orders every level is told twice: without one, and with one. They come last, so that the last stretch
    is the one in which the others take most.
    """
    certain = np.ones(len(shared))
    ends = [(certain * part, certain) for part in PARTS]
    if (late.share > 0).any():
        ends.append((np.maximum(late.times, 1.0), late.share))
    found: list[Stretch] = []
    with_big: list[Stretch] = []
    for share, level in levels(shared):
        begin = np.zeros(len(certain))
        for number, (end, chance) in enumerate(ends):
            middle, asked = (begin + end) / 2, own(end, level)
            taken = others(middle, level)
            comes, taken_with = (0.0 * chance, taken) if big is None else big(middle, taken)
            found.append(Stretch(number == 0, share * chance * (1 - comes), asked, taken))
            with_big.append(Stretch(number == 0, share * chance * comes, asked, taken_with))
            begin = end
    return found if big is None else [*found, *with_big]


def latest(found: Sequence[Stretch]) -> list[Stretch]:
    """The last stretch of each level: demand only adds up, so by then most has been asked for."""
    return [one for one, after in zip(found, [*found[1:], None], strict=True) if after is None or after.first]


def held_back_in_race(
    found: Sequence[Stretch], regular: Demand, available: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Units (m,) to hold back of ``available`` (m,), where a unit may be gone with a chance of ``alpha`` (m,).

    Of the fewest units beyond which none is gone more often, as many as cost least together. ``rows`` (m,) says whose
    stretches each belongs to. Where the stock is out of the channel's reach, or unknown (NaN), it is the plain quantile
    of ``regular`` (n,), the others' demand in a regular window.
    """
    most = np.max([quantile(1 - alpha, stretch.others[rows]) for stretch in latest(found)], axis=0)
    most = np.minimum(most, np.maximum(np.nan_to_num(available, nan=np.inf), 0.0))
    down_to = np.nan_to_num(available - most, nan=MOST_UNITS)
    in_reach = np.max([at_least(down_to, stretch.own[rows]) for stretch in latest(found)], axis=0) > OUT_OF_REACH
    held: Floats = most.copy()
    beyond = np.flatnonzero(~in_reach)
    held[beyond] = quantile(1 - alpha[beyond], regular[rows[beyond]])
    walked = np.flatnonzero(in_reach & (most > 0) & (most <= MOST_WALKED))
    walked = walked[np.argsort(-most[walked], kind="stable")]
    if len(walked):
        held[walked] = _cheapest(found, available[walked], most[walked], alpha[walked], rows[walked])
    halved = np.flatnonzero(in_reach & (most > MOST_WALKED))
    held[halved] = _halved(found, available[halved], most[halved], alpha[halved], rows[halved])
    return held


def _cheapest(
    found: Sequence[Stretch], available: Floats, most: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Of 0 to ``most`` units (m,), which falls, those that cost least when held back.

    Showing the last of them instead costs what it is gone when the channel gets to it, and saves ``alpha`` for every
    time the channel gets to it.
    """
    own = [Tail.rising(available - most + 1, stretch.own[rows]) for stretch in found]
    others = [Tail.falling(most, stretch.others[rows]) for stretch in found]
    chances = [stretch.chance[rows] for stretch in found]
    cost, least, held = np.zeros(len(rows)), np.zeros(len(rows)), most.copy()
    for shown, count in enumerate(np.searchsorted(-most, -np.arange(int(most[0])), side="left").tolist(), 1):
        before = np.zeros(count)
        for stretch, mine, theirs, chance in zip(found, own, others, chances, strict=True):
            by_end = mine.beyond[:count].copy()
            here = np.maximum(by_end - (0.0 if stretch.first else before), 0.0) * chance[:count]
            cost[:count] += here * (theirs.beyond[:count] - alpha[:count])
            before = by_end
            mine.rise(count)
            theirs.fall(count)
        cheaper = cost[:count] <= least[:count]
        least[:count] = np.where(cheaper, cost[:count], least[:count])
        held[:count] = np.where(cheaper, most[:count] - shown, held[:count])
    return held


def _halved(
    found: Sequence[Stretch], available: Floats, most: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Units (m,) up to ``most`` (m,) where the chance to be gone falls to ``alpha`` (m,)."""
    held, low = most.copy(), np.full(len(rows), -1.0)
    open_rows = np.flatnonzero(held - low > 1)
    while len(open_rows):
        middle = np.floor((low[open_rows] + held[open_rows]) / 2)
        short = _gone(found, available[open_rows], middle, rows[open_rows]) > alpha[open_rows]
        low[open_rows[short]] = middle[short]
        held[open_rows[~short]] = middle[~short]
        open_rows = open_rows[(held - low)[open_rows] > 1]
    return held


def _gone(found: Sequence[Stretch], available: Floats, held: Floats, rows: NDArray[np.int64]) -> Floats:
    """The chance (m,) that the last unit shown is gone when the channel sells it, given that it does."""
    reached, gone, before = (np.zeros(len(held)) for _ in range(3))
    for stretch in found:
        by_end = at_least(available - held, stretch.own[rows])
        before = np.zeros(len(held)) if stretch.first else before
        here = stretch.chance[rows] * np.maximum(by_end - before, 0.0)
        reached += here
        gone += here * at_least(held + 1, stretch.others[rows])
        before = by_end
    return np.divide(gone, reached, out=np.zeros(len(held)), where=reached > 0)
