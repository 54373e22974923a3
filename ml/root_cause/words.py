"""Fitting the weights of words: what tells causes apart, and how often each cause says what, in one linear model.

A logistic regression weighs what sets causes apart in the phrases it has seen, and leans on few words. Complement naive
Bayes (Rennie, Shih, Teevan, Karger, "Tackling the Poor Assumptions of Naive Bayes Text Classifiers", 2003) counts every
word of every cause, which carries further to wording that nobody has seen. Both are linear in the same features, so
their sum is one set of weights and costs no more than either. Features are scaled by how rare they are.
"""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB

from ml.root_cause.recipe import Recipe

_SMOOTHING = 0.3
"""Added to each count of a feature in a leaf."""


def fitted_words(
    matrix: csr_matrix, truth: NDArray[np.intp], weights: NDArray[np.float64], recipe: Recipe
) -> LogisticRegression:
    """A linear classifier from rows of ``matrix`` (n, k) to ``truth`` (n,), each as heavy as in ``weights`` (n,)."""
    rarity = _rarity(matrix)
    scaled = matrix @ diags(rarity)
    regression = LogisticRegression(C=recipe.text_strength, max_iter=recipe.text_rounds, tol=1e-3)
    with warnings.catch_warnings():
        # The rounds are few on purpose: stopping early is part of the regularisation.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(scaled, truth, sample_weight=weights)
    counted = ComplementNB(alpha=_SMOOTHING).fit(scaled, truth, sample_weight=weights).feature_log_prob_
    counted = counted - counted.mean(axis=0)
    regression.coef_ = ((regression.coef_ + recipe.text_counts * counted) * rarity).astype(np.float32)
    return regression


def _rarity(matrix: csr_matrix) -> NDArray[np.float32]:
    """Inverse document frequency of each feature (k,), 1 on average; 0 for one that no row has."""
    rows = np.diff(matrix.tocsc().indptr)
    rarity = np.where(rows > 0, np.log((matrix.shape[0] + 1) / (rows + 1)) + 1, 0.0)
    scaled: NDArray[np.float32] = (rarity / rarity[rows > 0].mean()).astype(np.float32)
    return scaled
