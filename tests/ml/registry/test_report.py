"""Tables to look at before promoting: whom the model takes for whom, and whether its probabilities keep their word."""

import numpy as np

from ml.registry.evaluation_sets import EvaluationSets
from ml.registry.report import confusion, reliability
from ml.registry.service_models import shipped_models


def test_every_failure_stands_once_in_each_table() -> None:
    known = EvaluationSets(part=12).of_failures()[0]
    told = shipped_models().root_cause.classify(known.evidences)
    confused, reliable = confusion(told, known.truth), reliability(told, known.truth)
    counts = np.array([row[1:] for row in confused.rows], dtype=int)
    assert counts.sum() == len(told) == sum(int(row[1]) for row in reliable.rows)
    assert counts.sum(axis=1).tolist() == np.bincount(known.truth, minlength=len(counts)).tolist()
    assert np.trace(counts) > 0.8 * counts.sum()
    assert all(0 <= float(cell) <= 1 for row in reliable.rows for cell in row[2:])
