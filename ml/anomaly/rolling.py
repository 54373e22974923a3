"""Scoring along a stream: each row by a detector that saw only rows before it.

The shipped detector scores until the stream has a history of its own; then the same kind of detector is fitted
to that history, and fitted again whenever it has grown by half. So a warehouse is judged by its own habits as
soon as they are known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.reasons import Reason, reasons
from ml.anomaly.specification import Specification
from ml.anomaly.tails import Floats
from ml.anomaly.thresholds import Flags, Policy, alarms_by_moment, running_alarms
from ml.features.running import Ints

OWN_HISTORY_ROWS = 5_000
"""From here on a stream is judged by its own history."""
GROWTH = 1.5
KEPT_ROWS = 200_000
"""A fit looks at no more than these latest rows."""
WINDOW_ROWS = 1_000
"""The false-discovery cut is taken over this many rows before."""


@dataclass(frozen=True)
class Scored:
    """One batch, row by row; ``score`` and ``p_value`` are NaN where the detector abstains, for ``abstained``."""

    score: Floats
    p_value: Floats
    anomalous: Flags
    reasons: list[tuple[Reason, ...]]
    abstained: str


class RollingScorer:
    """A stream's detector, its history and its latest p-values."""

    def __init__(
        self,
        specification: Specification,
        shipped: Detector | None = None,
        policy: Policy | None = None,
        own_history_rows: int = OWN_HISTORY_ROWS,
        seed: int = 0,
    ) -> None:
        self.specification = specification
        self.detector = shipped
        self._policy = policy or Policy()
        self._seed = seed
        self._history: list[Matrix] = []
        self._rows = 0
        self._next_fit = max(own_history_rows, specification.warm_rows)
        self._recent: Floats = np.empty(0)

    def advance(self, matrix: Matrix, moments: Ints | None = None) -> Scored:
        """Score the rows of ``matrix`` (n, k), all later than those before, then take them in.

        With ``moments`` (n,) rows of one moment arrive together, and alarms are decided among them; without,
        they arrive one by one, and each is decided by those before.
        """
        if self._rows >= self._next_fit:
            self.detector = fit(self.specification, self._kept(), self._seed)
            self._next_fit = int(self._rows * GROWTH)
            self._recent = np.empty(0)
        scored = self._abstain(len(matrix)) if self.detector is None else self._score(self.detector, matrix, moments)
        self._history.append(matrix)
        self._rows += len(matrix)
        return scored

    def _score(self, detector: Detector, matrix: Matrix, moments: Ints | None) -> Scored:
        score = detector.score(matrix)
        p = detector.p_values(score)
        calibrated_on = len(detector.calibration)
        if moments is None:
            flags, self._recent = running_alarms(p, self._recent, calibrated_on, self._policy, WINDOW_ROWS)
        else:
            flags = alarms_by_moment(moments, score, p, calibrated_on, self._policy)
        return Scored(score, p, flags, reasons(detector, matrix), "")

    def _abstain(self, n: int) -> Scored:
        nothing = np.full(n, np.nan)
        why = f"not scored: {self._rows} earlier rows are known, {self._next_fit} are needed"
        return Scored(nothing, nothing, np.zeros(n, dtype=bool), [()] * n, why)

    def _kept(self) -> Matrix:
        """The latest rows (at most ``KEPT_ROWS``), as one matrix; older ones are let go."""
        together: NDArray[np.float32] = np.concatenate(self._history)[-KEPT_ROWS:]
        self._history = [together]
        return together
