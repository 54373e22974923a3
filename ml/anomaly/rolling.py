"""Scoring along a stream: each row by a detector that saw only rows before it.

The shipped detector scores until the stream has a history of its own; then the same kind of detector is fitted
to that history, and fitted again whenever it has grown by half; what the shipped one learnt of faults elsewhere
stays. So a warehouse is judged by its own habits as
soon as they are known. Rows of confirmed faults are scored, and never become history. Once people have judged
enough rows, what they said is learnt on top (``ml.anomaly.feedback``) and calibrated on history and judgements that
it has not learnt from (``ml.anomaly.cross_fitting``). Of rows that arrive together an alarm is then what is strange and
also likely enough a fault by what was judged, or next to surely one, or strange without it and possible.

A history holds faults that nobody has confirmed, and calibrated on them even a fault is ordinary (Bashari, Sesia,
Romano, ICML 2025). So a detector that brings a calibration on rows known to be sound keeps it: raised by as much as
one's own rows are stranger, and until they contradict it outright.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.calibration_watch import STRANGE
from ml.anomaly.cross_fitting import sound_scores, unseen_scores
from ml.anomaly.detector import CALIBRATION_SHARE, Detector, Matrix, calibration_of, drawn, fit
from ml.anomaly.fault_probability import FaultCurve, fit_curve
from ml.anomaly.feedback import FeedbackModel, beside_score, learn
from ml.anomaly.reasons import Reason, reasons
from ml.anomaly.specification import Specification
from ml.anomaly.tails import Floats
from ml.anomaly.thresholds import Flags, Policy, alarms_by_moment, likely_by_moment, p_values, running_alarms
from ml.features.running import Ints

OWN_HISTORY_ROWS = 5_000
"""From here on a stream is judged by its own history."""
GROWTH = 1.5
KEPT_ROWS = 200_000
"""A fit looks at no more than these latest rows."""
TAUGHT_CALIBRATION_ROWS = 12_000
"""Rows of the latest history on which what was taught is calibrated."""
WINDOW_ROWS = 1_000
"""The false-discovery cut is taken over this many rows before."""
FEWEST_FAULTS = 15
"""With so many judged faults the chance of one decides beside the p-value; before, too little is known of it."""
SURE = 2.0
"""A row is an alarm for its chance of a fault alone where that of being none is within so many accepted shares."""
POSSIBLE, UNLIKELY = 0.3, 0.1
"""From these chances of a fault on judgements do not speak against what is strange without them: many, and few."""
MOST_RAISED = 3.0
"""Where so many times too many rows are strange, a calibration from elsewhere says nothing."""


@dataclass(frozen=True)
class Scored:
    """One batch, row by row; ``score`` and ``p_value`` are NaN where the detector abstains, for ``abstained``.

    ``curve`` gives the chance of a fault by these scores, where people's judgements have taught it.
    """

    score: Floats
    p_value: Floats
    anomalous: Flags
    reasons: list[tuple[Reason, ...]]
    abstained: str
    curve: FaultCurve | None = None


@dataclass(frozen=True)
class Taught:
    """What judgements taught on top of a detector, with a calibration and a chance of a fault of its own."""

    model: FeedbackModel
    calibration: NDArray[np.float32]
    curve: FaultCurve
    faults: int
    """How many judged rows were faults."""


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
        self._shipped = shipped
        self._policy = policy or Policy()
        self._seed = seed
        self._history: list[Matrix] = []
        self._rows = 0
        self._held = 0
        self._next_fit = max(own_history_rows, specification.warm_rows)
        self._recent: Floats = np.empty(0)
        self._chances: Floats = np.empty(0)
        self._lessons: tuple[Matrix, Flags] | None = None
        self._taught: Taught | None = None
        self._untaught = False

    def follow(self, policy: Policy) -> None:
        """From here on decide alarms by ``policy``."""
        self._policy = policy

    def teach(self, judged: Matrix, faulty: Flags) -> None:
        """From here on heed what people said of the rows ``judged`` (j, k), by which ``faulty`` (j,) were faults.

        It takes effect once there are enough of both kinds and enough history to calibrate on.
        """
        self._lessons, self._untaught = (judged, faulty), True

    def advance(self, matrix: Matrix, moments: Ints | None = None, usual: Flags | None = None) -> Scored:
        """Score the rows of ``matrix`` (n, k), all later than those before, then take them in.

        With ``moments`` (n,) rows of one moment arrive together, and alarms are decided among them; without,
        they arrive one by one, and each is decided by those before. Of the rows only the ``usual`` ones (n,)
        become history: neither confirmed faults nor what was expected for a while.
        """
        if self._rows >= self._next_fit:
            self.detector = self._of_own_history()
            self._next_fit = int(self._rows * GROWTH)
            self._recent = np.empty(0)
            self._untaught = self._lessons is not None
        if self._untaught:
            self._renew_taught()
        scored = self._abstain(len(matrix)) if self.detector is None else self._score(self.detector, matrix, moments)
        kept = slice(None) if usual is None else usual
        self._history.append(matrix[kept])
        self._rows += len(self._history[-1])
        self._held += len(self._history[-1])
        if self._held > 2 * KEPT_ROWS:
            self._kept()
        return scored

    def _of_own_history(self) -> Detector:
        """A detector of the stream's own history, with the shipped one's prior and its calibration as that fits here.

        Where more of one's own latest rows are strange by it than should be, its p-values are raised as much; where
        several times as many are, one's own rows calibrate.
        """
        history = self._kept()
        shipped = self._shipped
        if shipped is None or shipped.prior is None:
            return fit(self.specification, history, self._seed)
        own = fit(self.specification, history, self._seed, shipped.prior)
        since = int(len(history) * (1 - CALIBRATION_SHARE))
        strange = p_values(shipped.calibration, own.score(history[since:])) <= STRANGE
        if strange.mean() > MOST_RAISED * STRANGE:
            return own
        return replace(own, calibration=raised(shipped.calibration, float(strange.mean()) / STRANGE))

    def _score(self, detector: Detector, matrix: Matrix, moments: Ints | None) -> Scored:
        own, taught = detector.score(matrix), self._taught
        if taught is None:
            score, calibration = own, detector.calibration
        else:
            score, calibration = taught.model.beside(beside_score(matrix, own), own), taught.calibration
        p = p_values(calibration, score)
        if moments is None:
            flags, self._recent = running_alarms(p, self._recent, len(calibration), self._policy, WINDOW_ROWS)
        else:
            flags = alarms_by_moment(moments, score, p, len(calibration), self._policy)
            if taught is not None and self._policy.most_p is None:
                before = detector.calibration
                untaught = alarms_by_moment(moments, own, p_values(before, own), len(before), self._policy)
                flags = self._decided(taught, moments, score, flags, untaught)
        why = reasons(detector if taught is None else taught.model, matrix)
        return Scored(score, p, flags, why, "", taught.curve if taught is not None else None)

    def _decided(self, taught: Taught, moments: Ints, score: Floats, strange: Flags, untaught: Flags) -> Flags:
        """The alarms (n,) by the chance of a fault that people taught.

        What is ``strange`` (n,) and likely enough; what is next to surely a fault, however strange rows were before;
        and what was an alarm ``untaught`` (n,), where people's judgements do not speak against it. While few faults
        are judged, what either finds strange, where they do not speak clearly against it.
        """
        chance = taught.curve.probability(score)
        if taught.faults < FEWEST_FAULTS:
            early: Flags = (strange | untaught) & (chance >= UNLIKELY)
            return early
        likely, self._chances = likely_by_moment(moments, chance, self._chances, self._policy.q, WINDOW_ROWS)
        sure = chance >= 1.0 - SURE * self._policy.q
        decided: Flags = (strange & likely) | sure | (untaught & (chance >= POSSIBLE))
        return decided

    def _renew_taught(self) -> None:
        """Learn from the lessons on top of today's detector; nothing changes while they or the history are too few."""
        if self.detector is None or self._lessons is None or self._rows < self.specification.warm_rows:
            return
        judged, faulty = self._lessons
        history = self._kept()
        model = learn(self.detector, judged, faulty, history, self._seed)
        self._taught, self._untaught = None, False
        if model is None:
            return
        latest = history[-2 * TAUGHT_CALIBRATION_ROWS :]
        rows = latest[drawn(len(latest), TAUGHT_CALIBRATION_ROWS, self._seed)]
        unseen = unseen_scores(model, judged, faulty, rows, self._seed)
        curve = fit_curve(unseen.judged, faulty, "judgements")
        sound = sound_scores(unseen, judged, faulty, rows, curve, self._seed)
        self._taught = Taught(model, calibration_of(sound, self._seed), curve, int(faulty.sum()))
        self._recent = np.empty(0)

    def _abstain(self, n: int) -> Scored:
        nothing = np.full(n, np.nan)
        why = f"not scored: {self._rows} earlier rows are known, {self._next_fit} are needed"
        return Scored(nothing, nothing, np.zeros(n, dtype=bool), [()] * n, why)

    def _kept(self) -> Matrix:
        """The latest rows (at most ``KEPT_ROWS``) as one matrix; older ones are let go."""
        together: Matrix = np.concatenate(self._history)[-KEPT_ROWS:]
        self._history, self._held = [together], len(together)
        return together


def raised(calibration: NDArray[np.float32], times: float) -> NDArray[np.float32]:
    """``calibration`` (n,) without its lowest scores, so that p-values are ``times`` as large; never smaller ones."""
    return calibration[int(len(calibration) * (1.0 - 1.0 / max(times, 1.0))) :]
