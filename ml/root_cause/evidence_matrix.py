"""Structured evidence as numbers; what is missing stays NaN."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
