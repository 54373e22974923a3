"""The root cause of a case: of its failures' diagnoses together, else what its figures suggest. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ml.registry.service_models import ServiceModels
from ml.root_cause.causes import CAUSES, RootCause
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.evidence import FailureEvidence
from ml.triage.told import Signals

SHARES: Mapping[str, Mapping[RootCause, float]] = {
    "on_hand": {
        RootCause.POSTING_DELAY: 17.5,
        RootCause.SKU_MAPPING: 14.5,
        RootCause.DUPLICATE: 10.5,
        RootCause.STALE_RESERVATION: 1.0,
        RootCause.TIMEOUT: 0.5,
        RootCause.OTHER: 0.5,
    },
    "held": {cause: 11.5 if cause is RootCause.STALE_RESERVATION else 0.5 for cause in CAUSES},
    "shown": {
        RootCause.DUPLICATE: 19.5,
        RootCause.POSTING_DELAY: 11.5,
        RootCause.TIMEOUT: 9.5,
        RootCause.SKU_MAPPING: 5.5,
        RootCause.STALE_RESERVATION: 3.5,
        RootCause.OTHER: 0.5,
    },
}
"""What lay behind differing figures that no failure was told of, in six simulated houses of the detector's training.

Counted over 100 faults, a half added to each: of stock on hand, of what is held of it, and of what a channel shows.
"""


def cause_of(signals: Signals, models: ServiceModels) -> dict[str, Any]:
    """Of its failures' diagnoses together, else of what its anomalies' figures suggest."""
    return _pooled(signals.failures) if signals.failures else _suggested(signals.anomalies, models.root_cause)


def _suggested(anomalies: Sequence[Mapping[str, Any]], model: RootCauseClassifier) -> dict[str, Any]:
    """What differs says how frequent each cause is; the lag of the books and the age of what is held weigh it.

    The model's own shares of causes are those of failures that were told, so they are taken out (Saerens, Latinne,
    Decaestecker, "Adjusting the Outputs of a Classifier to New a Priori Probabilities", 2002).
    """
    differing = {_differing(row) for row in anomalies}
    lag = max((row["event_lag_s"] or 0.0 for row in anomalies), default=0.0)
    age = max((row["reservation_age_s"] or 0.0 for row in anomalies), default=0.0)
    # A reservation moves nothing on hand, however old it is.
    evidence = FailureEvidence(
        event_lag_s=lag or None, reservation_age_s=(age or None) if "held" in differing else None
    )
    told = model.classify([evidence])[0].probabilities
    shares = {cause: sum(SHARES[one][cause] / sum(SHARES[one].values()) for one in differing) for cause in CAUSES}
    odds = {cause: shares[cause] * told[cause] / float(model.prior[at]) for at, cause in enumerate(CAUSES)}
    cause = max(odds, key=odds.__getitem__)
    return {
        "root_cause": str(cause),
        "subclass": None,
        "probability": odds[cause] / sum(odds.values()),
        "abstained": True,  # figures alone never prove a cause
        "reasons": ["no failure was told; the cause is read from figures alone"],
    }


def _differing(row: Mapping[str, Any]) -> str:
    if row["state"] in ("allocated", "reserved"):
        return "held"
    return "shown" if row["channel"] or row["state"] == "available" else "on_hand"


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
