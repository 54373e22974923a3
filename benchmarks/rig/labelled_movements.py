"""Real movements met day by day: people look at twenty lines of each day, and what they say is learnt.

Drawn as the product draws them: of each burst the strangest line, the strangest bursts first, and eight random audits.
A day's rows are scored as they arrive, by what was said on earlier days; once the day's labels are in, those that
nobody labelled are scored again, as the queue stands then. No label but the drawn ones is read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.bursts import neighbours_say
from ml.anomaly.detector import Detector, Matrix
from ml.anomaly.feedback import DAILY_AUDITS, FOREST_NATS, FeedbackModel, learn, to_look_at

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

LABELS_A_DAY, LEARNT_EVERY = 20, 50
DAY_US = 86_400_000_000


@dataclass(frozen=True)
class Days:
    """Rows (n,) by time: features (n, k), microseconds, and the label: 1, 0, or -1 for a row that has none to tell."""

    matrix: Matrix
    time_us: Ints
    labels: Ints


@dataclass(frozen=True)
class Looked:
    """Of every row (n,) its score on arrival, in the queue at the end of its day without and with what was said of
    its neighbours, and whether it was labelled."""

    arrived: Floats
    learnt: Floats
    queued: Floats
    labelled: Flags


def look(detector: Detector, history: Matrix, days: Days, seed: int, by_burst: bool = True) -> Looked:
    """Let ``detector`` score ``days``, learning from each day's labels; ``history`` (h, k) has none.

    Without ``by_burst`` the strangest lines are drawn, however many of them are of one burst.
    """
    n = len(days.labels)
    arrived, learnt, queued, labelled = np.empty(n), np.empty(n), np.empty(n), np.zeros(n, dtype=bool)
    model: FeedbackModel | None = None
    learnt_from, known = 0, days.labels >= 0
    for day in np.split(np.arange(n), np.flatnonzero(np.diff(days.time_us // DAY_US)) + 1):
        arrived[day] = scored(detector, model, days.matrix[day])
        asked = np.where(known[day], arrived[day], np.nan)
        moments = days.time_us[day]
        drawn = to_look_at(
            asked,
            LABELS_A_DAY - DAILY_AUDITS,
            seed * 100_000 + int(moments[0] // DAY_US),
            moments=moments if by_burst else None,
        )
        labelled[day] = drawn & known[day]
        if labelled.sum() >= learnt_from + LEARNT_EVERY:
            learnt_from = int(labelled.sum())
            model = learn(detector, days.matrix[labelled], days.labels[labelled] == 1, history, seed) or model
        said = day[labelled[day]]
        learnt[day] = scored(detector, model, days.matrix[day])
        queued[day] = learnt[day] + neighbours_say(moments, days.time_us[said], days.labels[said] == 1)
    return Looked(arrived, learnt, queued, labelled)


def scored(detector: Detector, model: FeedbackModel | None, rows: Matrix) -> Floats:
    """Log-odds of a fault (n,) by what was learnt; before anything was, below all that, by the detector alone."""
    if model is not None:
        return model.score(rows)
    return FOREST_NATS * (detector.score(rows) - float(detector.calibration[-1]))
