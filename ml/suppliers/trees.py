"""Gradient boosted trees that tell a chance, also where a column holds nothing at all."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier


def grow(
    rows: NDArray[np.float64],
    happened: NDArray[np.bool_],
    *,
    rounds: int,
    rate: float,
    leaves: int,
    ridge: float,
) -> HistGradientBoostingClassifier:
    """Trees for ``rows`` (n, k) and whether it happened in each (n,); NaN is a value of its own.

    A column without any value cannot be cut into bins, so it is made constant: no tree splits on it. Friedman, Greedy
    function approximation: a gradient boosting machine, Annals of Statistics 29(5), 2001.
    """
    empty = np.isnan(rows).all(axis=0)
    trees = HistGradientBoostingClassifier(
        learning_rate=rate,
        max_iter=rounds,
        max_leaf_nodes=leaves,
        min_samples_leaf=30,
        l2_regularization=ridge,
        early_stopping=False,
        random_state=0,
    )
    return trees.fit(np.where(empty, 0.0, rows), happened)
