"""What was taught is calibrated on rows that it has not learnt from."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.anomaly.cross_fitting import sound_scores, unseen_scores
from ml.anomaly.detector import Detector, Matrix, calibration_of, fit
from ml.anomaly.fault_probability import FaultCurve
from ml.anomaly.feedback import FeedbackModel, learn
from ml.anomaly.specification import MOVEMENT
from ml.anomaly.thresholds import p_values

WIDTH = len(MOVEMENT.features.features)
NEVER, ALWAYS = FaultCurve(-30.0, 0.0, 1, "test"), FaultCurve(30.0, 0.0, 1, "test")


def rows(n: int, seed: int) -> Matrix:
    return np.random.default_rng(seed).gamma(2.0, size=(n, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return fit(MOVEMENT, rows(3_000, 0), seed=1)


def learnt(detector: Detector, judged: Matrix, faulty: np.ndarray, history: Matrix) -> FeedbackModel:
    model = learn(detector, judged, faulty, history, seed=0)
    assert model is not None
    return model


def test_judgements_by_the_toss_of_a_coin_tell_nothing_of_rows_that_were_not_judged(detector: Detector) -> None:
    judged, history = rows(200, 1), rows(1_000, 2)
    faulty = np.random.default_rng(3).random(200) < 0.5
    model = learnt(detector, judged, faulty, history)
    unseen = unseen_scores(model, judged, faulty, history, seed=0)
    assert roc_auc_score(faulty, model.score(judged)) > 0.9
    assert roc_auc_score(faulty, unseen.judged) == pytest.approx(0.5, abs=0.15)


def test_of_new_ordinary_rows_as_many_are_strange_as_should_be(detector: Detector) -> None:
    judged, history = rows(400, 4), rows(4_000, 5)
    faulty = judged[:, 3] > 4
    model = learnt(detector, judged, faulty, history)
    unseen = unseen_scores(model, judged, faulty, history, seed=0)
    calibration = calibration_of(unseen.history, seed=0)
    share = (p_values(calibration, model.score(rows(4_000, 6))) <= 0.05).mean()
    assert share == pytest.approx(0.05, abs=0.02)


def test_with_too_few_judgements_left_the_detector_itself_scores(detector: Detector) -> None:
    judged, history = rows(40, 7), rows(2_000, 8)
    faulty = np.arange(40) < 6  # all in the first block
    unseen = unseen_scores(learnt(detector, judged, faulty, history), judged, faulty, history, seed=0)
    np.testing.assert_allclose(unseen.judged[:10], detector.score(judged[:10]))


def test_a_row_is_taken_for_sound_by_what_was_said_of_it_and_else_by_its_chance(detector: Detector) -> None:
    judged = rows(40, 9)
    history = np.concatenate([judged, rows(2_000, 10)])
    faulty = np.arange(40) % 2 == 0
    unseen = unseen_scores(learnt(detector, judged, faulty, history), judged, faulty, history, seed=0)
    said = unseen.judged[~faulty]
    np.testing.assert_array_equal(sound_scores(unseen, judged, faulty, history, ALWAYS, seed=0), said)
    every = sound_scores(unseen, judged, faulty, history, NEVER, seed=0)
    np.testing.assert_array_equal(every, np.concatenate([said, unseen.history[40:]]))
