"""Gradient boosting of structured evidence."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import ThreadpoolController


def fitted_trees(
    matrix: NDArray[np.float32],
    truth: NDArray[np.intp],
    weights: NDArray[np.float64] | None = None,
    rounds: int = 60,
    leaves_a_tree: int = 12,
    seed: int = 0,
) -> HistGradientBoostingClassifier:
    """Gradient boosting from the rows of ``matrix`` (n, k) to ``truth`` (n,), each row as heavy as in ``weights`` (n,).

    On one thread: several wait for each other at every split, and on a busy machine that costs more than it saves.
    """
    estimator = HistGradientBoostingClassifier(
        max_iter=rounds,
        max_leaf_nodes=leaves_a_tree,
        min_samples_leaf=25,
        l2_regularization=5.0,
        learning_rate=0.12,
        categorical_features=None,
        early_stopping=False,
        random_state=seed,
    )
    with _threads().limit(limits=1):
        return estimator.fit(matrix, truth, sample_weight=weights)


def cause_probabilities(structure: HistGradientBoostingClassifier, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability of each cause (n, causes) for the rows of ``matrix`` (n, k).

    On one thread: trees this small are walked faster than several threads are woken, above all on a busy machine.
    """
    with _threads().limit(limits=1):
        told: NDArray[np.float64] = structure.predict_proba(matrix)
    return told


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the libraries costs more than a prediction: done once
