"""Root causes of failures: probabilities, a set, an honest "I do not know", and the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.root_cause.causes import CAUSES, LEAVES, RootCause, Subclass, subclass_of
from ml.root_cause.codes.table import Code, CodeTable, Retry, shipped_codes
from ml.root_cause.conformal import Calibration
from ml.root_cause.evidence import FailureEvidence
from ml.root_cause.features import Text, text_of
from ml.root_cause.fusion import CAUSE_OF_LEAF, Floats, Situation, by_cause, code_log_probabilities, fuse, softmax
from ml.root_cause.novelty import Vocabulary
from ml.root_cause.signs import signs
from ml.root_cause.structured import cause_probabilities, evidence_matrix
from ml.root_cause.text import TextModel

_SUBCLASS_SIGN = 2.0
"""A sign or a status that names a subclass counts for this much log probability against the words."""
_SUBCLASS_CODE = 8.0
"""A vendor's documented code that names a subclass outweighs all but the clearest words."""


@dataclass(frozen=True)
class Diagnosis:
    """What is thought of one failure, and why."""

    root_cause: RootCause
    """Always the most probable one, also when abstaining."""
    probability: float
    probabilities: Mapping[RootCause, float]
    abstained: bool
    """The evidence does not decide: a person must."""
    subclass: Subclass | None
    conformal_set: tuple[RootCause, ...]
    novelty: float
    """Share of the text's words that are unknown, 0 to 1."""
    reasons: tuple[str, ...]
    retry: Retry | None = None
    """Whether another try can help, where a documented code tells."""


@dataclass(frozen=True)
class RootCauseClassifier:
    """Everything needed to classify; loaded by ``persist.load``, made by ``ml.training.root_cause``."""

    text: TextModel
    structure: HistGradientBoostingClassifier
    prior: Floats
    temperatures: Mapping[Situation, float]
    calibration: Calibration
    vocabulary: Vocabulary
    codes: CodeTable = field(default_factory=shipped_codes)

    def classify(self, evidences: Sequence[FailureEvidence]) -> list[Diagnosis]:
        """One diagnosis a failure, in the same order."""
        if not evidences:
            return []
        seen = _Seen.of(evidences, self)
        probabilities = softmax(seen.scores, np.array([self.temperatures[Situation(s)] for s in seen.situations]))
        sets = self.calibration.sets(probabilities, seen.situations)
        return [self._diagnosis(seen, at, probabilities[at], sets[at]) for at in range(len(evidences))]

    def scores(self, evidences: Sequence[FailureEvidence]) -> tuple[Floats, NDArray[np.intp]]:
        """Fused log scores before any temperature, shape (n, len(CAUSES)), and each failure's situation."""
        seen = _Seen.of(evidences, self)
        return seen.scores, seen.situations

    def _diagnosis(self, seen: "_Seen", at: int, probabilities: Floats, in_set: NDArray[np.bool_]) -> Diagnosis:
        best = int(probabilities.argmax())
        cause = CAUSES[best]
        novelty = self.vocabulary.novelty(seen.texts[at].words)
        novel = novelty > self.vocabulary.threshold and seen.codes[at] is None
        decided = bool(in_set[best]) and int(in_set.sum()) == 1
        return Diagnosis(
            root_cause=cause,
            probability=float(probabilities[best]),
            probabilities={cause: float(p) for cause, p in zip(CAUSES, probabilities, strict=True)},
            abstained=novel or not decided,
            subclass=seen.subclass(at, best),
            conformal_set=tuple(cause for cause, inside in zip(CAUSES, in_set, strict=True) if inside),
            novelty=novelty,
            reasons=tuple(self._reasons(seen, at, cause, novel)),
            retry=known.retry if (known := seen.codes[at] or seen.statuses[at]) else None,
        )

    def _reasons(self, seen: "_Seen", at: int, cause: RootCause, novel: bool) -> list[str]:
        reasons: list[str] = []
        if known := seen.codes[at]:
            reasons.append(f"code {known.code}: {known.meaning} ({known.source})")
        if status := seen.statuses[at]:
            reasons.append(f"HTTP {seen.evidences[at].http_status}: {status.meaning}")
        reasons += [
            sign.said if sign.cause is cause else f"against it: {sign.said} ({sign.cause.value})"
            for sign in signs(seen.evidences[at])
        ]
        if words := self.text.telling_words(seen.texts[at], cause):
            reasons.append("words: " + ", ".join(words))
        if novel:
            reasons.append("the wording is new")
        return reasons or ["no evidence; the most frequent cause"]


@dataclass(frozen=True)
class _Seen:
    """The failures of one call, taken apart once."""

    evidences: Sequence[FailureEvidence]
    texts: list[Text]
    codes: list[Code | None]
    statuses: list[Code | None]
    leaves: Floats
    scores: Floats
    situations: NDArray[np.intp]

    @classmethod
    def of(cls, evidences: Sequence[FailureEvidence], model: RootCauseClassifier) -> "_Seen":
        texts = [text_of(evidence.message) for evidence in evidences]
        codes = [
            model.codes.find(evidence.error_code, evidence.system) or model.codes.in_text(evidence.message)
            for evidence in evidences
        ]
        leaves = model.text.leaf_log_probabilities(texts)
        has_text = np.array([text.places.size > 0 for text in texts], dtype=np.bool_)
        has_code = np.array([code is not None for code in codes], dtype=np.bool_)
        matrix = evidence_matrix(evidences)
        has_structure: NDArray[np.bool_] = np.asarray(~np.isnan(matrix).all(axis=1), dtype=np.bool_)
        scores = source_scores(leaves, has_text, codes, matrix, has_structure, model.structure, model.prior)
        return cls(
            evidences,
            texts,
            codes,
            [model.codes.status(evidence.http_status) for evidence in evidences],
            leaves,
            scores,
            situations_of(np.logical_or(has_text, has_code), has_structure),
        )

    def subclass(self, at: int, cause: int) -> Subclass | None:
        """The subclass below the cause: what a code or sign names, else what the words say; none without either."""
        leaves = np.where(cause == CAUSE_OF_LEAF, self.leaves[at], -np.inf)
        if not self.texts[at].places.size:
            leaves = np.where(cause == CAUSE_OF_LEAF, -_SUBCLASS_SIGN, -np.inf)
        told = False
        named = [self.codes[at], *signs(self.evidences[at]), self.statuses[at]]
        for one in named:
            if one is not None and one.subclass is not None and one.subclass.value in LEAVES:
                leaf = LEAVES.index(one.subclass.value)
                if CAUSE_OF_LEAF[leaf] == cause:
                    leaves[leaf] += _SUBCLASS_CODE if one is self.codes[at] else _SUBCLASS_SIGN
                    told = True
        if not told and not self.texts[at].places.size:
            return None
        return subclass_of(LEAVES[int(leaves.argmax())])


def situations_of(has_text: NDArray[np.bool_], has_structure: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The situation of each failure; one with neither text nor structure counts as text without words."""
    both = np.where(has_text, Situation.BOTH, Situation.STRUCTURE_ONLY)
    return np.where(has_structure, both, Situation.TEXT_ONLY).astype(np.intp)


def source_scores(
    leaves: Floats,
    has_text: NDArray[np.bool_],
    codes: Sequence[Code | None],
    matrix: NDArray[np.float32],
    has_structure: NDArray[np.bool_],
    structure: HistGradientBoostingClassifier,
    prior: Floats,
) -> Floats:
    """Fused log scores of the causes, shape (n, len(CAUSES)); a source with nothing to say says the prior."""
    log_prior = np.log(prior)
    from_text = np.where(has_text[:, None], by_cause(leaves), log_prior)
    from_structure = np.tile(log_prior, (len(leaves), 1))
    if has_structure.any():
        told = cause_probabilities(structure, matrix[has_structure])
        from_structure[has_structure] = np.log(np.maximum(told, 1e-9))
    return fuse([from_text, from_structure, code_log_probabilities(codes, prior)], prior)
