"""Why a row is strange: the features furthest out, each in its own unit with its tail chance."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.detector import Detector, Matrix
from ml.anomaly.tails import Floats
from ml.features.feature import Tail

MOST_REASONS = 3
UNUSUAL = 0.05
"""A feature whose tail chance is above this explains nothing and is not named."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature of one row: its value as a reader takes it, and the chance of one as far out."""

    feature: str
    told: str
    chance: float

    def __str__(self) -> str:
        return f"{self.feature}: {self.told} (tail {self.chance:.2g})"


def judged(detector: Detector) -> list[tuple[str, Tail, float]]:
    """The features that enter the score, once each, with the direction and the weight they are judged by."""
    specification = detector.specification
    by_name = {feature.name: feature for feature in specification.features.features}
    told = {name: (by_name[name].strange, 1.0) for name in specification.forest}
    told |= {context.feature: (context.strange, context.weight) for context in specification.context}
    return [(name, strange, weight) for name, (strange, weight) in told.items() if name in detector.tails]


def surprises(detector: Detector, matrix: Matrix) -> Floats:
    """The surprise in nats (n, k) of each feature of ``judged``, unweighted."""
    names = detector.specification.features.names
    columns = [
        detector.tails[name].surprise(matrix[:, names.index(name)], strange) for name, strange, _ in judged(detector)
    ]
    return np.stack(columns, axis=1)


def reasons(detector: Detector, matrix: Matrix) -> list[tuple[Reason, ...]]:
    """Up to three reasons for each row (n,), the heaviest first; none for a row with nothing unusual."""
    told = judged(detector)
    nats = surprises(detector, matrix)
    weight = nats * np.array([weight for *_, weight in told])
    names = detector.specification.features.names
    features = [detector.specification.features.features[names.index(name)] for name, *_ in told]
    at = [names.index(name) for name, *_ in told]
    heaviest = heaviest_first(np.where(nats >= -math.log(UNUSUAL), weight, -1.0))
    found: list[tuple[Reason, ...]] = [()] * len(matrix)
    for row in np.flatnonzero((nats >= -math.log(UNUSUAL)).any(axis=1)).tolist():
        found[row] = tuple(
            Reason(features[k].name, features[k].told(float(matrix[row, at[k]])), math.exp(-nats[row, k]))
            for k in heaviest[row].tolist()
            if nats[row, k] >= -math.log(UNUSUAL)
        )
    return found


def heaviest_first(weight: Floats) -> NDArray[np.intp]:
    """The columns (n, 3) of the largest values of each row, largest first."""
    return np.argsort(-weight, axis=1, kind="stable")[:, :MOST_REASONS]
