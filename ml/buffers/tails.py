"""Tail chances of consecutive units, each from the one before it.

Poisson and negative binomial chances follow ``P(k+1) = P(k) · (a + b·k) / (k + 1)`` with ``b = (φ-1)/φ`` and
``a = mean/φ`` (Panjer, Recursive evaluation of a family of compound distributions, ASTIN Bulletin 12, 1981). So a tail
chance needs one incomplete beta function to begin with, and a multiplication for every further unit.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.exposure.distribution import Demand, Floats, at_least

TINY = 1e-300


@dataclass
class Tail:
    """Chances of demands (..., n) at consecutive units, the same (n,) for all demands of a column.

    ``beyond`` is the chance of at least so many units, ``exactly`` that of the ``units`` next in turn; ``first``
    and ``grows`` are Panjer's a and b. Columns that are done stand last, so that only the first ``count`` go on.
    """

    beyond: Floats
    exactly: Floats
    units: Floats
    first: Floats
    grows: Floats

    @classmethod
    def rising(cls, units: Floats, demand: Demand) -> "Tail":
        """From ``units`` (n,) upwards."""
        return cls(at_least(units, demand), exactly(units, demand), units.copy(), *_steps(demand))

    @classmethod
    def falling(cls, units: Floats, demand: Demand) -> "Tail":
        """From ``units`` (n,), 1 or more, downwards."""
        return cls(at_least(units, demand), exactly(units - 1, demand), units - 1, *_steps(demand))

    def rise(self, count: int) -> None:
        """One unit more for the first ``count`` columns."""
        units, chance = self.units[..., :count], self.exactly[..., :count]
        self.beyond[..., :count] -= chance
        chance *= (self.first[..., :count] + self.grows[..., :count] * units) / (units + 1)
        units += 1

    def fall(self, count: int) -> None:
        """One unit less for the first ``count`` columns."""
        units, chance = self.units[..., :count], self.exactly[..., :count]
        self.beyond[..., :count] += chance
        chance *= units / np.maximum(self.first[..., :count] + self.grows[..., :count] * (units - 1), TINY)
        units -= 1


def exactly(units: Floats, demand: Demand) -> Floats:
    """P(D = ``units``) (n,) for whole ``units`` of 0 or more."""
    plain = special.xlogy(units, demand.mean) - demand.mean - special.gammaln(units + 1)
    bursts = demand.bursts & (demand.mean > TINY)
    over = np.where(bursts, demand.dispersion - 1, 1.0)
    size = np.where(bursts, demand.mean, 1.0) / over
    bursty = (
        special.gammaln(units + size) - special.gammaln(size) - special.gammaln(units + 1)
        - size * np.log1p(over) + units * (np.log(over) - np.log1p(over))
    )  # fmt: skip
    found: Floats = np.exp(np.where(bursts, bursty, plain))
    return found


def _steps(demand: Demand) -> tuple[Floats, Floats]:
    """Panjer's a and b (n,)."""
    over = np.where(demand.bursts, demand.dispersion - 1, 0.0)
    return demand.mean / (1 + over), over / (1 + over)
