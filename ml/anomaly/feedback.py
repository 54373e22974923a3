"""What people said of rows, learnt on top of the forest: gradient boosting over the features and the forest's surprise.

Labels are outcomes of alarms and of random audits; without the audits the model would know only what it already
suspected. The audits are also the only labels that say how often an ordinary row is a fault.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml.anomaly.boosted_walk import BoostedWalk
from ml.anomaly.bursts import strangest_of_bursts
from ml.anomaly.detector import Detector, Matrix, drawn
from ml.anomaly.tails import Floats
from ml.anomaly.thresholds import DAILY_AUDITS as DAILY_AUDITS
from ml.anomaly.thresholds import most_strange

Flags = NDArray[np.bool_]

ORDINARY_ROWS = 4_000
"""Unlabelled rows of history that stand for what is ordinary: labels alone are of the strangest, and of few others."""
TRIMMED = 0.99
"""Of history, only rows below this share of strangeness do."""
FOREST_NATS = 0.5
"""Log-odds for each nat of the detector's own surprise: what nobody has labelled yet keeps its place in the order."""
AS_MUCH_AS_A_PRIOR = 50
"""So many faults of one's own count as much as the prior of a detector that has one."""
FEWEST = 5
"""True and false outcomes, of each, below which nothing is learnt."""


@dataclass(frozen=True)
class FeedbackModel:
    """A detector and what outcomes taught about its scores; ``known`` (c,) are the columns that had any value.

    ``own_share`` is what the outcomes' log-odds count beside the detector's score, which counts ``score_weight``.
    """

    detector: Detector
    boosted: HistGradientBoostingClassifier
    known: NDArray[np.int64]
    own_share: float = 1.0
    score_weight: float = FOREST_NATS

    def score(self, matrix: Matrix) -> Floats:
        """The log-odds of a fault (n,) among rows like the labelled ones; a ranking, not yet a chance."""
        score = self.detector.score(matrix)
        return self.beside(beside_score(matrix, score), score)

    def beside(self, columns: Matrix, score: Floats) -> Floats:
        """The same (n,) of rows whose ``score`` by the detector is known, with it as the last of ``columns``."""
        return self.own_share * self.walk.log_odds(columns[:, self.known]) + self.score_weight * score

    def columns(self, matrix: Matrix) -> Matrix:
        """What the boosted trees look at (n, c)."""
        return columns_of(self.detector, matrix)[:, self.known]

    @cached_property
    def walk(self) -> BoostedWalk:
        """The trees as arrays."""
        return BoostedWalk.of(self.boosted)


def learn(detector: Detector, matrix: Matrix, faulty: Flags, history: Matrix, seed: int) -> FeedbackModel | None:
    """What ``faulty`` (n,) of the labelled rows (n, k) teaches; None while there are too few outcomes of one kind.

    Ordinary rows of the unlabelled ``history`` (h, k) are taken for sound, as nearly all of them are.
    """
    if too_few(faulty):
        return None
    ordinary = columns_of(detector, history[drawn(len(history), ORDINARY_ROWS, seed)])
    return learn_beside(detector, columns_of(detector, matrix), faulty, ordinary, seed)


def too_few(faulty: Flags) -> bool:
    """Whether outcomes (n,) of one kind are too few to learn from."""
    return min(int(faulty.sum()), int((~faulty).sum())) < FEWEST


def learn_beside(detector: Detector, labelled: Matrix, faulty: Flags, ordinary: Matrix, seed: int) -> FeedbackModel:
    """The same of columns with the detector's score as the last: of labelled rows, of drawn ones of history."""
    ordinary = ordinary[ordinary[:, -1] <= np.quantile(ordinary[:, -1], TRIMMED)]
    columns = np.concatenate([labelled, ordinary])
    known = np.flatnonzero([len(np.unique(column[~np.isnan(column)])) > 1 for column in columns.T])
    boosted = HistGradientBoostingClassifier(
        max_iter=120, min_samples_leaf=10, l2_regularization=5.0, early_stopping=False, random_state=seed
    )
    with threadpool_limits(limits=1):  # so few rows are quicker on one thread
        boosted.fit(columns[:, known], np.concatenate([faulty, np.zeros(len(ordinary), dtype=bool)]))
    if detector.prior is None:
        return FeedbackModel(detector, boosted, known)
    faults = int(faulty.sum())
    return FeedbackModel(detector, boosted, known, faults / (faults + AS_MUCH_AS_A_PRIOR), 1.0)


def columns_of(detector: Detector, matrix: Matrix) -> Matrix:
    """The features and the detector's score beside them (n, k + 1)."""
    return beside_score(matrix, detector.score(matrix))


def beside_score(matrix: Matrix, score: Floats) -> Matrix:
    """The features and a detector's ``score`` (n,) beside them (n, k + 1)."""
    return np.column_stack([matrix, score.astype(np.float32)])


def to_look_at(
    scores: Floats, alarms: int, seed: int, audits: int = DAILY_AUDITS, moments: NDArray[np.int64] | None = None
) -> Flags:
    """The rows of one day (n,) that people look at: the strangest, and ``audits`` of the others at random.

    With the ``moments`` (n,) of movements, microseconds, of each burst at most one is among the strangest.
    """
    chosen = most_strange(scores, alarms) if moments is None else strangest_of_bursts(scores, moments, alarms)
    others = np.flatnonzero(~chosen)
    chosen[np.random.default_rng(seed).choice(others, min(audits, len(others)), replace=False)] = True
    return chosen
