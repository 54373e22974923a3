"""Putting the opinions of text, structure and codes together, and making the result a probability.

Naive Bayes: ``log p = log p_text + log p_structure + log p_code - 2 log prior``; a source that has nothing to say says
the prior and drops out. The sources share errors, so the sum is too sure of itself: it is divided by a temperature
fitted on held-out wording, one for each situation (Guo et al., "On Calibration of Modern Neural Networks", 2017).
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from ml.root_cause.causes import CAUSES, LEAVES, RootCause, root_cause_of
from ml.root_cause.codes.table import Code

Floats = NDArray[np.float64]
_FLOOR = 1e-4
"""No source alone may rule a cause out."""
_COLDEST, _HOTTEST = 0.3, 8.0

CAUSE_OF_LEAF: NDArray[np.intp] = np.array([CAUSES.index(root_cause_of(leaf)) for leaf in LEAVES])
"""Position in ``CAUSES`` of the cause above each leaf, shape (len(LEAVES),)."""


class Situation(IntEnum):
    """What a failure brings along; calibration is separate for each."""

    TEXT_ONLY = 0
    STRUCTURE_ONLY = 1
    BOTH = 2


def by_cause(leaf_log_probabilities: Floats) -> Floats:
    """Leaf log probabilities, shape (n, len(LEAVES)), summed to causes, shape (n, len(CAUSES))."""
    causes = np.empty((len(leaf_log_probabilities), len(CAUSES)))
    for at in range(len(CAUSES)):
        causes[:, at] = logsumexp(leaf_log_probabilities[:, at == CAUSE_OF_LEAF], axis=1)
    return causes


def code_log_probabilities(codes: Sequence[Code | None], prior: Floats) -> Floats:
    """What each known code says, shape (n, len(CAUSES)); the prior where there is none."""
    told = np.tile(np.log(prior), (len(codes), 1))
    for at, code in enumerate(codes):
        if code is not None:
            cause = CAUSES.index(code.root_cause)
            rest = np.delete(prior, cause).sum()
            told[at] = np.log(prior * (1 - code.certainty) / rest)
            told[at, cause] = np.log(code.certainty)
    return told


def fuse(sources: Sequence[Floats], prior: Floats) -> Floats:
    """Log scores from the log probabilities of the sources, each of shape (n, len(CAUSES))."""
    log_prior = np.log(prior)
    total = np.tile(log_prior, (len(sources[0]), 1))
    for source in sources:
        total += np.maximum(source, np.log(_FLOOR)) - log_prior
    return total


def softmax(scores: Floats, temperature: Floats | float = 1.0) -> Floats:
    """Probabilities from log scores; ``temperature`` is one number or one a row."""
    cooled = scores / (np.asarray(temperature)[:, None] if np.ndim(temperature) else temperature)
    shifted = np.exp(cooled - cooled.max(axis=1, keepdims=True))
    probabilities: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def fit_temperature(scores: Floats, truth: NDArray[np.intp]) -> float:
    """The temperature that makes ``truth`` (positions in ``CAUSES``) most likely."""

    def loss(temperature: float) -> float:
        chosen = softmax(scores, temperature)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    return float(minimize_scalar(loss, bounds=(_COLDEST, _HOTTEST), method="bounded").x)


def prior_of(shares: dict[RootCause, float]) -> Floats:
    """Shares of the causes as a vector in the order of ``CAUSES``, summing to 1."""
    prior = np.array([shares[cause] for cause in CAUSES])
    normalised: Floats = prior / prior.sum()
    return normalised
