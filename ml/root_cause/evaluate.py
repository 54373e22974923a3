"""What a classifier is worth on failures whose cause is known: as a whole, by cause, and part by part."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from ml.root_cause.causes import CAUSES, root_cause_of, subclass_of
from ml.root_cause.certainty import automated_share, expected_calibration_error, positions
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.evidence import FailureEvidence
from ml.root_cause.evidence_matrix import evidence_matrix
from ml.root_cause.signs import rule_table

Known = Sequence[tuple[FailureEvidence, str]]
"""Failures, each with its true leaf."""


def figures(classifier: RootCauseClassifier, known: Known) -> dict[str, float]:
    """Figures under flat names: of the fused whole, of each part alone, and by cause."""
    truth = np.array([CAUSES.index(root_cause_of(leaf)) for _, leaf in known])
    evidences = [evidence for evidence, _ in known]
    told = classifier.classify(evidences)
    found = _quality("fused", positions(told), truth) | _by_cause(positions(told), truth) | _sets(told, truth)
    found["fused.ece"] = expected_calibration_error(told, truth)
    found["fused.automated_at_99"] = automated_share(told, truth)
    right_cause = [(d, leaf) for d, (_, leaf) in zip(told, known, strict=True) if d.root_cause is root_cause_of(leaf)]
    found["fused.subclass_accuracy"] = _mean([d.subclass is subclass_of(leaf) for d, leaf in right_cause])
    text_only = [FailureEvidence(message=evidence.message, system=evidence.system) for evidence in evidences]
    found |= _alone("text_alone", classifier, text_only, truth)
    structure_only = [replace(evidence, message="", error_code=None) for evidence in evidences]
    found |= _alone("structure_alone", classifier, structure_only, truth)
    rules = np.array([CAUSES.index(rule_table(evidence, classifier.codes)) for evidence in evidences])
    return found | _quality("rule_table_alone", rules, truth)


def _alone(
    name: str, classifier: RootCauseClassifier, evidences: Sequence[FailureEvidence], truth: NDArray[np.intp]
) -> dict[str, float]:
    """The quality of one part, on the failures that bring along anything of it."""
    told_any = np.array([e.message != "" or not np.isnan(evidence_matrix([e])).all() for e in evidences])
    part = [evidence for evidence, any_ in zip(evidences, told_any, strict=True) if any_]
    return _quality(name, positions(classifier.classify(part)), truth[told_any])


def _quality(name: str, said: NDArray[np.intp], truth: NDArray[np.intp]) -> dict[str, float]:
    labels = list(range(len(CAUSES)))
    macro = float(f1_score(truth, said, average="macro", labels=labels, zero_division=0))
    return {f"{name}.accuracy": _mean(said == truth), f"{name}.macro_f1": macro}


def _by_cause(said: NDArray[np.intp], truth: NDArray[np.intp]) -> dict[str, float]:
    scores = f1_score(truth, said, average=None, labels=list(range(len(CAUSES))), zero_division=0)
    return {f"fused.f1.{cause.value}": float(score) for cause, score in zip(CAUSES, scores, strict=True)}


def _sets(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> dict[str, float]:
    sure = np.array([not one.abstained for one in told])
    right = positions(told) == truth
    return {
        "fused.set_coverage": _mean([CAUSES[t] in one.conformal_set for one, t in zip(told, truth, strict=True)]),
        "fused.set_size": float(np.mean([len(one.conformal_set) for one in told])),
        "fused.not_abstained": _mean(sure),
        "fused.right_when_not_abstained": _mean(right[sure]) if sure.any() else 0.0,
    }


def _mean(values: Sequence[bool] | NDArray[np.bool_]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
