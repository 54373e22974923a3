"""The frozen rows that every model is measured on before it may serve; what a manifest claims counts for nothing.

They lie in ``models/evaluation``, one Parquet file a model, and are named by their digest. Failures there speak in
phrases that no training has seen, with evidence from a world of other constants; the rows of the detectors come from a
simulated distributor that none was trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.root_cause.causes import CAUSES, RootCause
from ml.root_cause.evidence import FailureEvidence, evidence_from

EVALUATION = Path(__file__).resolve().parents[2] / "models" / "evaluation"
FAULTY, DAY = "faulty", "day"
"""Columns of a detector's rows beside its features: whether a fault touched the row, and its day, a whole number."""


@dataclass(frozen=True)
class FailureSet:
    """Failures with their true root cause, as positions in ``CAUSES`` (n,)."""

    title: str
    digest: str
    evidences: Sequence[FailureEvidence]
    truth: NDArray[np.intp]


@dataclass(frozen=True)
class RowSet:
    """Rows of features (n, k) by the names ``features``, which of them a fault touched (n,), and their day (n,)."""

    title: str
    digest: str
    features: tuple[str, ...]
    matrix: NDArray[np.float32]
    faulty: NDArray[np.bool_]
    days: NDArray[np.int64]


@dataclass(frozen=True)
class EvaluationSets:
    """What models are measured on: the frozen sets of ``folder``, and failures of one's own that were never trained on.

    ``part``: only every so many-th row of the frozen sets, where figures need not be fine.
    """

    folder: Path = EVALUATION
    own: FailureSet | None = None
    part: int = 1

    def of_failures(self) -> list[FailureSet]:
        """For the root-cause classifier: the frozen failures first."""
        frozen = frozen_failures(self.folder / "root_cause.parquet")
        thinned = replace(frozen, evidences=frozen.evidences[:: self.part], truth=frozen.truth[:: self.part])
        return [thinned, *([self.own] if self.own is not None else [])]

    def of(self, name: str) -> RowSet:
        """For the detector ``name``."""
        rows = frozen_rows(name, self.folder)
        kept = slice(None, None, self.part)
        return replace(rows, matrix=rows.matrix[kept], faulty=rows.faulty[kept], days=rows.days[kept])


@lru_cache(maxsize=4)
def frozen_failures(file: Path = EVALUATION / "root_cause.parquet") -> FailureSet:
    """The failures that root-cause models are measured on."""
    rows = pl.read_parquet(file).to_dicts()
    truth = np.array([CAUSES.index(RootCause(row["root_cause"])) for row in rows], dtype=np.intp)
    return FailureSet("the frozen failures", _digest(file), [evidence_from(row) for row in rows], truth)


@lru_cache(maxsize=4)
def frozen_rows(name: str, folder: Path = EVALUATION) -> RowSet:
    """The rows that the detector ``name`` is measured on."""
    file = folder / f"{name}.parquet"
    frame = pl.read_parquet(file)
    features = tuple(column for column in frame.columns if column not in (FAULTY, DAY))
    matrix = frame.select(features).to_numpy().astype(np.float32)
    return RowSet("the frozen rows", _digest(file), features, matrix, frame[FAULTY].to_numpy(), frame[DAY].to_numpy())


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:12]
