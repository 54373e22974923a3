"""The text model: a linear classifier over leaves, and which words moved it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from ml.root_cause.causes import CAUSES, LEAVES, RootCause
from ml.root_cause.features import WIDTH, Text, matrix_of, word_places
from ml.root_cause.fusion import CAUSE_OF_LEAF, Floats

_SHORTEST_REASON = 3
_MOST_MARGINS = 50_000


@dataclass(frozen=True)
class TextModel:
    """A fitted logistic regression, laid out for quick use."""

    estimator: LogisticRegression
    weights: NDArray[np.float32]
    """Shape (WIDTH, len(LEAVES))."""
    intercepts: NDArray[np.float32]
    temperature: float
    margins: dict[str, list[float]] = field(default_factory=dict, repr=False, compare=False)
    """What was already worked out for ``telling_words``."""

    def leaf_log_probabilities(self, texts: Sequence[Text]) -> Floats:
        """Log probability of each leaf, shape (len(texts), len(LEAVES))."""
        if len(texts) == 1:
            scores = (texts[0].values @ self.weights[texts[0].places] + self.intercepts)[None, :]
        else:
            scores = matrix_of(texts) @ self.weights + self.intercepts
        told: Floats = log_softmax(scores.astype(np.float64) / self.temperature, axis=1)
        return told

    def telling_words(self, text: Text, cause: RootCause, most: int = 4) -> list[str]:
        """The words that spoke most for ``cause``, strongest first."""
        at = CAUSES.index(cause)
        told = {w: self._margins(w)[at] for w in text.words if len(w) >= _SHORTEST_REASON}
        spoke = [word for word, margin in told.items() if margin > 0]
        return sorted(spoke, key=told.__getitem__, reverse=True)[:most]

    def _margins(self, word: str) -> list[float]:
        """By how much ``word`` speaks for each cause's best leaf over the best leaf of any other cause."""
        known = self.margins.get(word)
        if known is None:
            told = self.weights[word_places(word)].sum(axis=0)
            best = [float(told[at == CAUSE_OF_LEAF].max()) for at in range(len(CAUSES))]
            known = [own - max(best[:at] + best[at + 1 :]) for at, own in enumerate(best)]
            if len(self.margins) < _MOST_MARGINS:
                self.margins[word] = known
        return known


def text_model(estimator: LogisticRegression, temperature: float = 1.0) -> TextModel:
    """The text model of a fitted ``estimator``.

    Raises:
        ValueError: it was fitted on other features or other leaves.
    """
    if estimator.coef_.shape != (len(LEAVES), WIDTH) or list(estimator.classes_) != list(range(len(LEAVES))):
        raise ValueError(f"a text model over {estimator.coef_.shape}, not over {(len(LEAVES), WIDTH)}")
    weights = np.ascontiguousarray(estimator.coef_.T, dtype=np.float32)
    return TextModel(estimator, weights, estimator.intercept_.astype(np.float32), temperature)
