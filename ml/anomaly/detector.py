"""The detector: an isolation forest over a row's own features, with directed context and a prior beside it.

Higher is stranger. Until it has seen enough it abstains, with the reason. Isolation forest: Liu, Ting and
Zhou, ICDM 2008, by scikit-learn.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly.fair_shares import FairShares
from ml.anomaly.forest_walk import ForestWalk
from ml.anomaly.prior import FaultPrior
from ml.anomaly.specification import Specification
from ml.anomaly.tails import Floats, Tails
from ml.anomaly.thresholds import p_values
from ml.features.feature import Tail

Matrix = NDArray[np.float32]

CALIBRATION_SHARE = 0.3
"""The latest part of a history is kept from the fit and gives the calibration."""
REFERENCE_ROWS = 60_000
CALIBRATION_ROWS = 50_000


class TooLittleHistory(ValueError):
    """``rows`` of history are fewer than the ``needed`` ones; the detector abstains until there are."""

    def __init__(self, rows: int, needed: int) -> None:
        super().__init__(f"{rows} rows of history, at least {needed} needed")
        self.rows = rows
        self.needed = needed


@dataclass(frozen=True)
class Detector:
    """A fitted forest, the tails it measures against, its prior and its calibration: one version, kept together.

    ``tails`` has one entry for each feature of the set that was ever known; ``calibration`` (n,) rises. ``mixture`` is
    what ``ml.anomaly.fair_shares`` learnt of the forest, where it was.
    """

    specification: Specification
    forest: IsolationForest
    forest_tails: Tails
    tails: dict[str, Tails]
    calibration: NDArray[np.float32]
    seed: int
    trained_rows: int
    prior: FaultPrior | None = None
    mixture: Floats | None = None

    def score(self, matrix: Matrix) -> Floats:
        """How strange each row (n,) of ``matrix`` (n, k) is, in nats: surprise, and the prior's log-odds of a fault."""
        total = self.specification.forest_weight * self.forest_tails.surprise(self.isolation(matrix), Tail.HIGH)
        names = self.specification.features.names
        for context in self.specification.context:
            if context.feature in self.tails:
                column = matrix[:, names.index(context.feature)]
                total += context.weight * self.tails[context.feature].surprise(column, context.strange)
        if self.prior is not None and len(matrix):
            total += self.specification.prior_weight * self.prior.log_odds(matrix)
        return total

    def isolation(self, matrix: Matrix) -> Floats:
        """The forest's own score (n,), 2^(-mean depth / expected depth), between 0 and 1."""
        return self.walk.scores(self.forest_columns(matrix))

    def attributions(self, matrix: Matrix) -> Floats:
        """How many steps sooner each of the forest's features (n, f) set a row apart, summed over the trees.

        ``walk.start``, the depth expected of any row, less the sum of a row's is the depth at which it ends. They
        are close to Shapley values where a mixture was learnt, else what the row's way through the trees tells.
        """
        return self.attributed(self.forest_columns(matrix))

    def attributed(self, columns: Matrix) -> Floats:
        """As ``attributions``, of the forest's columns (n, f) alone."""
        return self.walk.attributions(columns) if self._shares is None else self._shares.attributions(columns)

    def forest_columns(self, matrix: Matrix) -> Matrix:
        """The columns (n, f) of ``matrix`` (n, k) that the forest splits on, in its order."""
        return matrix[:, self._forest_places]

    @cached_property
    def _forest_places(self) -> NDArray[np.int64]:
        return np.array(self.specification.features.columns(self.specification.forest), dtype=np.int64)

    @cached_property
    def walk(self) -> ForestWalk:
        """The forest as arrays, for scoring a row as it arrives."""
        return ForestWalk.of(self.forest)

    @cached_property
    def _shares(self) -> FairShares | None:
        return None if self.mixture is None else FairShares.of(self.forest, self.walk, self.mixture)

    def p_values(self, scores: Floats) -> Floats:
        """Conformal p-values (n,) of ``scores`` against this detector's calibration."""
        return p_values(self.calibration, scores)

    def recalibrated(self, matrix: Matrix) -> "Detector":
        """The same forest with the p-values of other rows: later ones, or ones without confirmed faults."""
        return replace(self, calibration=calibration_of(self.score(matrix), self.seed))


def fit(specification: Specification, history: Matrix, seed: int, prior: FaultPrior | None = None) -> Detector:
    """A detector of ``history`` (n, k) in order of time, without labels; ``prior`` is what was learnt elsewhere.

    The first 70 % make the forest and the tails, the last 30 % the calibration.
    Raises ``TooLittleHistory`` below ``specification.warm_rows``.
    """
    if len(history) < specification.warm_rows:
        raise TooLittleHistory(len(history), specification.warm_rows)
    until = int(len(history) * (1 - CALIBRATION_SHARE))
    seen, later = history[:until], history[until:]
    columns = specification.features.columns(specification.forest)
    forest = IsolationForest(
        n_estimators=specification.trees,
        max_samples=min(specification.samples, len(seen)),
        random_state=seed,
    ).fit(seen[:, columns])
    reference = seen[drawn(len(seen), REFERENCE_ROWS, seed)]
    tails = {
        name: Tails.of(reference[:, at])
        for at, name in enumerate(specification.features.names)
        if not np.isnan(reference[:, at]).all()
    }
    detector = Detector(
        specification=specification,
        forest=forest,
        forest_tails=Tails.of(ForestWalk.of(forest).scores(reference[:, columns])),
        tails=tails,
        calibration=np.empty(0, dtype=np.float32),
        seed=seed,
        trained_rows=len(seen),
        prior=prior,
    )
    return detector.recalibrated(later)


def drawn(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """At most ``most`` of ``rows`` row numbers, in order, without repeats."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def calibration_of(scores: Floats, seed: int) -> NDArray[np.float32]:
    """Rising calibration scores, thinned to a size that travels with the model."""
    return np.sort(scores[drawn(len(scores), CALIBRATION_ROWS, seed)]).astype(np.float32)
