"""Sets of causes that hold the true one with a chosen chance, for each cause by itself (Mondrian).

``p_c = (1 + #{calibration scores of class c >= score}) / (n_c + 1)`` with score ``1 - probability`` of the class (Vovk,
Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005; class-conditional form). Cause ``c`` is in the set
when ``p_c > alpha``. It holds as far as new failures look like the calibration's; on new wording it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.causes import CAUSES
from ml.root_cause.fusion import Floats, Situation

MOST_SCORES = 400
"""Scores kept a class and situation: p-values finer than 1/400 decide nothing here."""


@dataclass(frozen=True)
class Calibration:
    """Sorted nonconformity scores by situation and cause, and the chance of a miss that sets are built for."""

    scores: Mapping[Situation, tuple[NDArray[np.float32], ...]]
    alpha: float

    def p_values(self, probabilities: Floats, situations: NDArray[np.intp]) -> Floats:
        """Conformal p-value of each cause, shape as ``probabilities`` (n, len(CAUSES))."""
        found = np.ones_like(probabilities)
        for situation, by_class in self.scores.items():
            rows = situations == situation
            if rows.any():
                for at, known in enumerate(by_class):
                    beyond = known.size - np.searchsorted(known, np.float32(1) - probabilities[rows, at], side="left")
                    found[rows, at] = (1 + beyond) / (1 + known.size)
        return found

    def sets(self, probabilities: Floats, situations: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which causes are in each failure's set, shape (n, len(CAUSES)). A set may be empty: nothing fits."""
        return self.p_values(probabilities, situations) > self.alpha


def calibrate(
    probabilities: Floats, truth: NDArray[np.intp], situations: NDArray[np.intp], alpha: float
) -> Calibration:
    """The calibration from failures whose true cause is known, none of them trained on."""
    scores: dict[Situation, tuple[NDArray[np.float32], ...]] = {}
    for situation in Situation:
        by_class = []
        for at in range(len(CAUSES)):
            own = 1 - probabilities[(situations == situation) & (truth == at), at]
            kept = np.sort(own)
            if kept.size > MOST_SCORES:
                kept = np.quantile(kept, np.linspace(0, 1, MOST_SCORES))
            by_class.append(kept.astype(np.float32))
        scores[situation] = tuple(by_class)
    return Calibration(scores, alpha)
