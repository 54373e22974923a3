"""Drift is told of what the model says, of its words, and with labels of its calibration."""

from dataclasses import replace

import numpy as np
import pytest

from ml.registry.evaluation_sets import FailureSet, frozen_failures
from ml.registry.service_models import shipped_models
from ml.registry.stability import LITTLE_MOVED, MUCH_MOVED
from ml.root_cause.causes import CAUSES, RootCause
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.drift import drift, moved_inputs
from ml.root_cause.evidence import FailureEvidence


@pytest.fixture(scope="module")
def known() -> FailureSet:
    return frozen_failures()


@pytest.fixture(scope="module")
def told(known: FailureSet) -> list[Diagnosis]:
    return shipped_models().root_cause.classify(known.evidences[:1_200])


def test_failures_like_those_of_the_reference_have_hardly_moved(told: list[Diagnosis]) -> None:
    found = drift(told[::2], told[1::2])
    assert found.causes < 0.1
    assert found.novelty < 0.1
    assert found.missed is None


def test_a_week_of_outage_moves_the_causes_told(told: list[Diagnosis]) -> None:
    outage = [one for one in told if one.root_cause is RootCause.TIMEOUT]
    assert drift(told, outage).causes > MUCH_MOVED


def test_sets_that_miss_more_often_are_told_where_the_truth_is_known(told: list[Diagnosis], known: FailureSet) -> None:
    truth = known.truth[: len(told)]
    wrong = (truth + 1) % len(CAUSES)
    found = drift(told, told, (truth, wrong))
    assert found.missed is not None
    assert found.missed[0] < 0.15 < found.missed[1]
    assert np.isclose(found.causes, 0)


def test_evidence_that_grows_or_goes_missing_has_moved_and_the_rest_has_not(known: FailureSet) -> None:
    evidences = known.evidences[:1_200]
    slower = [
        replace(one, latency_ms=one.latency_ms * 20 if one.latency_ms else None, attempts=None) for one in evidences
    ]
    found = moved_inputs(evidences, slower)
    assert found["log_latency_ms"] > MUCH_MOVED
    assert found["attempts"] > MUCH_MOVED
    assert max(moved for name, moved in found.items() if name not in ("log_latency_ms", "attempts")) < LITTLE_MOVED


def test_of_few_failures_chance_alone_is_hardly_ever_taken_for_drift() -> None:
    chance = np.random.default_rng(0)

    def some() -> list[FailureEvidence]:
        figures = chance.lognormal(5.0, 2.0, size=(100, 3))
        return [FailureEvidence("no", latency_ms=a, event_lag_s=b, reservation_age_s=c) for a, b, c in figures]

    warned = sum(max(moved_inputs(some(), some()).values()) > MUCH_MOVED for _ in range(40))
    assert warned <= 4
