"""Training the root-cause classifier, and what it is worth on what it did not see.

Texts come from our own wording, evidence from the simulation's failures and from ``ml.training.evidence``. A fifth of
the phrases is never trained on: one half of the messages written from them sets the temperatures and the conformal
scores, the other half, with evidence from a world with other constants, gives the figures.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from ml.root_cause.causes import CAUSES, LEAVES, PARENT, RootCause, Subclass, root_cause_of
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.codes.table import shipped_codes
from ml.root_cause.conformal import Calibration, calibrate
from ml.root_cause.evaluate import figures
from ml.root_cause.evidence import FailureEvidence, evidence_from
from ml.root_cause.features import CONCEPTS, LETTERS, WORDS, matrix_of, text_of
from ml.root_cause.fusion import Situation, by_cause, fit_temperature, prior_of, softmax
from ml.root_cause.novelty import Vocabulary, vocabulary_of
from ml.root_cause.structured import evidence_matrix
from ml.root_cause.text import TextModel, text_model
from ml.training.evidence import ELSEWHERE, TRAINING, World, evidence_for
from ml.training.failures import drawn_leaves, written_failures
from ml.training.wording.writer import CAUSE_SHARES, write_many

ALPHA = 0.05
"""Chance of a miss that the conformal sets are built for."""
NOVEL_QUANTILE = 0.99
LEAST_NOVELTY = 0.5
"""No text with fewer unknown words than known ones is called novel: names of records are words, too."""


LABEL_WEIGHT = 10.0
"""Messages of our own that one labelled failure counts as: there are few of them, and they are real."""

_USUAL_LEAF = {
    RootCause.SKU_MAPPING: "unmapped_sku",
    RootCause.STALE_RESERVATION: "leaked",
    RootCause.DUPLICATE: "redelivery",
    RootCause.POSTING_DELAY: "late_confirmation",
    RootCause.OTHER: "validation",
}
"""The subclass that a label without one is counted under."""


@dataclass(frozen=True)
class Recipe:
    """How much to train on and how; the defaults are the shipped model's."""

    texts: int = 50_000
    evidence_rows: int = 12_000
    held_out: int = 4_000
    text_strength: float = 4.0
    """Inverse of the ridge penalty of the text model."""
    text_rounds: int = 60
    trees: int = 60
    leaves_a_tree: int = 12


@dataclass(frozen=True)
class TrainedClassifier:
    """A classifier and its figures; ``ml.registry`` logs both."""

    classifier: RootCauseClassifier
    metrics: dict[str, float]
    """Flat names, such as ``fused.macro_f1`` or ``fused.f1.timeout``."""


def train_root_cause(
    failures_rows: Sequence[Mapping[str, Any]],
    seed: int,
    recipe: Recipe | None = None,
    labelled: Sequence[Mapping[str, Any]] = (),
) -> TrainedClassifier:
    """Train on simulated ``failures_rows`` (the failures table with ``root_cause`` and, where known, ``subclass``).

    An empty sequence is allowed: then the evidence of ``ml.training.evidence`` stands alone. ``labelled`` are failures
    whose cause people told, in the same columns: they teach their wording too, each as much as ``LABEL_WEIGHT``
    messages of our own.

    Raises:
        ValueError: a row whose ``root_cause`` or ``subclass`` is not one of ours.
    """
    recipe = recipe or Recipe()
    rng = np.random.default_rng(seed)
    prior = prior_of(CAUSE_SHARES)
    text, vocabulary = _fit_text(recipe, seed, labelled)
    structure = _fit_structure([*failures_rows, *labelled], recipe, rng)
    model = RootCauseClassifier(
        text=text,
        structure=structure,
        prior=prior,
        temperatures=dict.fromkeys(Situation, 1.0),
        calibration=Calibration({}, ALPHA),
        vocabulary=vocabulary,
        codes=shipped_codes(),
    )
    settled = _calibrated(model, _held_out(recipe.held_out, rng, TRAINING))
    return TrainedClassifier(settled, figures(settled, _held_out(recipe.held_out, rng, ELSEWHERE)))


def _fit_text(recipe: Recipe, seed: int, labelled: Sequence[Mapping[str, Any]]) -> tuple[TextModel, Vocabulary]:
    rng = np.random.default_rng(seed + 1)
    written = write_many(recipe.texts, seed)
    texts = [text_of(one.message, _view(rng)) for one in written]
    told = [row for row in labelled if row.get("message")]
    texts += [text_of(str(row["message"])) for row in told]
    truth = np.array([LEAVES.index(one.leaf) for one in written] + [LEAVES.index(_leaf_of(row)) for row in told])
    weights = np.array([1.0] * len(written) + [LABEL_WEIGHT] * len(told))
    estimator = LogisticRegression(C=recipe.text_strength, max_iter=recipe.text_rounds, tol=1e-3)
    with warnings.catch_warnings():
        # The rounds are few on purpose: stopping early is part of the regularisation.
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(matrix_of(texts), truth, sample_weight=weights)
    model = text_model(estimator)
    held_out = write_many(recipe.held_out, seed + 2, held_out=True)
    kept = [text_of(one.message) for one in held_out]
    leaves = model.leaf_log_probabilities(kept)
    causes = np.array([CAUSES.index(root_cause_of(one.leaf)) for one in held_out])
    temperature = fit_temperature(by_cause(leaves), causes)
    vocabulary = vocabulary_of((text.words for text in texts), 1.0)
    novelty = np.quantile([vocabulary.novelty(text.words) for text in kept], NOVEL_QUANTILE)
    return (
        replace(model, temperature=temperature),
        replace(vocabulary, threshold=max(LEAST_NOVELTY, float(novelty))),
    )


def _view(rng: np.random.Generator) -> tuple[int, ...]:
    """Which blocks of a training text are shown: none may lean on another's being there."""
    drawn = rng.random()
    if drawn < 0.6:
        return (CONCEPTS, WORDS, LETTERS)
    return (CONCEPTS,) if drawn < 0.85 else (WORDS, LETTERS)


def _fit_structure(
    rows: Sequence[Mapping[str, Any]], recipe: Recipe, rng: np.random.Generator
) -> HistGradientBoostingClassifier:
    """Gradient boosting over evidence; the classes weighted to the prior, whatever the rows' own mix."""
    evidences, causes = _simulated(rows, rng)
    for leaf in drawn_leaves(recipe.evidence_rows, rng):
        evidences.append(evidence_from(evidence_for(leaf, rng)))
        causes.append(CAUSES.index(root_cause_of(leaf)))
    truth = np.array(causes)
    counts = np.bincount(truth, minlength=len(CAUSES))
    weights = (prior_of(CAUSE_SHARES) / np.maximum(counts, 1))[truth] * len(truth)
    estimator = HistGradientBoostingClassifier(
        max_iter=recipe.trees,
        max_leaf_nodes=recipe.leaves_a_tree,
        min_samples_leaf=25,
        l2_regularization=5.0,
        learning_rate=0.12,
        categorical_features=None,
        early_stopping=False,
        random_state=int(rng.integers(2**31)),
    )
    estimator.fit(evidence_matrix(evidences), truth, sample_weight=weights)
    return estimator


def _simulated(rows: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> tuple[list[FailureEvidence], list[int]]:
    """Evidence of simulated failures, each field hidden at random, beside the position of its true cause."""
    evidences, causes = [], []
    for row in rows:
        hidden = rng.random() * 0.6
        shown = {name: value for name, value in row.items() if rng.random() > hidden}
        evidences.append(evidence_from(shown))
        causes.append(CAUSES.index(_true_cause(row)))
    return evidences, causes


def _leaf_of(row: Mapping[str, Any]) -> str:
    cause, subclass = _true_cause(row), row.get("subclass")
    return str(subclass) if subclass else _USUAL_LEAF.get(cause, cause.value)


def _true_cause(row: Mapping[str, Any]) -> RootCause:
    cause = RootCause(str(row["root_cause"]))
    subclass = row.get("subclass")
    if subclass and PARENT[Subclass(str(subclass))] is not cause:
        raise ValueError(f"{subclass} is not a subclass of {cause.value}")
    return cause


def _held_out(count: int, rng: np.random.Generator, world: World) -> list[tuple[FailureEvidence, str]]:
    return [(evidence_from(fields), leaf) for fields, leaf in written_failures(count, rng, world)]


def _calibrated(model: RootCauseClassifier, held_out: Sequence[tuple[FailureEvidence, str]]) -> RootCauseClassifier:
    """``model`` with temperatures from one half of ``held_out`` and conformal scores from the other."""
    scores, situations = model.scores([evidence for evidence, _ in held_out])
    truth = np.array([CAUSES.index(root_cause_of(leaf)) for _, leaf in held_out])
    first = np.arange(len(truth)) % 2 == 0
    temperatures = {
        situation: fit_temperature(scores[first & (situations == situation)], truth[first & (situations == situation)])
        for situation in Situation
    }
    cooled = softmax(scores, np.array([temperatures[Situation(s)] for s in situations]))
    calibration = calibrate(cooled[~first], truth[~first], situations[~first], ALPHA)
    return replace(model, temperatures=temperatures, calibration=calibration)
