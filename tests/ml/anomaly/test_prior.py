"""What was learnt of faults elsewhere: it ranks, it travels, and it stays with a detector of one's own history."""

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.tree import DecisionTreeClassifier

from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.feedback import learn
from ml.anomaly.prior import FILE, FaultPrior, fit_prior
from ml.anomaly.rolling import RollingScorer, raised
from ml.anomaly.specification import DELTA, MOVEMENT
from ml.anomaly.storage import load, save
from ml.anomaly.thresholds import p_values
from ml.registry.manifest import ModelRefused

NAMES = DELTA.features.names
TOLD = NAMES.index("failures_day")


def rows(n: int, seed: int, off: float = 0.0) -> Matrix:
    return np.random.default_rng(seed).normal(off, size=(n, len(NAMES))).astype(np.float32)


@pytest.fixture(scope="module")
def prior() -> FaultPrior:
    seen = rows(4_000, 0)
    seen[:, NAMES.index("in_flight_z")] = np.nan  # no such figure where it was learnt
    learnt = fit_prior(DELTA, seen, seen[:, TOLD] > 1.5, seed=1)
    assert learnt is not None
    return learnt


@pytest.fixture(scope="module")
def shipped(prior: FaultPrior) -> Detector:
    return fit(DELTA, rows(3_000, 1), seed=1, prior=prior)


def test_rows_like_faults_elsewhere_come_first_before_anybody_has_judged_one_here(shipped: Detector) -> None:
    asked = rows(500, 2)
    score = shipped.score(asked)
    assert score[asked[:, TOLD] > 1.6].min() > np.median(score[asked[:, TOLD] < 1.4])


def test_a_prior_travels_with_its_detector(shipped: Detector, tmp_path: Path) -> None:
    save(shipped, tmp_path)
    asked = rows(300, 3)
    np.testing.assert_array_equal(load(tmp_path).score(asked), shipped.score(asked))


def test_a_prior_that_is_something_else_is_refused(shipped: Detector, tmp_path: Path) -> None:
    save(shipped, tmp_path)
    skops.io.dump(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), tmp_path / FILE)
    with pytest.raises(ModelRefused):
        load(tmp_path)


def test_a_detector_that_names_no_features_for_it_has_no_prior() -> None:
    seen = rows(100, 0)[:, : len(MOVEMENT.features.names)]
    assert fit_prior(MOVEMENT, seen, seen[:, 0] > 0, seed=1) is None


def test_a_prior_needs_rows_with_and_without_a_fault() -> None:
    with pytest.raises(ValueError, match="with and without"):
        fit_prior(DELTA, rows(100, 0), np.zeros(100, dtype=bool), seed=1)


def test_the_prior_stays_when_a_stream_is_judged_by_its_own_history(shipped: Detector) -> None:
    scorer = RollingScorer(DELTA, shipped, own_history_rows=2_500)
    scorer.advance(rows(2_500, 4))
    scorer.advance(rows(10, 5))
    assert scorer.detector is not None
    assert scorer.detector is not shipped
    assert scorer.detector.prior is shipped.prior


@pytest.mark.parametrize(("off", "kept"), [(0.0, True), (2.0, False)])
def test_a_calibration_on_sound_rows_is_kept_unless_ones_own_history_contradicts_it(
    shipped: Detector, off: float, kept: bool
) -> None:
    sound = shipped.recalibrated(rows(2_000, 6))
    scorer = RollingScorer(DELTA, sound, own_history_rows=2_500)
    scorer.advance(rows(2_500, 7, off))
    scorer.advance(rows(10, 8))
    assert scorer.detector is not None
    assert np.isin(scorer.detector.calibration, sound.calibration).all() == kept


def test_where_more_rows_are_strange_than_should_be_its_p_values_are_raised_as_much() -> None:
    calibration = np.sort(np.random.default_rng(0).normal(size=4_000)).astype(np.float32)
    asked = np.array([1.5, 2.5])
    np.testing.assert_allclose(p_values(raised(calibration, 1.6), asked), 1.6 * p_values(calibration, asked), rtol=0.02)
    np.testing.assert_array_equal(raised(calibration, 0.4), calibration)


def test_a_few_labels_move_a_detector_with_a_prior_less_than_many(shipped: Detector) -> None:
    judged = rows(4_000, 9)
    faulty = judged[:, 0] > 1.0  # what a prior does not know
    history = rows(3_000, 10)
    few, many = (learn(shipped, judged[:n], faulty[:n], history, seed=0) for n in (60, 4_000))
    assert few is not None
    assert many is not None
    assert few.own_share < many.own_share < 1
    assert few.score_weight == 1
