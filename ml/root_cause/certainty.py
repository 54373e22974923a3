"""What the probabilities of diagnoses are worth, where the true causes are known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.causes import CAUSES
from ml.root_cause.diagnosis import Diagnosis

_BINS = 10
_AUTOMATED_RIGHT = 0.99


def expected_calibration_error(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> float:
    """Mean gap between the probability said and the share that was right, over ten equal bins, weighted by count."""
    said = np.array([one.probability for one in told])
    right = positions(told) == truth
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    gaps = [abs(said[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def automated_share(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> float:
    """The largest share, most certain first, of which at least 99 % are right; chosen with hindsight."""
    order = np.argsort([-one.probability for one in told], kind="stable")
    right = (positions(told) == truth)[order]
    enough = np.flatnonzero(right.cumsum() / np.arange(1, len(right) + 1) >= _AUTOMATED_RIGHT)
    return float((enough[-1] + 1) / len(right)) if enough.size else 0.0


def positions(told: Sequence[Diagnosis]) -> NDArray[np.intp]:
    """The causes told (n,), as positions in ``CAUSES``."""
    return np.array([CAUSES.index(one.root_cause) for one in told])
