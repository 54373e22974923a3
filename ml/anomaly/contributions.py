"""What each feature added to a row's score: the parts of the score, exactly, and nothing beside it.

A context feature's surprise is its own, held against the one nat that rows have on average. Boosted trees credit each
feature along the row's way through them (``ml.anomaly.boosted_walk``). A forest's surprise is shared among its features
by how many steps sooner each set the row apart. The parts and ``start``, alike for all rows, sum to the score.
"""

import numpy as np

from ml.anomaly.detector import Detector, Matrix
from ml.anomaly.feedback import FeedbackModel
from ml.anomaly.tails import Floats
from ml.features.feature import Tail


def start_of(model: Detector | FeedbackModel) -> float:
    """What every row's score begins with, in nats."""
    if isinstance(model, FeedbackModel):
        return model.own_share * model.walk.start + model.score_weight * start_of(model.detector)
    specification = model.specification
    judged = sum(context.weight for context in specification.context if context.feature in model.tails)
    by_prior = specification.prior_weight * model.prior.walk.start if model.prior is not None else 0.0
    return specification.forest_weight + judged + by_prior


def contributions(model: Detector | FeedbackModel, matrix: Matrix) -> Floats:
    """The nats (n, k) that each feature of ``matrix`` (n, k) added to the score; below zero where it took some off."""
    if isinstance(model, FeedbackModel):
        return _of_feedback(model, matrix)
    specification = model.specification
    names = specification.features.names
    found = np.zeros(matrix.shape)
    found[:, specification.features.columns(specification.forest)] = _of_forest(model, matrix)
    for context in specification.context:
        if context.feature in model.tails:
            at = names.index(context.feature)
            surprise = model.tails[context.feature].surprise(matrix[:, at], context.strange)
            found[:, at] += context.weight * (surprise - 1.0)
    if model.prior is not None and len(matrix):
        found[:, model.prior.columns] += specification.prior_weight * model.prior.credits(matrix)
    return found


def _of_forest(detector: Detector, matrix: Matrix) -> Floats:
    """The forest's surprise beyond one nat (n, f), shared among its columns."""
    surprise = detector.forest_tails.surprise(detector.isolation(matrix), Tail.HIGH) - 1.0
    sooner = np.maximum(detector.attributions(matrix), 0.0) + 1e-9
    shared: Floats = sooner * (detector.specification.forest_weight * surprise / sooner.sum(axis=1))[:, None]
    return shared


def _of_feedback(model: FeedbackModel, matrix: Matrix) -> Floats:
    """What was learnt of each feature, and what each added by the detector's score, in itself and as learnt of."""
    by_detector = contributions(model.detector, matrix)
    learnt = np.zeros((len(matrix), matrix.shape[1] + 1))
    learnt[:, model.known] = model.own_share * model.walk.credits(model.columns(matrix))
    raised = np.maximum(by_detector, 0.0) + 1e-9
    share = raised / raised.sum(axis=1, keepdims=True)
    found: Floats = learnt[:, :-1] + learnt[:, -1:] * share + model.score_weight * by_detector
    return found
