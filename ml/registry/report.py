"""What a data scientist looks at before promoting: who is taken for whom, and whether probabilities keep their word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.root_cause.causes import CAUSES
from ml.root_cause.diagnosis import Diagnosis

_BINS = 10
Cell = str | int | float


@dataclass(frozen=True)
class Table:
    """Named columns, and rows of as many cells."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]


def confusion(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> Table:
    """How often each true cause (row) was taken for each cause (column); ``truth`` (n,) as positions in ``CAUSES``."""
    counts = np.zeros((len(CAUSES), len(CAUSES)), dtype=int)
    np.add.at(counts, (truth, np.array([CAUSES.index(one.root_cause) for one in told], dtype=np.intp)), 1)
    rows: list[list[Cell]] = [[cause.value, *row] for cause, row in zip(CAUSES, counts.tolist(), strict=True)]
    return Table(("true cause", *(cause.value for cause in CAUSES)), rows)


def reliability(told: Sequence[Diagnosis], truth: NDArray[np.intp]) -> Table:
    """Of the diagnoses told with about the same probability, the mean of it and the share that was right."""
    said = np.array([one.probability for one in told])
    right = np.array([CAUSES.index(one.root_cause) for one in told]) == truth
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    rows: list[list[Cell]] = [
        [f"{at / _BINS:.1f} to {(at + 1) / _BINS:.1f}", int((bins == at).sum()), *_means(said, right, bins == at)]
        for at in np.unique(bins).tolist()
    ]
    return Table(("probability told", "failures", "mean probability", "share right"), rows)


def _means(said: NDArray[np.float64], right: NDArray[np.bool_], within: NDArray[np.bool_]) -> list[float]:
    return [round(float(said[within].mean()), 4), round(float(right[within].mean()), 4)]
