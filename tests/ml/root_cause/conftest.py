"""A small classifier, trained once: enough to see what it does, too small for its figures."""

import pytest

from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.recipe import Recipe
from ml.root_cause.train import TrainedClassifier, train_root_cause

SMALL = Recipe(texts=4_500, evidence_rows=2_500, held_out=1_000, text_rounds=20, trees=20)


@pytest.fixture(scope="session")
def trained() -> TrainedClassifier:
    return train_root_cause([], seed=3, recipe=SMALL)


@pytest.fixture(scope="session")
def classifier(trained: TrainedClassifier) -> RootCauseClassifier:
    return trained.classifier
