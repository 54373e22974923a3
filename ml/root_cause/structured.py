"""Structured evidence as numbers for gradient boosting; what is missing stays NaN."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import ThreadpoolController

from ml.root_cause.evidence import FailureEvidence

_STATUS_GROUPS: tuple[tuple[int, ...], ...] = (
    (408, 499, 504, 522, 524, 598),
    (429, 509, 529),
    (502, 503, 520, 521, 523),
    (500,),
    (401, 403, 407),
    (404, 410),
    (409, 412, 423),
    (400, 405, 406, 413, 415, 422),
    (200, 201, 202, 204, 207),
)
_ENDED = ("cancelled", "canceled", "shipped", "closed", "completed", "expired", "deleted")
FEATURES: tuple[str, ...] = (
    "status_group",
    "attempts",
    "log_latency_ms",
    "log_event_lag_s",
    "log_lag_ratio",
    "log_reservation_age_s",
    "order_ended",
    "repeat_known",
    "business_key_hit",
    "candidates",
    "best_candidate_score",
    "log_visible_age_s",
    "log_neighbours",
)
"""Columns of the matrix, in order. ``status_group`` counts the groups of HTTP statuses; -1 is any other status."""

_GROUP_OF = {status: group for group, statuses in enumerate(_STATUS_GROUPS) for status in statuses}
_MISSING = math.nan


def evidence_matrix(evidences: Sequence[FailureEvidence]) -> NDArray[np.float32]:
    """One row a failure, shape (len(evidences), len(FEATURES)), NaN where nothing is known."""
    return np.array([_row(evidence) for evidence in evidences], dtype=np.float32).reshape(-1, len(FEATURES))


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


def _row(evidence: FailureEvidence) -> list[float]:
    lag, usual = evidence.event_lag_s, evidence.event_lag_normal_s
    return [
        _MISSING if evidence.http_status is None else float(_GROUP_OF.get(evidence.http_status, -1)),
        _MISSING if evidence.attempts is None else min(20.0, evidence.attempts),
        _log(evidence.latency_ms),
        _log(lag),
        _MISSING if lag is None or not usual else _log(max(0.0, lag) / usual),
        _log(evidence.reservation_age_s),
        _MISSING if evidence.order_state is None else float(evidence.order_state.lower() in _ENDED),
        # The column is filled only when somebody looked and found something, so absence says nothing.
        1.0 if evidence.duplicate_of else _MISSING,
        _MISSING if evidence.business_key_hit is None else float(evidence.business_key_hit),
        _MISSING if evidence.mapping_candidates is None else min(3.0, evidence.mapping_candidates),
        _MISSING if evidence.best_candidate_score is None else evidence.best_candidate_score,
        _log(evidence.visible_age_s),
        _log(evidence.neighbours),
    ]


def _log(value: float | None) -> float:
    return _MISSING if value is None else math.log1p(max(0.0, value))
