"""Orders far larger than an item's usual ones, told apart from everyday demand.

Where most orders are for a few units and some for hundreds, no one mean and spread fits: a negative binomial with the
variance of all of them expects nothing on most days. So each order is taken for an everyday one up to the size that
nine of ten do not exceed, and what goes beyond that size comes by chance: Poisson with ``rate`` orders a day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.exposure.distribution import MOST_DISPERSED, MOST_UNITS, Demand, Floats

USUAL_SHARE = 0.9
"""Share of an item's orders that are no larger than a usual one."""
ENOUGH_ORDERS = 10
"""Orders below which nothing is told apart: too few to say what is usual."""


@dataclass(frozen=True)
class BigOrders:
    """Of n items, each (n,): big orders a day, mean units of one beyond a usual order, variance over mean of those."""

    rate: Floats
    units: Floats
    dispersion: Floats

    @classmethod
    def none(cls, items: int) -> "BigOrders":
        """Nobody ever ordered much more than usual."""
        return cls(np.zeros(items), np.zeros(items), np.ones(items))

    def __getitem__(self, rows: NDArray[np.int64]) -> "BigOrders":
        return BigOrders(self.rate[rows], self.units[rows], self.dispersion[rows])

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool((self.rate > 0).any())

    @property
    def a_day(self) -> Floats:
        """Mean units a day (n,) that they ask for beyond usual orders."""
        units: Floats = self.rate * self.units
        return units

    def come(self, days: Floats) -> Floats:
        """The chance (n,) that one comes or more in ``days`` (n,)."""
        chance: Floats = -np.expm1(-self.rate * days)
        return chance

    def with_one(self, everyday: Demand) -> Demand:
        """Demand (n,) of a span in which one comes."""
        mean = np.maximum(everyday.mean + self.units, 1e-12)
        variance = everyday.mean * everyday.dispersion + self.units * self.dispersion
        return Demand.of(np.minimum(mean, MOST_UNITS), np.clip(variance / mean, 1.0, MOST_DISPERSED))


@dataclass(frozen=True)
class BigOrder:
    """Of one item: orders ``above`` so many units come ``rate`` times a day, with ``units`` more in the mean."""

    above: float
    rate: float
    units: float
    dispersion: float


def usual_size(orders: Floats) -> float:
    """Units that a usual order does not exceed, from the sizes of past ``orders`` (k,); infinite where too few."""
    if len(orders) < ENOUGH_ORDERS:
        return float("inf")
    return float(np.ceil(np.quantile(orders, USUAL_SHARE)))


def big_order(orders: Floats, days: float) -> BigOrder | None:
    """What goes beyond the usual size in ``orders`` (k,) of ``days``; None where nothing does."""
    above = usual_size(orders)
    beyond = orders[orders > above] - above
    if not len(beyond):
        return None
    mean = float(beyond.mean())
    return BigOrder(above, len(beyond) / days, mean, max(float(beyond.var()) / mean, 1.0))


def lot_of(orders: Floats) -> float:
    """Σq²/Σq of ``orders`` (k,), each taken up to its usual size; 1 where there is none."""
    usual = np.minimum(orders, usual_size(orders))
    return float((usual**2).sum() / usual.sum()) if usual.sum() > 0 else 1.0
