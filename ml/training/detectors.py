"""Train a detector where truth is known: forest and tails from sound rows, the prior and the fault curve from all.

Calibrating on rows that hold faults costs most of the power (Bashari, Sesia, Romano, ICML 2025); a
simulated history says which rows are sound, so it is calibrated on these alone. The prior knows the worlds that it
was fitted on too well: calibration and curve hold each world against a prior of the others, as a new house will be.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.anomaly.detector import CALIBRATION_SHARE, Detector, calibration_of, fit
from ml.anomaly.fair_shares import learnt
from ml.anomaly.fault_probability import FaultCurve, fit_curve
from ml.anomaly.prior import fit_prior
from ml.anomaly.specification import DELTA, MOVEMENT, Specification
from ml.anomaly.thresholds import Policy, alarms_by_moment
from ml.features import deltas as delta_features
from ml.features import movements as movement_features
from ml.features.deltas import Deltas
from ml.triage.frames import as_movements

Matrix = NDArray[np.float32]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TrainedDetector:
    """A detector, the chance of a fault by its score, and what was measured on rows it never saw."""

    detector: Detector
    curve: FaultCurve
    metrics: dict[str, float]


@dataclass(frozen=True)
class Labelled:
    """Described rows (n, k) by time, which of them a fault touched (n,), and when each was (n,), microseconds."""

    matrix: Matrix
    faulty: Flags
    moments: NDArray[np.int64]


def describe_deltas(frame: pl.DataFrame) -> Matrix:
    """Features of a frame of deltas (see ``ml.triage.frames``)."""
    return delta_features.describe(Deltas.from_frame(frame))


def describe_movements(frame: pl.DataFrame) -> Matrix:
    """Features of a frame of movements (see ``ml.triage.frames``)."""
    return movement_features.describe(as_movements(frame)).matrix(MOVEMENT.features)


def train_detector(
    specification: Specification, history: list[Labelled], unseen: Labelled, seed: int
) -> TrainedDetector:
    """Fit on the sound rows of ``history``, curve and attributions on all of it; measure on ``unseen``.

    Raises:
        TooLittleHistory: fewer sound rows than the specification needs.
        ValueError: the history holds no fault, so no chance of one can be told.
    """
    matrix = np.concatenate([part.matrix for part in history])
    faulty = np.concatenate([part.faulty for part in history])
    sound = matrix[~faulty]
    order = np.random.default_rng(seed).permutation(len(sound))  # worlds follow each other; calibrate on all of them
    detector = fit(specification, sound[order], seed)
    score = detector.score(matrix) + specification.prior_weight * from_the_others(specification, history, seed)
    later = score[~faulty][order][int(len(sound) * (1 - CALIBRATION_SHARE)) :]
    detector = replace(
        detector,
        prior=fit_prior(specification, matrix, faulty, seed),
        calibration=calibration_of(later, seed),
        mixture=learnt(detector.forest, detector.walk, detector.forest_columns(matrix), seed),
    )
    curve = fit_curve(score, faulty, "simulated distributor")
    return TrainedDetector(detector, curve, measure(detector, curve, unseen, seed))


def from_the_others(specification: Specification, worlds: list[Labelled], seed: int) -> Floats:
    """The log-odds (n,) of each world's rows by a prior of the other worlds; nothing where there are no others."""
    found: list[Floats] = []
    for at, world in enumerate(worlds):
        others = worlds[:at] + worlds[at + 1 :]
        prior = None
        if others:
            matrix = np.concatenate([other.matrix for other in others])
            prior = fit_prior(specification, matrix, np.concatenate([other.faulty for other in others]), seed)
        found.append(np.zeros(len(world.faulty)) if prior is None else prior.log_odds(world.matrix))
    return np.concatenate(found)


def measure(detector: Detector, curve: FaultCurve, unseen: Labelled, seed: int) -> dict[str, float]:
    """Ranking, alarms at the default policy and calibration on rows with known truth, beside a plain forest."""
    score = detector.score(unseen.matrix)
    alarm = alarms_by_moment(unseen.moments, score, detector.p_values(score), len(detector.calibration), Policy())
    right = int((alarm & unseen.faulty).sum())
    filled = np.nan_to_num(unseen.matrix)
    plain = -IsolationForest(random_state=seed).fit(filled).score_samples(filled)
    chance = curve.probability(score)
    return {
        "rows": float(len(score)),
        "prevalence": float(unseen.faulty.mean()),
        "average_precision": float(average_precision_score(unseen.faulty, score)),
        "auc_roc": float(roc_auc_score(unseen.faulty, score)),
        "plain_forest_average_precision": float(average_precision_score(unseen.faulty, plain)),
        "alarm_precision": right / max(1, int(alarm.sum())),
        "alarm_recall": right / max(1, int(unseen.faulty.sum())),
        "fault_probability_brier": float(np.mean((chance - unseen.faulty) ** 2)),
    }


SPECIFICATIONS = {"delta_detector": DELTA, "movement_detector": MOVEMENT}
"""Which detector each registered model is."""
