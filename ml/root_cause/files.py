"""``classify IN OUT``: a file of failures in, the same rows out with what is thought of each."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core_sync.interchange.files import columns_of, records, suffix_of
from core_sync.interchange.formats import TABLES
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.interchange.writing import write_rows
from ml.root_cause.classifier import Diagnosis, RootCauseClassifier
from ml.root_cause.evidence import evidence_from

COLUMNS = ("root_cause", "probability", "abstained", "subclass", "reasons")
BATCH_ROWS = 4_096


@dataclass(frozen=True)
class ClassifyReport:
    """What ``classify_file`` did. ``refused`` rows came out without a root cause, with the reason why."""

    rows: int
    classified: int
    abstained: int
    refused: tuple[RefusedRow, ...]
    seconds: float


def classify_file(in_path: Path | str, out_path: Path | str, classifier: RootCauseClassifier) -> ClassifyReport:
    """Classify the failures in ``in_path``; write its rows as they came, with ``COLUMNS`` beside, to ``out_path``.

    A field that cannot be read counts as missing: it stops neither its row nor the file. Columns of an earlier
    classification are replaced.

    Raises:
        FileUnreadable: none of it can be used, or it has not the columns of failures.
        OSError: the file cannot be written.
    """
    started = time.perf_counter()
    counts = _Counts()
    written = write_rows(out_path, _classified(Path(in_path), classifier, counts), _columns(Path(in_path)))
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


def _classified(path: Path, classifier: RootCauseClassifier, counts: _Counts) -> Iterator[Mapping[str, object]]:
    batch: list[RawRecord | RefusedRow] = []
    for record in records(path, TABLES["failures"]):
        batch.append(record)
        if len(batch) == BATCH_ROWS:
            yield from _batch(batch, classifier, counts)
            batch = []
    yield from _batch(batch, classifier, counts)


def _batch(
    batch: Sequence[RawRecord | RefusedRow], classifier: RootCauseClassifier, counts: _Counts
) -> Iterator[Mapping[str, object]]:
    good = [dict(zip(one.header, one.cells, strict=True)) for one in batch if isinstance(one, RawRecord)]
    told = zip(good, classifier.classify([evidence_from(row) for row in good]), strict=True)
    for one in batch:
        if isinstance(one, RefusedRow):
            counts.refused.append(one)
            yield {**one.raw, "reasons": f"not classified: {one.field}: {one.reason}"}
        else:
            row, diagnosis = next(told)
            counts.classified += 1
            counts.abstained += diagnosis.abstained
            yield {**row, **as_columns(diagnosis)}


def as_columns(diagnosis: Diagnosis) -> dict[str, object]:
    """A diagnosis as the columns of ``COLUMNS``."""
    return {
        "root_cause": diagnosis.root_cause.value,
        "probability": round(diagnosis.probability, 6),
        "abstained": diagnosis.abstained,
        "subclass": diagnosis.subclass.value if diagnosis.subclass else None,
        "reasons": "; ".join(diagnosis.reasons),
    }
