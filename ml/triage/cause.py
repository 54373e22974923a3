"""The root cause of a case: of its failures' diagnoses together, else what its figures suggest. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ml.registry.service_models import ServiceModels
from ml.root_cause.evidence import FailureEvidence
from ml.triage.told import Signals


def cause_of(signals: Signals, models: ServiceModels) -> dict[str, Any]:
    """Of its failures' diagnoses together, else of what its anomalies' figures suggest."""
    if signals.failures:
        return _pooled(signals.failures)
    lag = max((row["event_lag_s"] or 0.0 for row in signals.anomalies), default=0.0)
    age = max((row["reservation_age_s"] or 0.0 for row in signals.anomalies), default=0.0)
    evidence = FailureEvidence(event_lag_s=lag or None, reservation_age_s=age or None)
    diagnosis = models.root_cause.classify([evidence])[0]
    return {
        "root_cause": str(diagnosis.root_cause),
        "subclass": str(diagnosis.subclass) if diagnosis.subclass else None,
        "probability": diagnosis.probability,
        "abstained": True,  # figures alone never prove a cause
        "reasons": ["no failure was told; the cause is read from figures alone"],
    }


def _pooled(failures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One diagnosis of several: the mean of their log-probabilities, and the subclass of the most certain."""
    pooled: dict[str, float] = {}
    for row in failures:
        for cause, probability in msgspec.json.decode(row["probabilities"]).items():
            pooled[cause] = pooled.get(cause, 0.0) + math.log(max(probability, 1e-6)) / len(failures)
    total = sum(math.exp(value) for value in pooled.values())
    cause = max(pooled, key=lambda name: pooled[name])
    of_cause = [row for row in failures if row["root_cause"] == cause] or list(failures)
    best = max(of_cause, key=lambda row: row["probability"])
    return {
        "root_cause": cause,
        "subclass": best["subclass"],
        "probability": math.exp(pooled[cause]) / total,
        "abstained": all(row["abstained"] for row in of_cause),
        "reasons": msgspec.json.decode(best["reasons"]),
    }
