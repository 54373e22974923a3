"""How far a difference between two models may be chance: both are measured on the same resampled rows, many times.

Paired percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993): of failures the failure is
drawn, of a detector's rows the day, because the rows of one day share their faults.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.causes import CAUSES

RESAMPLES = 400
_TAILS = (2.5, 97.5)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference, and the interval that holds it in 95 of 100 resamples."""

    value: float
    low: float
    high: float

    @property
    def beyond_noise(self) -> bool:
        """Whether it is more than chance."""
        return self.low > 0

    def __str__(self) -> str:
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f})"


def f1_of_causes(said: NDArray[np.intp], truth: NDArray[np.intp], weights: Floats | None = None) -> Floats:
    """F1 of each cause, shape (len(CAUSES),), or (draws, len(CAUSES)) for ``weights`` (draws, n) of the failures."""
    drawn = np.ones((1, len(truth))) if weights is None else weights
    causes = np.arange(len(CAUSES))
    told, true = said[:, None] == causes, truth[:, None] == causes
    right, both = drawn @ (told & true).astype(float), drawn @ (told.astype(float) + true.astype(float))
    found: Floats = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
    return found[0] if weights is None else found


def gain_in_macro_f1(ours: NDArray[np.intp], theirs: NDArray[np.intp], truth: NDArray[np.intp], seed: int = 0) -> Gain:
    """By how much ``ours`` is better than ``theirs``, both said of the same failures (n,)."""
    drawn = np.random.default_rng(seed).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), RESAMPLES)
    weights = drawn.astype(float)
    differences = f1_of_causes(ours, truth, weights).mean(axis=1) - f1_of_causes(theirs, truth, weights).mean(axis=1)
    value = f1_of_causes(ours, truth).mean() - f1_of_causes(theirs, truth).mean()
    return _gain(float(value), differences)


def gain_in_average_precision(
    ours: Floats, theirs: Floats, faulty: NDArray[np.bool_], days: NDArray[np.int64], seed: int = 0
) -> Gain:
    """By how much the scores ``ours`` rank better than ``theirs``, both of the same rows (n,)."""
    _, day = np.unique(days, return_inverse=True)
    count = int(day.max()) + 1
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)[:, day].astype(float)
    weights = weights[weights[:, faulty].any(axis=1)]
    once = np.ones((1, len(faulty)))
    differences = average_precision(ours, faulty, weights) - average_precision(theirs, faulty, weights)
    value = average_precision(ours, faulty, once) - average_precision(theirs, faulty, once)
    return _gain(float(value[0]), differences)


def gain_in_mean(ours: Floats, theirs: Floats, days: NDArray[np.int64], seed: int = 0) -> Gain:
    """By how much the mean of ``ours`` is above that of ``theirs``, both of the same rows (n,) of ``days`` (n,)."""
    _, day = np.unique(days, return_inverse=True)
    count = int(day.max()) + 1
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    over, rows = np.bincount(day, ours - theirs), np.bincount(day)
    return _gain(float((ours - theirs).mean()), (weights @ over) / np.maximum(weights @ rows, 1))


def average_precision(score: Floats, faulty: NDArray[np.bool_], weights: Floats) -> Floats:
    """Average precision (draws,) of the ranking by ``score`` (n,), under ``weights`` (draws, n) of the rows.

    The sum of precision times the growth of recall from one score to the next, as scikit-learn has it.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)  # rows of one score enter together
    found = np.cumsum(weights[:, order] * faulty[order], axis=1)[:, ends]
    seen = np.cumsum(weights[:, order], axis=1)[:, ends]
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    grown = np.diff(found, axis=1, prepend=0.0) / found[:, -1:]
    told: Floats = (precision * grown).sum(axis=1)
    return told


def _gain(value: float, differences: Floats) -> Gain:
    low, high = np.percentile(differences, _TAILS)
    return Gain(value, float(low), float(high))
