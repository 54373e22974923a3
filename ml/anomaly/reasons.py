"""Why a row is strange: what added most to its score, each in its own unit with its tail chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.contributions import contributions
from ml.anomaly.detector import Detector, Matrix
from ml.anomaly.feedback import FeedbackModel
from ml.anomaly.tails import Floats
from ml.features.feature import Feature

MOST_REASONS = 3
LEAST_NATS = 0.5
"""A feature that added less than this to the score explains nothing and is not named."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature of one row: its value as a reader takes it, and the chance of one as far out."""

    feature: str
    told: str
    chance: float

    def __str__(self) -> str:
        return f"{self.feature}: {self.told} (tail {self.chance:.2g})"


def reasons(model: Detector | FeedbackModel, matrix: Matrix) -> list[tuple[Reason, ...]]:
    """Up to three reasons for each row (n,): what added most to its score first; none for a row with nothing strange.

    Background features are no reasons: they only say how much another one weighs.
    """
    detector = model.detector if isinstance(model, FeedbackModel) else model
    specification = detector.specification
    told = [place for place, name in enumerate(specification.features.names) if name not in specification.background]
    features = [specification.features.features[place] for place in told]
    values = matrix[:, told]
    nats = np.where(np.isnan(values), -np.inf, contributions(model, matrix)[:, told])
    chances = np.stack([_chance(detector, one, values[:, k]) for k, one in enumerate(features)], axis=1)
    heaviest = heaviest_first(nats)
    found: list[tuple[Reason, ...]] = [()] * len(matrix)
    for row in np.flatnonzero((nats >= LEAST_NATS).any(axis=1)).tolist():
        found[row] = tuple(
            Reason(features[k].name, features[k].told(float(values[row, k])), float(chances[row, k]))
            for k in heaviest[row].tolist()
            if nats[row, k] >= LEAST_NATS
        )
    return found


def _chance(detector: Detector, feature: Feature, values: Matrix) -> Floats:
    """The chance (n,) of a value as far out, among those that the detector was fitted on."""
    tails = detector.tails.get(feature.name)
    return np.exp(-tails.surprise(values, feature.strange)) if tails is not None else np.ones(len(values))


def heaviest_first(weight: Floats) -> NDArray[np.intp]:
    """The columns (n, 3) of the largest values of each row, largest first."""
    return np.argsort(-weight, axis=1, kind="stable")[:, :MOST_REASONS]
