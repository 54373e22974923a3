"""Gradient boosted trees that tell a chance or a quantile, also where a column holds nothing at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor


@dataclass(frozen=True)
class Growth:
    """How trees are grown: how many, how far each goes, with how many leaves of how many cases, how held back.

    Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29(5), 2001.
    """

    rounds: int
    rate: float
    leaves: int
    ridge: float
    least: int = 30

    def settings(self) -> dict[str, Any]:
        """As scikit-learn calls them."""
        return {
            "learning_rate": self.rate,
            "max_iter": self.rounds,
            "max_leaf_nodes": self.leaves,
            "min_samples_leaf": self.least,
            "l2_regularization": self.ridge,
            "early_stopping": False,
            "random_state": 0,
        }


def grow_chance(
    rows: NDArray[np.float64], happened: NDArray[np.bool_], growth: Growth
) -> HistGradientBoostingClassifier:
    """Trees for ``rows`` (n, k) and whether it happened in each (n,); NaN is a value of its own."""
    return HistGradientBoostingClassifier(**growth.settings()).fit(_filled(rows), happened)


def grow_quantile(
    rows: NDArray[np.float64], values: NDArray[np.float64], share: float, growth: Growth
) -> HistGradientBoostingRegressor:
    """Trees for ``rows`` (n, k) that tell what a ``share`` of the ``values`` (n,) does not exceed."""
    trees = HistGradientBoostingRegressor(loss="quantile", quantile=share, **growth.settings())
    return trees.fit(_filled(rows), values)


def _filled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A column without any value cannot be cut into bins, so it is made constant: no tree splits on it."""
    return np.where(np.isnan(rows).all(axis=0), 0.0, rows)
