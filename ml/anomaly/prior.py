"""What faults look like elsewhere: gradient boosting on labelled simulated distributors, a prior for one's own house.

An isolation forest finds what is rare; which rare rows are faults only labels tell, and a new house has none. What is
learnt where truth is known carries as far as the features do, so these are relative ones: against the item's own
usual difference, against the others of its snapshot, beside the failures that were told.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import skops.io
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml.anomaly.boosted_walk import BoostedWalk
from ml.anomaly.specification import Specification
from ml.registry.boosted_types import OF_TWO_CLASSES

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
Flags = NDArray[np.bool_]

FILE = "prior.skops"


@dataclass(frozen=True)
class FaultPrior:
    """The boosted trees, and the places (c,) of their features in the set's matrix."""

    boosted: HistGradientBoostingClassifier
    columns: NDArray[np.int64]

    def log_odds(self, matrix: Matrix) -> Floats:
        """The log-odds of a fault (n,) among rows (n, k) of the worlds learnt from; here a ranking, no chance."""
        return self.walk.log_odds(matrix[:, self.columns])

    def credits(self, matrix: Matrix) -> Floats:
        """By how much each of ``columns`` (n, c) raised a row's log-odds above those of any row, ``walk.start``."""
        return self.walk.credits(matrix[:, self.columns])

    @cached_property
    def walk(self) -> BoostedWalk:
        """The trees as arrays."""
        return BoostedWalk.of(self.boosted)


def fit_prior(specification: Specification, matrix: Matrix, faulty: Flags, seed: int) -> FaultPrior | None:
    """What ``faulty`` (n,) of ``matrix`` (n, k) teaches; None for a detector that has no such features.

    Raises:
        ValueError: the rows are all faulty, or none is.
    """
    if not specification.prior:
        return None
    if faulty.all() or not faulty.any():
        raise ValueError("a prior needs rows with and without a fault")
    columns = np.array(specification.features.columns(specification.prior), dtype=np.int64)
    columns = columns[[len(np.unique(matrix[~np.isnan(matrix[:, at]), at])) > 1 for at in columns]]
    boosted = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.1,
        max_leaf_nodes=63,
        min_samples_leaf=40,
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(limits=1):
        return FaultPrior(boosted.fit(matrix[:, columns], faulty), columns)


def load_prior(folder: Path, columns: list[int]) -> FaultPrior:
    """The prior kept in ``folder``; skops raises where it is no such file or holds a type that is not allowed."""
    boosted = skops.io.load(folder / FILE, trusted=list(OF_TWO_CLASSES))
    if not isinstance(boosted, HistGradientBoostingClassifier) or boosted.n_features_in_ != len(columns):
        raise ValueError("its prior does not fit its features")
    return FaultPrior(boosted, np.array(columns, dtype=np.int64))
