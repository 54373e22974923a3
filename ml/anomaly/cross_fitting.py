"""What a taught detector would say of rows that it has not learnt from: their scores by one that learnt from the rest.

A row that a model has learnt from looks as it was said to be. Calibrated on such rows even an ordinary new one would be
strange, and a curve through their scores would promise too much. So judged rows and history are cut into blocks by
time, and each block is scored by what was learnt without it (cross-conformal: Vovk, Annals of Mathematics and
Artificial Intelligence 74, 2015).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ml.anomaly.detector import Matrix, drawn
from ml.anomaly.fault_probability import FaultCurve
from ml.anomaly.feedback import ORDINARY_ROWS, FeedbackModel, columns_of, learn_beside, too_few
from ml.anomaly.tails import Floats
from ml.anomaly.thresholds import Flags

BLOCKS = 3


@dataclass(frozen=True)
class Unseen:
    """Scores of the judged rows (j,) and of history (h,), each by a model that has not learnt from the row."""

    judged: Floats
    history: Floats


def unseen_scores(model: FeedbackModel, judged: Matrix, faulty: Flags, history: Matrix, seed: int) -> Unseen:
    """The scores of rows from which ``model`` has learnt, as they would be without them; blocks follow the given order.

    Where too few judgements are left without a block, the detector that ``model`` builds on scores it.
    """
    detector = model.detector
    labelled, past = columns_of(detector, judged), columns_of(detector, history)
    block, block_of_past = _blocks(len(judged)), _blocks(len(history))
    found = Unseen(labelled[:, -1].astype(np.float64), past[:, -1].astype(np.float64))
    for one in range(BLOCKS):
        there, then = block == one, block_of_past == one
        if too_few(faulty[~there]):
            continue
        rest = past[~then]
        ordinary = rest[drawn(len(rest), ORDINARY_ROWS, seed)]
        without = replace(
            learn_beside(detector, labelled[~there], faulty[~there], ordinary, seed),
            own_share=model.own_share,
            score_weight=model.score_weight,
        )
        found.judged[there] = without.beside(labelled[there], found.judged[there])
        found.history[then] = without.beside(past[then], found.history[then])
    return found


def _blocks(rows: int) -> NDArray[np.int64]:
    """The block (n,) of each of so many rows in order."""
    return np.arange(rows) * BLOCKS // max(rows, 1)


def sound_scores(
    unseen: Unseen, judged: Matrix, faulty: Flags, history: Matrix, curve: FaultCurve, seed: int
) -> Floats:
    """The scores of rows that are taken for sound: those judged so, and of history what nobody has judged.

    Of the latter a row is left out by the chance of a fault that ``curve`` gives it. To leave out whatever is strange
    would make the rest too ordinary, to leave out nothing would make faults ordinary.
    """
    told = {row.tobytes() for row in judged}
    unjudged = np.array([row.tobytes() not in told for row in history], dtype=bool)
    scores = unseen.history[unjudged]
    sound = np.random.default_rng(seed).random(len(scores)) >= curve.probability(scores)
    return np.concatenate([unseen.judged[~faulty], scores[sound]])
