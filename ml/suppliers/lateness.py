"""The chance that an ordered line comes after its promise."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.outcomes.drift import off_in_blocks
from ml.outcomes.trees import Growth, grow_chance
from ml.suppliers.deliveries import describe

LEAST_LINES = 200
"""Lines with an outcome below which no chance is learned."""
GROWTH = Growth(rounds=150, rate=0.04, leaves=12, ridge=5.0)


class TooFewDeliveries(ValueError):
    """Not enough was delivered, or nothing of it late (or all), so that no chance can be learned."""

    def __init__(self, lines: int, late: int) -> None:
        super().__init__(f"{lines} lines with an outcome, {late} late: {LEAST_LINES} are needed, some late, some not")
        self.lines, self.late = lines, late


@dataclass(frozen=True)
class Lateness:
    """A model of lateness that saw nothing which became known at ``until`` or later.

    ``off`` is how far the share told was off the share seen when it learned (``outcomes.drift``).
    """

    trees: HistGradientBoostingClassifier
    until: datetime
    off: float

    def chances(self, told: pl.DataFrame) -> NDArray[np.float64]:
        """Chance of coming late (n,) for lines that ``with_past`` prepared."""
        chances: NDArray[np.float64] = self.trees.predict_proba(describe(told))[:, 1]
        return chances


def learn_lateness(told: pl.DataFrame, until: datetime) -> Lateness:
    """Learn from the lines promised before ``until`` whose outcome was known by then.

    Gradient boosted trees, small against the few thousand lines that a buyer has; settings were chosen on the last
    quarter of the lines for learning.

    Raises:
        TooFewDeliveries: fewer than ``LEAST_LINES`` such lines, or all with one outcome.
    """
    seen = told.filter((pl.col("promised_at") < until) & (pl.col("known_at") < until)).sort("promised_at", "line")
    late = seen["late"].to_numpy().astype(bool)
    if len(seen) < LEAST_LINES or late.all() or not late.any():
        raise TooFewDeliveries(len(seen), int(late.sum()))
    rows = describe(seen)

    def told_and_seen(inside: NDArray[np.bool_]) -> tuple[float, float]:
        rest = late[~inside]
        if rest.all() or not rest.any():
            return float(rest.mean()), float(late[inside].mean())
        chances = grow_chance(rows[~inside], rest, GROWTH).predict_proba(rows[inside])[:, 1]
        return float(chances.mean()), float(late[inside].mean())

    return Lateness(grow_chance(rows, late, GROWTH), until, off_in_blocks(len(late), told_and_seen))
