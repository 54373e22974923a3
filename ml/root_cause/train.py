"""Training the root-cause classifier, and what it is worth on what it did not see.

Texts come from our own wording, evidence from the simulation's failures and from ``ml.training.evidence``. A fifth of
the phrases is never trained on: one half of the messages written from them sets the temperatures and the conformal
scores, the other half, with evidence from a world with other constants, gives the figures.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.root_cause.causes import CAUSES, LEAVES, PARENT, RootCause, Subclass, root_cause_of
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.codes.table import shipped_codes
from ml.root_cause.conformal import Calibration, calibrate
from ml.root_cause.evaluate import figures
from ml.root_cause.evidence import FailureEvidence, evidence_from
from ml.root_cause.evidence_matrix import evidence_matrix
from ml.root_cause.features import CONCEPTS, LETTERS, WORDS, matrix_of, text_of
from ml.root_cause.fusion import Situation, by_cause, fit_temperature, prior_of, softmax
from ml.root_cause.normalise import normalised
from ml.root_cause.novelty import Vocabulary, vocabulary_of
from ml.root_cause.recipe import Recipe
from ml.root_cause.structured import fitted_trees
from ml.root_cause.text import TextModel, text_model
from ml.root_cause.words import fitted_words
from ml.training.evidence import ELSEWHERE, TRAINING, World, evidence_for
from ml.training.failures import drawn_leaves, written_failures
from ml.training.wording.writer import CAUSE_SHARES, write_many

NOVEL_QUANTILE = 0.99
LEAST_NOVELTY = 0.5
"""No text with fewer unknown words than known ones is called novel: names of records are words, too."""


LABEL_WEIGHT = 10.0
"""Messages of our own that one labelled failure counts as: there are few of them, and they are real."""
LABELS_MOST = 0.5
"""All labelled failures together weigh at most this share of our own messages and theirs: what is general stays."""
REPEATS_MOST = 10
"""One wording counts as at most so many failures."""
WORDINGS_MOST = 50_000
"""Different labelled wordings that the text model is taught; of more, so many are drawn."""

Say = Callable[[str], None]

_USUAL_LEAF = {
    RootCause.SKU_MAPPING: "unmapped_sku",
    RootCause.STALE_RESERVATION: "leaked",
    RootCause.DUPLICATE: "redelivery",
    RootCause.POSTING_DELAY: "late_confirmation",
    RootCause.OTHER: "validation",
}
"""The subclass that a label without one is counted under."""


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
    say: Say = lambda _: None,
    kept: Sequence[Mapping[str, Any]] = (),
) -> TrainedClassifier:
    """Train on simulated ``failures_rows`` (the failures table with ``root_cause`` and, where known, ``subclass``).

    An empty sequence is allowed: then the evidence of ``ml.training.evidence`` stands alone. ``labelled`` are failures
    whose cause people told, in the same columns: they teach their wording too, each as much as ``LABEL_WEIGHT``
    messages of our own, one wording at most ``REPEATS_MOST`` times. ``kept`` are simulated failures that only set
    temperatures and conformal scores: systems whose phrases are not ours say how far to trust the model on the next.
    ``say`` hears of each step before it is taken.

    Raises:
        ValueError: a row whose ``root_cause`` or ``subclass`` is not one of ours.
    """
    recipe = recipe or Recipe()
    rng = np.random.default_rng(seed)
    prior = prior_of(CAUSE_SHARES)
    text, vocabulary = _fit_text(recipe, seed, labelled, say)
    structure = _fit_structure([*failures_rows, *labelled], recipe, rng, say)
    model = RootCauseClassifier(
        text=text,
        structure=structure,
        prior=prior,
        temperatures=dict.fromkeys(Situation, 1.0),
        calibration=Calibration({}, recipe.alpha),
        vocabulary=vocabulary,
        codes=shipped_codes(),
    )
    say(f"calibrating on {recipe.held_out + 2 * len(kept):,} failures in phrases never trained on")
    settled = _calibrated(model, [*_held_out(recipe.held_out, rng, TRAINING), *_shown(kept, rng)], recipe.alpha)
    say(f"measuring on {recipe.held_out:,} more, of a world with other constants")
    return TrainedClassifier(settled, figures(settled, _held_out(recipe.held_out, rng, ELSEWHERE)))


def _fit_text(
    recipe: Recipe, seed: int, labelled: Sequence[Mapping[str, Any]], say: Say
) -> tuple[TextModel, Vocabulary]:
    rng = np.random.default_rng(seed + 1)
    say(f"writing {recipe.texts:,} messages")
    written = write_many(recipe.texts, seed)
    texts = [text_of(_thinned(one.message, recipe.words_dropped, rng), _view(rng)) for one in written]
    told, told_weights = _wordings(labelled, len(written), rng)
    texts += [text_of(message) for message, _ in told]
    truth = np.array([LEAVES.index(leaf) for leaf in (*(one.leaf for one in written), *(leaf for _, leaf in told))])
    weights = np.concatenate([np.ones(len(written)), told_weights])
    say(f"fitting the text model to {len(written):,} messages and {len(told):,} labelled wordings")
    model = text_model(fitted_words(matrix_of(texts), truth, weights, recipe))
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


def _wordings(
    labelled: Sequence[Mapping[str, Any]], written: int, rng: np.random.Generator
) -> tuple[list[tuple[str, str]], NDArray[np.float64]]:
    """Each wording with its leaf once, and the weights of them (n,): how often it was told, damped.

    A wording stands for all failures that differ from it by no more than the records they name.
    """
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], str] = {}
    for row in labelled:
        if message := str(row.get("message") or ""):
            wording = normalised(message), _leaf_of(row)
            counts[wording] += 1
            first.setdefault(wording, message)
    kept = list(counts)
    if len(kept) > WORDINGS_MOST:
        kept = [kept[at] for at in np.sort(rng.choice(len(kept), WORDINGS_MOST, replace=False))]
    # A fault that fills the log for a week is one thing learnt, not ten thousand.
    weights = LABEL_WEIGHT * np.minimum(np.array([counts[wording] for wording in kept], dtype=np.float64), REPEATS_MOST)
    most = written * LABELS_MOST / (1 - LABELS_MOST)
    return [(first[wording], wording[1]) for wording in kept], weights * min(1.0, most / max(weights.sum(), 1.0))


def _thinned(message: str, dropped: float, rng: np.random.Generator) -> str:
    """Every second message without a share of its words: a system we do not know uses only some of ours."""
    if rng.random() < 0.5:
        return message
    words = message.split()
    return " ".join(word for word in words if rng.random() > dropped) or message


def _view(rng: np.random.Generator) -> tuple[int, ...]:
    """Which blocks of a training text are shown: none may lean on another's being there."""
    drawn = rng.random()
    if drawn < 0.6:
        return (CONCEPTS, WORDS, LETTERS)
    return (CONCEPTS,) if drawn < 0.85 else (WORDS, LETTERS)


def _fit_structure(
    rows: Sequence[Mapping[str, Any]], recipe: Recipe, rng: np.random.Generator, say: Say
) -> HistGradientBoostingClassifier:
    """Gradient boosting over evidence; the classes weighted to the prior, whatever the rows' own mix."""
    evidences, causes = _simulated(rows, rng)
    for leaf in drawn_leaves(recipe.evidence_rows, rng):
        evidences.append(evidence_from(evidence_for(leaf, rng)))
        causes.append(CAUSES.index(root_cause_of(leaf)))
    say(f"fitting {recipe.trees} rounds of trees to the evidence of {len(causes):,} failures")
    truth = np.array(causes)
    counts = np.bincount(truth, minlength=len(CAUSES))
    weights = (prior_of(CAUSE_SHARES) / np.maximum(counts, 1))[truth] * len(truth)
    matrix = evidence_matrix(evidences)
    return fitted_trees(matrix, truth, weights, recipe.trees, recipe.leaves_a_tree, int(rng.integers(2**31)))


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


def _shown(rows: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> list[tuple[FailureEvidence, str]]:
    """Simulated failures with their leaf, each twice: with some of its evidence hidden, and as text alone."""
    rows = [row for row in rows if row.get("message")]
    leaves = [_leaf_of(row) for row in rows]
    with_evidence, _ = _simulated(rows, rng)
    text_only = [
        FailureEvidence(message=str(row["message"]), system=one.system)
        for row, one in zip(rows, with_evidence, strict=True)
    ]
    shown = [*zip(with_evidence, leaves, strict=True), *zip(text_only, leaves, strict=True)]
    return [shown[at] for at in rng.permutation(len(shown))]


def _calibrated(
    model: RootCauseClassifier, held_out: Sequence[tuple[FailureEvidence, str]], alpha: float
) -> RootCauseClassifier:
    """``model`` with temperatures from one half of ``held_out`` and conformal scores from the other."""
    scores, situations = model.scores([evidence for evidence, _ in held_out])
    truth = np.array([CAUSES.index(root_cause_of(leaf)) for _, leaf in held_out])
    first = np.arange(len(truth)) % 2 == 0
    temperatures = {
        situation: fit_temperature(scores[first & (situations == situation)], truth[first & (situations == situation)])
        for situation in Situation
    }
    cooled = softmax(scores, np.array([temperatures[Situation(s)] for s in situations]))
    calibration = calibrate(cooled[~first], truth[~first], situations[~first], alpha)
    return replace(model, temperatures=temperatures, calibration=calibration)
