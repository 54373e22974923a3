"""``classify IN OUT``: a file of failures in, the same rows out with what is thought of each."""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core_sync.interchange.files import columns_of, records, suffix_of
from core_sync.interchange.formats import TABLES
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.interchange.writing import write_rows
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.in_processes import Columns, Rows, classified_batches
from ml.root_cause.told import COLUMNS

BATCH_ROWS = 4_096
Batch = Sequence[RawRecord | RefusedRow]


@dataclass(frozen=True)
class ClassifyReport:
    """What ``classify_file`` did. ``refused`` rows came out without a root cause, with the reason why."""

    rows: int
    classified: int
    abstained: int
    refused: tuple[RefusedRow, ...]
    seconds: float


def classify_file(
    in_path: Path | str, out_path: Path | str, classifier: RootCauseClassifier, processes: int | None = None
) -> ClassifyReport:
    """Classify the failures in ``in_path``; write its rows as they came, with ``COLUMNS`` beside, to ``out_path``.

    A field that cannot be read counts as missing: it stops neither its row nor the file. Columns of an earlier
    classification are replaced. More than ``BATCH_ROWS`` rows are shared among ``processes``, one a core if left out.

    Raises:
        FileUnreadable: none of it can be used, or it has not the columns of failures.
        OSError: the file cannot be written.
    """
    started = time.perf_counter()
    counts = _Counts()
    rows = _classified(Path(in_path), classifier, counts, processes or os.cpu_count() or 1)
    written = write_rows(out_path, rows, _columns(Path(in_path)))
    return ClassifyReport(
        written, counts.classified, counts.abstained, tuple(counts.refused), time.perf_counter() - started
    )


class _Counts:
    """Filled while the rows pass by."""

    def __init__(self) -> None:
        self.classified = 0
        self.abstained = 0
        self.refused: list[RefusedRow] = []


def _columns(path: Path) -> tuple[str, ...]:
    """The columns to write: those of the input (of JSON lines, every name that occurs) and then ours."""
    own = list(columns_of(path))
    if suffix_of(path) == ".jsonl":
        headers = (record.header for record in records(path, TABLES["failures"]) if isinstance(record, RawRecord))
        own = list({name: None for header in headers for name in header})
    return (*(name for name in own if name not in COLUMNS), *COLUMNS)


def _classified(
    path: Path, classifier: RootCauseClassifier, counts: _Counts, processes: int
) -> Iterator[Mapping[str, object]]:
    out: deque[Batch] = deque()

    def good_rows() -> Iterator[Rows]:
        for batch in _batches(path):
            out.append(batch)
            yield [_row(one) for one in batch if isinstance(one, RawRecord)]

    for told in classified_batches(classifier, good_rows(), processes):
        yield from _beside(out.popleft(), told, counts)


def _batches(path: Path) -> Iterator[Batch]:
    batch: list[RawRecord | RefusedRow] = []
    for record in records(path, TABLES["failures"]):
        batch.append(record)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    yield batch


def _row(record: RawRecord) -> dict[str, object]:
    return dict(zip(record.header, record.cells, strict=True))


def _beside(batch: Batch, told: Columns, counts: _Counts) -> Iterator[Mapping[str, object]]:
    """The rows of ``batch`` as they came, each with what is thought of it."""
    remaining = iter(told)
    for one in batch:
        if isinstance(one, RefusedRow):
            counts.refused.append(one)
            yield {**one.raw, "reasons": f"not classified: {one.field}: {one.reason}"}
        else:
            columns = next(remaining)
            counts.classified += 1
            counts.abstained += bool(columns["abstained"])
            yield {**_row(one), **columns}
