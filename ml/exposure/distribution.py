"""How many units are asked for: Poisson, or negative binomial where demand comes in bursts.

A demand has a ``mean`` (units) and a ``dispersion`` (variance over mean). At dispersion 1 it is Poisson; above,
the negative binomial with ``r = mean / (dispersion - 1)`` and ``p = 1 / dispersion``, which is a Poisson whose
rate is itself gamma distributed. Tail chances are regularised incomplete gamma and beta functions
(Abramowitz and Stegun 6.5 and 26.5.26), so no sum over units is ever taken.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BARELY_DISPERSED = 1e-4
"""Up to this much above 1, a dispersion is taken for 1: the gamma functions would lose what it says."""
MOST_UNITS = 1e15
"""More than this nobody asks for (the ledger takes no larger quantity), and every whole number is a float64."""
MOST_DISPERSED = 1e6
"""Above this a demand is nothing for ages and then everything at once; it describes no SKU."""


class NotADemand(ValueError):
    """``count`` of the demands handed in break ``rule``: no distribution is described by them."""

    def __init__(self, rule: str, count: int) -> None:
        super().__init__(f"{count} demands break the rule: {rule}")
        self.rule = rule
        self.count = count


@dataclass(frozen=True)
class Demand:
    """Demands ``mean`` and ``dispersion``, both (n,) or (k, n), known to be admissible."""

    mean: Floats
    dispersion: Floats

    @classmethod
    def of(cls, mean: ArrayLike, dispersion: ArrayLike) -> "Demand":
        """Demands after checking.

        Raises:
            NotADemand: a mean outside [0, ``MOST_UNITS``], a dispersion outside [1, ``MOST_DISPERSED``], or no number.
        """
        means, dispersions = np.broadcast_arrays(
            np.atleast_1d(np.asarray(mean, dtype=np.float64)), np.atleast_1d(np.asarray(dispersion, dtype=np.float64))
        )
        _refuse("mean demand is between 0 and 10^15 units", ~((means >= 0) & (means <= MOST_UNITS)))
        _refuse("dispersion is between 1 and a million", ~((dispersions >= 1) & (dispersions <= MOST_DISPERSED)))
        return cls(means, dispersions)

    @property
    def bursts(self) -> Mask:
        """Which are negative binomial (n,)."""
        return self.dispersion > 1 + BARELY_DISPERSED

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: int | Mask | NDArray[np.int64]) -> "Demand":
        return Demand(self.mean[rows], self.dispersion[rows])


def _refuse(rule: str, broken: Mask) -> None:
    if broken.any():
        raise NotADemand(rule, int(broken.sum()))


def at_least(units: ArrayLike, demand: Demand) -> Floats:
    """P(D ≥ ``units``) for each demand (n,); ``units`` broadcasts to (n,) and is rounded up to whole units."""
    asked = np.broadcast_to(np.ceil(np.asarray(units, dtype=np.float64)), demand.mean.shape)
    found = np.ones(demand.mean.shape)
    some = asked > 0
    bursts = demand.bursts
    plain, bursty = some & ~bursts, some & bursts
    if plain.any():
        found[plain] = np.asarray(special.gammainc(asked[plain], demand.mean[plain]), dtype=np.float64)
    if bursty.any():
        found[bursty] = burst_at_least(asked[bursty], demand[bursty])
    return found


def burst_at_least(units: Floats, demand: Demand) -> Floats:
    """P(D ≥ ``units``) (n,) of negative binomial demands, for ``units`` ≥ 1."""
    over = demand.dispersion - 1
    found = np.asarray(special.betainc(units, demand.mean / over, over / demand.dispersion), dtype=np.float64)
    return np.where(demand.mean > 0, found, 0.0)


def quantile(chance: ArrayLike, demand: Demand) -> Floats:
    """The fewest whole units that cover the demand with at least ``chance`` (n,), each 0 ≤ chance < 1.

    Found by doubling and halving on the tail chance, so that it agrees with ``at_least`` to the unit.

    Raises:
        ValueError: a chance outside [0, 1): no number of units covers a demand for certain.
    """
    left = 1 - np.broadcast_to(np.asarray(chance, dtype=np.float64), demand.mean.shape)
    if not ((left > 0) & (left <= 1)).all():
        raise ValueError("a chance to cover must be at least 0 and below 1")
    low = np.full(len(demand), -1.0)
    high = np.ceil(demand.mean)
    open_rows = np.flatnonzero(at_least(high + 1, demand) > left)
    step = np.ceil(np.sqrt(demand.mean * demand.dispersion)) + 1
    while len(open_rows):
        low[open_rows] = high[open_rows]
        high[open_rows] = np.minimum(high[open_rows] + step[open_rows], 2 * MOST_UNITS)
        step[open_rows] *= 2
        still = at_least(high[open_rows] + 1, demand[open_rows]) > left[open_rows]
        open_rows = open_rows[still & (high[open_rows] < 2 * MOST_UNITS)]
    open_rows = np.flatnonzero(high - low > 1)
    while len(open_rows):
        middle = np.floor((low[open_rows] + high[open_rows]) / 2)
        short = at_least(middle + 1, demand[open_rows]) > left[open_rows]
        low[open_rows[short]] = middle[short]
        high[open_rows[~short]] = middle[~short]
        open_rows = open_rows[(high - low)[open_rows] > 1]
    return high
