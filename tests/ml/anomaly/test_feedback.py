"""What people said of rows changes how strange such rows are."""

import numpy as np
import pytest

from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.feedback import DAILY_AUDITS, FEWEST, learn, to_look_at
from ml.anomaly.specification import MOVEMENT

WIDTH = len(MOVEMENT.features.features)


def rows(n: int, seed: int) -> Matrix:
    return np.random.default_rng(seed).gamma(2.0, size=(n, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return fit(MOVEMENT, rows(3_000, 0), seed=1)


def test_rows_like_those_said_to_be_faults_rise_and_others_do_not(detector: Detector) -> None:
    labelled = rows(400, 1)
    labelled[:, 0] = np.nan  # a feature nobody knows anything of is no obstacle
    faulty = labelled[:, 3] > 4
    history = rows(3_000, 3)
    model = learn(detector, labelled, faulty, history[history[:, 3] <= 4], seed=0)
    assert model is not None
    asked = rows(500, 2)
    score = model.score(asked)
    assert score[asked[:, 3] > 5].min() > score[asked[:, 3] < 3].max()


def test_too_few_outcomes_of_one_kind_teach_nothing(detector: Detector) -> None:
    faulty = np.arange(300) < FEWEST - 1
    assert learn(detector, rows(300, 1), faulty, rows(3_000, 3), seed=0) is None


def test_people_look_at_the_strangest_and_at_eight_others() -> None:
    scores = np.arange(100, dtype=np.float64)
    chosen = to_look_at(scores, 12, seed=0)
    assert chosen.sum() == 12 + DAILY_AUDITS
    assert chosen[-12:].all()


def test_on_a_quiet_day_people_look_at_all_there_is() -> None:
    assert to_look_at(np.arange(5, dtype=np.float64), 3, seed=0).all()
