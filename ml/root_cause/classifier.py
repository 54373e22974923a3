"""Root causes of failures: probabilities, a set, an honest "I do not know", and the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.root_cause.causes import CAUSES, LEAVES, RootCause, Subclass, subclass_of
from ml.root_cause.codes.table import Code, CodeTable, shipped_codes
from ml.root_cause.conformal import Calibration
from ml.root_cause.diagnosis import Diagnosis
from ml.root_cause.evidence import FailureEvidence
from ml.root_cause.evidence_matrix import evidence_matrix
from ml.root_cause.features import Text, text_of
from ml.root_cause.fusion import CAUSE_OF_LEAF, Floats, Situation, by_cause, code_log_probabilities, fuse, softmax
from ml.root_cause.novelty import Vocabulary
from ml.root_cause.signs import Sign, signs
from ml.root_cause.structured import cause_probabilities
from ml.root_cause.text import TextModel

_SUBCLASS_SIGN = 2.0
"""A sign or a status that names a subclass counts for this much log probability against the words."""
_SUBCLASS_CODE = 8.0
"""A vendor's documented code that names a subclass outweighs all but the clearest words."""
_LEAVES_OF = tuple(tuple(np.flatnonzero(cause == CAUSE_OF_LEAF).tolist()) for cause in range(len(CAUSES)))
_LEAF_OF = {subclass: LEAVES.index(subclass.value) for subclass in Subclass}
_SUBCLASS_OF = tuple(subclass_of(leaf) for leaf in LEAVES)


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
        rows = zip(probabilities.tolist(), sets.tolist(), strict=True)  # plain numbers: one at a time, they are quicker
        return [self._diagnosis(seen, at, said, in_set) for at, (said, in_set) in enumerate(rows)]

    def scores(self, evidences: Sequence[FailureEvidence]) -> tuple[Floats, NDArray[np.intp]]:
        """Fused log scores before any temperature, shape (n, len(CAUSES)), and each failure's situation."""
        seen = _Seen.of(evidences, self)
        return seen.scores, seen.situations

    def _diagnosis(self, seen: "_Seen", at: int, probabilities: list[float], in_set: list[bool]) -> Diagnosis:
        best = probabilities.index(max(probabilities))
        cause = CAUSES[best]
        novelty = self.vocabulary.novelty(seen.texts[at].words)
        novel = novelty > self.vocabulary.threshold and seen.codes[at] is None
        decided = in_set[best] and sum(in_set) == 1
        return Diagnosis(
            root_cause=cause,
            probability=probabilities[best],
            probabilities=dict(zip(CAUSES, probabilities, strict=True)),
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
            for sign in seen.signs[at]
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
    signs: list[list[Sign]]
    leaves: Floats
    scores: Floats
    situations: NDArray[np.intp]

    @classmethod
    def of(cls, evidences: Sequence[FailureEvidence], model: RootCauseClassifier) -> "_Seen":
        codes = [
            model.codes.find(evidence.error_code, evidence.system) or model.codes.in_text(evidence.message)
            for evidence in evidences
        ]
        texts = [text_of(_wording(evidence, code)) for evidence, code in zip(evidences, codes, strict=True)]
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
            [signs(evidence) for evidence in evidences],
            leaves,
            scores,
            situations_of(np.logical_or(has_text, has_code), has_structure),
        )

    def subclass(self, at: int, cause: int) -> Subclass | None:
        """The subclass below the cause: what a code or sign names, else what the words say; none without either."""
        has_words = self.texts[at].places.size > 0
        told = self.leaves[at].tolist()
        scores = {leaf: told[leaf] if has_words else -_SUBCLASS_SIGN for leaf in _LEAVES_OF[cause]}
        named = False
        for one in (self.codes[at], *self.signs[at], self.statuses[at]):
            leaf = None if one is None or one.subclass is None else _LEAF_OF[one.subclass]
            if leaf in scores:
                scores[leaf] += _SUBCLASS_CODE if one is self.codes[at] else _SUBCLASS_SIGN
                named = True
        if not named and not has_words:
            return None
        return _SUBCLASS_OF[max(scores, key=scores.__getitem__)]


def _wording(evidence: FailureEvidence, code: Code | None) -> str:
    """The message, after the words of a code that no table knows: many vendors' codes say what they mean."""
    told = evidence.error_code
    if not told or code is not None:
        return evidence.message
    return f"{told}: {evidence.message}" if evidence.message else told


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
