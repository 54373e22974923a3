"""Detectors trained on a history of movements or deltas, without labels, with what there is to measure."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.specification import DELTA, MOVEMENTS, Specification
from ml.features import deltas as delta_features
from ml.features import movements as movement_features
from ml.features.deltas import Deltas
from ml.features.movements import Movements

BURN_IN_SHARE = 0.1
"""The first part of a history has no history itself and is left out of the fit."""


@dataclass(frozen=True)
class Trained:
    """A detector and what its training measured."""

    detector: Detector
    metrics: Mapping[str, float]


def train_movement_detector(movements: pl.DataFrame, seed: int, features: str = "stream") -> Trained:
    """Fit on an events table, rows by time; ``features`` is ``movement``, ``stream``, ``document`` or ``priced``.

    Raises:
        TooLittleHistory: there are too few rows to fit.
    """
    specification = MOVEMENTS[features]
    described = movement_features.describe(Movements.from_events(movements))
    return trained(specification, described.matrix(specification.features), seed)


def train_delta_detector(deltas: pl.DataFrame, seed: int) -> Trained:
    """Fit on a deltas table, rows by time.

    Raises:
        TooLittleHistory: there are too few rows to fit.
    """
    return trained(DELTA, delta_features.describe(Deltas.from_frame(deltas)), seed)


def trained(specification: Specification, matrix: Matrix, seed: int) -> Trained:
    """Fit on a history matrix (n, k); metrics are rows, seconds, and how the calibration scores lie."""
    started = time.perf_counter()
    detector = fit(specification, matrix[int(len(matrix) * BURN_IN_SHARE) :], seed)
    scores = detector.calibration
    return Trained(
        detector,
        {
            "trained_rows": float(detector.trained_rows),
            "calibrated_on": float(len(scores)),
            "fit_seconds": time.perf_counter() - started,
            "score_median": float(np.median(scores)),
            "score_p99": float(np.quantile(scores, 0.99)),
        },
    )
