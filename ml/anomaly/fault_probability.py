"""From a detector's score to the chance that the row is a fault: a logistic curve fitted on known truth.

A p-value says how rarely ordinary rows look so strange; how likely a fault is depends on how often
faults happen, and that only labels tell (Platt, *Probabilistic outputs for support vector machines*, 1999).
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

FILE = "fault_probability.json"


@dataclass(frozen=True, slots=True)
class FaultCurve:
    """``1 / (1 + exp(−(intercept + slope × score)))``; ``fitted_on`` labelled rows, ``source`` says whose."""

    intercept: float
    slope: float
    fitted_on: int
    source: str

    def probability(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The chance of a fault for each of ``scores`` (n,)."""
        curve: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(self.intercept + self.slope * scores, -30, 30)))
        return curve


def fit_curve(scores: NDArray[np.float64], faulty: NDArray[np.bool_], source: str) -> FaultCurve:
    """The curve through labelled ``scores`` (n,).

    Raises:
        ValueError: the labels are all alike, so they tell nothing.
    """
    if faulty.all() or not faulty.any():
        raise ValueError("a fault curve needs rows with and without a fault")
    model = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), faulty)
    return FaultCurve(float(model.intercept_[0]), float(max(model.coef_[0, 0], 0.0)), len(scores), source)


def save_curve(curve: FaultCurve, folder: Path) -> None:
    """Keep the curve beside its detector."""
    (folder / FILE).write_bytes(msgspec.json.encode(asdict(curve)))


def load_curve(folder: Path) -> FaultCurve:
    """The curve that was kept beside the detector in ``folder``."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=FaultCurve)
