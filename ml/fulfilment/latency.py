"""Within how many hours nine of ten orders like one are through."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from ml.fulfilment.orders import FEATURES, SHARE, describe, outcomes_at
from ml.outcomes.drift import off_in_blocks
from ml.outcomes.trees import Growth, grow_quantile

LEAST_ORDERS = 300
"""Orders with an outcome below which nothing is learned."""
KEPT_ASIDE = 0.2
"""Of the orders, the newest, on which it is measured how far the others' quantile falls short."""
GROWTH = Growth(rounds=60, rate=0.05, leaves=4, ridge=5.0, least=50)

PLACE = FEATURES.index("place_hours")


class TooFewOrders(ValueError):
    """Not enough orders were seen through, so that no latency can be learned."""

    def __init__(self, orders: int) -> None:
        super().__init__(f"{orders} orders with an outcome: {LEAST_ORDERS} are needed")
        self.orders = orders


@dataclass(frozen=True)
class Latency:
    """A model of fulfilment latency that saw nothing which became known at ``until`` or later.

    The trees tell log1p of hours over what orders of the place usually take; ``correction`` is added. ``off`` is how
    far the share within was off ``SHARE`` when it learned (``outcomes.drift``).
    """

    trees: HistGradientBoostingRegressor
    correction: float
    until: datetime
    off: float

    def hours(self, told: pl.DataFrame) -> NDArray[np.float64]:
        """Hours (n,) within which ``SHARE`` of orders like each are through, for orders that ``with_past`` prepared."""
        rows = describe(told)
        size = self.trees.predict(rows) + self.correction + rows[:, PLACE]
        hours: NDArray[np.float64] = np.expm1(np.maximum(size, 0.0))
        return hours


def learn_latency(told: pl.DataFrame, until: datetime) -> Latency:
    """Learn from the orders placed before ``until`` as they were known by then.

    Boosted trees for the quantile, made right on orders they did not see (Romano, Patterson and Candès, "Conformalized
    quantile regression", 2019): on the newest fifth, with trees grown on the rest; the trees kept are grown on all.

    Raises:
        TooFewOrders: fewer than ``LEAST_ORDERS`` such orders.
    """
    seen = outcomes_at(told, until).sort("placed_at", "order")
    if len(seen) < LEAST_ORDERS:
        raise TooFewOrders(len(seen))
    rows = describe(seen)
    size = np.log1p(seen["hours"].to_numpy()) - rows[:, PLACE]
    learned = len(seen) - int(len(seen) * KEPT_ASIDE)
    short = size[learned:] - grow_quantile(rows[:learned], size[:learned], SHARE, GROWTH).predict(rows[learned:])
    level = min(SHARE * (1 + 1 / len(short)), 1.0)
    correction = float(np.quantile(short, level, method="inverted_cdf"))

    def told_and_seen(inside: NDArray[np.bool_]) -> tuple[float, float]:
        within = grow_quantile(rows[~inside], size[~inside], SHARE, GROWTH).predict(rows[inside]) + correction
        return SHARE, float((size[inside] <= within).mean())

    trees = grow_quantile(rows, size, SHARE, GROWTH)
    return Latency(trees, correction, until, off_in_blocks(len(seen), told_and_seen))


def pinball(hours: NDArray[np.float64], told: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss (n,) of a quantile ``told`` where it took ``hours`` (n,), in hours; the true quantile has the least.

    Koenker and Bassett, "Regression quantiles", Econometrica 46(1), 1978.
    """
    over = hours - told
    loss: NDArray[np.float64] = np.maximum(SHARE * over, (SHARE - 1) * over)
    return loss


def past_quantile(seen: pl.DataFrame, asked: pl.DataFrame) -> NDArray[np.float64]:
    """The plain rule (n,): within which ``SHARE`` of the orders ``seen`` at the same place were through.

    Of all where ``LEAST_OF_PLACE`` were not seen there.
    """
    every = float(np.quantile(seen["hours"].to_numpy(), SHARE))
    of_place = seen.group_by("place").agg(usual=pl.col("hours").quantile(SHARE), orders=pl.len())
    enough = of_place.filter(pl.col("orders") >= LEAST_OF_PLACE).select("place", "usual")
    return asked.join(enough, on="place", how="left", maintain_order="left")["usual"].fill_null(every).to_numpy()


LEAST_OF_PLACE = 10
