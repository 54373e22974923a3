"""What each feature added to a score: together the score, and the reasons name what decided it."""

import numpy as np
import pytest

from ml.anomaly.contributions import contributions, start_of
from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.feedback import FeedbackModel, learn
from ml.anomaly.prior import fit_prior
from ml.anomaly.reasons import reasons
from ml.anomaly.specification import DELTA, STREAM

NAMES = DELTA.features.names
TOLD, STEP, BOOK = (NAMES.index(name) for name in ("failures_day", "step", "book_odd"))


def rows(n: int, seed: int) -> Matrix:
    made = np.random.default_rng(seed).normal(size=(n, len(NAMES))).astype(np.float32)
    made[::7, 3] = np.nan
    return made


@pytest.fixture(scope="module")
def detector() -> Detector:
    seen = rows(4_000, 0)
    prior = fit_prior(DELTA, seen, (seen[:, TOLD] > 1.5) | (seen[:, STEP] > 2) | (seen[:, BOOK] > 2.5), seed=1)
    return fit(DELTA, rows(3_000, 1), seed=1, prior=prior)


@pytest.fixture(scope="module")
def taught(detector: Detector) -> FeedbackModel:
    judged = rows(400, 2)
    model = learn(detector, judged, judged[:, STEP] > 1.5, rows(1_000, 3), seed=1)
    assert model is not None
    return model


def test_the_parts_of_a_score_sum_up_to_it_with_and_without_feedback(detector: Detector, taught: FeedbackModel) -> None:
    asked = rows(500, 4)
    for model in (detector, taught):
        whole = start_of(model) + contributions(model, asked).sum(axis=1)
        np.testing.assert_allclose(whole, model.score(asked), atol=1e-9)


def test_a_detector_of_movements_shares_its_score_out_the_same_way() -> None:
    seen = np.random.default_rng(5).exponential(1, size=(3_000, len(STREAM.features.names))).astype(np.float32)
    found = fit(STREAM, seen, seed=1)
    whole = start_of(found) + contributions(found, seen[:300]).sum(axis=1)
    np.testing.assert_allclose(whole, found.score(seen[:300]), atol=1e-9)


def test_boosted_trees_walked_as_arrays_say_what_scikit_learn_says(detector: Detector) -> None:
    assert detector.prior is not None
    asked = rows(500, 6)
    np.testing.assert_allclose(
        detector.prior.log_odds(asked),
        detector.prior.boosted.decision_function(asked[:, detector.prior.columns]),
        atol=1e-12,
    )


def test_the_first_reason_is_what_the_trees_decided_by_even_where_its_value_is_not_far_out(detector: Detector) -> None:
    asked = np.zeros((1, len(NAMES)), dtype=np.float32)
    asked[0, TOLD] = 1.7
    first = reasons(detector, asked)[0][0]
    assert first.feature == "failures_day"
    assert 0.02 < first.chance < 0.1


def test_what_only_weighs_others_is_never_a_reason(detector: Detector) -> None:
    asked = np.zeros((1, len(NAMES)), dtype=np.float32)
    asked[0, BOOK] = 3.0
    assert contributions(detector, asked)[0, BOOK] > 1
    assert "book_odd" not in {reason.feature for reason in reasons(detector, asked)[0]}
