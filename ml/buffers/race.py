"""Our rule: hold back the units that the others would have taken before the channel sells down to them.

A channel shows P = A - b of A units. It sells the unit u from the end of the stock (u = b+1 is the last one shown) when
its own demand since the refresh reaches A-u+1, and that unit is there if the others have taken fewer than u by then.
What they take afterwards harms nobody, and if the channel is put right before, neither; and once a receipt has come,
there is enough for all. So a unit is worth holding back
while the chance that it is gone *when the channel gets to it* is above the accepted one. The time from the refresh is
looked at in stretches: three equal ones of the regular window, and two for refreshes that come late. Which stretch the
channel sells down in depends on how much is shown, which is how stock enters.

The further a unit lies beyond what the others usually take, the more its chance rests on how bursty they are thought
to be, and the more often it is told too high: of units told alike, those beyond many times the usual were gone far less
often than those beyond one or two (``believed``).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.buffers.shocks import levels
from ml.buffers.tails import TINY, Tail
from ml.exposure.distribution import MOST_UNITS, Demand, Floats, Mask, at_least, quantile

PARTS = (1 / 3, 2 / 3, 1.0)
"""Ends of the stretches of a regular window, as shares of it."""
LATE_PARTS = (1 / 2, 1.0)
"""Ends of the stretches of the time after it until a late refresh, as shares of that time."""
OUT_OF_REACH = 1e-9
"""Chance to sell down to a unit below which the stock of the moment decides nothing."""
DOUBT = 0.5
"""Power of Markov's bound, the usual demand over the units, by which a chance is believed less; at 0 not at all."""
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


def middles(late: Late) -> list[Floats]:
    """The middle of each stretch, the late ones last, as shares (n,) of the regular window."""
    begins = itertools.pairwise([np.zeros(len(late.share)), *_ends(late)])
    return [(begin + end) / 2 for begin, end in begins]


def _ends(late: Late) -> list[Floats]:
    """The end of each stretch, the late ones last, as shares (n,) of the regular window."""
    longer = np.maximum(late.times, 1.0) - 1
    return [*(np.full(len(longer), part) for part in PARTS), *(1 + longer * part for part in LATE_PARTS)]


@dataclass(frozen=True)
class Stretches:
    """The k stretches of time after each of n refreshes, one row of every array each.

    ``chance`` (k, n) is that of the stretch's level of the shared shock and that the channel is not put right before
    the stretch's end. ``own`` (k, n) is the channel's demand from the refresh to the stretch's end, ``others`` (k, n)
    that of all others to its middle, and ``scarce`` (k, n) the chance that no receipt has come by then: what comes in
    serves whoever asks. Only a ``first`` one (k,) of a level has none before it.
    """

    first: Mask
    chance: Floats
    own: Demand
    others: Demand
    scarce: Floats

    def only(self, rows: NDArray[np.int64] | Mask) -> "Stretches":
        """Of the windows in ``rows`` (m,)."""
        own, others = (Demand(pool.mean[:, rows], pool.dispersion[:, rows]) for pool in (self.own, self.others))
        return Stretches(self.first, self.chance[:, rows], own, others, self.scarce[:, rows])

    def latest(self) -> "Stretches":
        """The last stretch of each level: demand only adds up, so by then most has been asked for."""
        last = np.append(self.first[1:], True)
        own, others = (Demand(pool.mean[last], pool.dispersion[last]) for pool in (self.own, self.others))
        return Stretches(np.ones(int(last.sum()), dtype=bool), self.chance[last], own, others, self.scarce[last])

    def gone(self, taken: Floats) -> Floats:
        """The chances (k, n) that a unit is not there, from those that the others have ``taken`` it (k, n)."""
        found: Floats = taken * self.scarce[:, : taken.shape[1]]
        return found

    def sold_within(self, by_end: Floats) -> Floats:
        """The chances (k, n) that the channel gets to a unit within each stretch, from those by its end (k, n)."""
        found = by_end.copy()
        found[1:] -= by_end[:-1]
        found[self.first] = by_end[self.first]
        np.maximum(found, 0.0, out=found)
        found *= self.chance[:, : by_end.shape[1]]
        return found


def stretches(
    own: Until, others: Until, late: Late, shared: Floats, big: Big | None = None, receipts: Floats | None = None
) -> Stretches:
    """The stretches of n windows in order, at each level of a shock of relative variance ``shared`` (n,).

    ``receipts`` (stretches, n) are the chances that a receipt comes before each of the ``middles``; without them none
    comes before the channel is put right. With ``big`` orders every level is told twice: without one, and with one.
    They come last, so that the last stretch is the one in which the others take most.
    """
    certain = np.ones(len(shared))
    chances = [certain for _ in PARTS]
    if (late.share > 0).any():
        chances += [late.share for _ in LATE_PARTS]
    without: list[tuple[Floats, Demand, Demand, Floats]] = []
    with_big: list[tuple[Floats, Demand, Demand, Floats]] = []
    for share, level in levels(shared):
        for place, (chance, end, middle) in enumerate(zip(chances, _ends(late), middles(late), strict=False)):
            asked = own(end, level)
            taken = others(middle, level)
            comes, taken_with = (0.0 * chance, taken) if big is None else big(middle, taken)
            scarce = certain if receipts is None else 1 - receipts[place]
            without.append((share * chance * (1 - comes), asked, taken, scarce))
            with_big.append((share * chance * comes, asked, taken_with, scarce))
    told = without if big is None else [*without, *with_big]
    first = np.arange(len(told)) % len(chances) == 0
    weights, asked_for, gone, scarce = zip(*told, strict=True)
    return Stretches(first, np.array(weights), _stacked(asked_for), _stacked(gone), np.array(scarce))


def _stacked(demands: Sequence[Demand]) -> Demand:
    return Demand(np.array([one.mean for one in demands]), np.array([one.dispersion for one in demands]))


def believed(units: Floats, usual: Floats) -> Floats:
    """What a told chance (m,) that the others take ``units`` (m,) is taken for, as a share of it.

    ``usual`` (m,) is what they take in a mean window of that length. They take ``units`` in at most usual / units of
    all windows (Markov's inequality), whatever the spread; the told chance is drawn towards that by ``DOUBT``.
    """
    share: Floats = np.minimum(np.maximum(usual, TINY) / np.maximum(units, 1.0), 1.0) ** DOUBT
    return share


def held_back_in_race(
    found: Stretches, regular: Demand, usual: Floats, available: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Units (m,) to hold back of ``available`` (m,), where a unit may be gone with a chance of ``alpha`` (m,).

    Of the fewest units beyond which none is gone more often, as many as cost least together. ``rows`` (m,) says whose
    stretches each belongs to, and whose ``usual`` demand of the others in a regular window (n,), by which chances are
    ``believed``. Where the stock is out of the channel's reach, or unknown (NaN), it is the plain quantile of
    ``regular`` (n,), the others' demand in a regular window.
    """
    last = found.latest().only(rows)
    every = Demand(last.others.mean.ravel(), last.others.dispersion.ravel())
    most = quantile(np.tile(1 - alpha, len(last.first)), every).reshape(last.chance.shape).max(axis=0)
    most = np.minimum(most, np.maximum(np.nan_to_num(available, nan=np.inf), 0.0))
    down_to = np.nan_to_num(available - most, nan=MOST_UNITS)
    in_reach = at_least(down_to, last.own).max(axis=0) > OUT_OF_REACH
    held: Floats = most.copy()
    beyond = np.flatnonzero(~in_reach)
    held[beyond] = quantile(1 - alpha[beyond], regular[rows[beyond]])
    walked = np.flatnonzero(in_reach & (most > 0) & (most <= MOST_WALKED))
    walked = walked[np.argsort(-most[walked], kind="stable")]
    if len(walked):
        held[walked] = _cheapest(found, usual, available[walked], most[walked], alpha[walked], rows[walked])
    halved = np.flatnonzero(in_reach & (most > MOST_WALKED))
    held[halved] = _halved(found, usual, available[halved], most[halved], alpha[halved], rows[halved])
    return held


def _cheapest(
    found: Stretches, usual: Floats, available: Floats, most: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Of 0 to ``most`` units (m,), which falls, those that cost least when held back.

    Showing the last of them instead costs what it is gone when the channel gets to it, and saves ``alpha`` for every
    time the channel gets to it.
    """
    found, usual = found.only(rows), usual[rows]
    own = Tail.rising(available - most + 1, found.own)
    others = Tail.falling(most, found.others)
    cost, least, held = np.zeros(len(rows)), np.zeros(len(rows)), most.copy()
    for shown, count in enumerate(np.searchsorted(-most, -np.arange(int(most[0])), side="left").tolist(), 1):
        here = found.sold_within(own.beyond[:, :count])
        # Instead of the chance in each stretch, the accepted one is divided by how far it is believed.
        accepted = alpha[:count] / believed(most[:count] - shown + 1, usual[:count])
        here *= found.gone(others.beyond[:, :count]) - accepted
        cost[:count] += here.sum(axis=0)
        own.rise(count)
        others.fall(count)
        cheaper = cost[:count] <= least[:count]
        least[:count] = np.where(cheaper, cost[:count], least[:count])
        held[:count] = np.where(cheaper, most[:count] - shown, held[:count])
    return held


def _halved(
    found: Stretches, usual: Floats, available: Floats, most: Floats, alpha: Floats, rows: NDArray[np.int64]
) -> Floats:
    """Units (m,) up to ``most`` (m,) where the chance to be gone falls to ``alpha`` (m,)."""
    held, low = most.copy(), np.full(len(rows), -1.0)
    open_rows = np.flatnonzero(held - low > 1)
    while len(open_rows):
        middle = np.floor((low[open_rows] + held[open_rows]) / 2)
        told = _gone(found, available[open_rows], middle, rows[open_rows])
        short = told * believed(middle + 1, usual[rows[open_rows]]) > alpha[open_rows]
        low[open_rows[short]] = middle[short]
        held[open_rows[~short]] = middle[~short]
        open_rows = open_rows[(held - low)[open_rows] > 1]
    return held


def _gone(found: Stretches, available: Floats, held: Floats, rows: NDArray[np.int64]) -> Floats:
    """The chance (m,) that the last unit shown is gone when the channel sells it, given that it does."""
    found = found.only(rows)
    here = found.sold_within(at_least(available - held, found.own))
    reached = here.sum(axis=0)
    gone = (here * found.gone(at_least(held + 1, found.others))).sum(axis=0)
    chance: Floats = np.divide(gone, reached, out=np.zeros(len(held)), where=reached > 0)
    return chance
