"""``classify IN OUT``: the same rows come out, each with what is thought of it."""

import json
from pathlib import Path

import polars as pl
import pytest

from core_sync.interchange.errors import FileUnreadable
from ml.root_cause.causes import RootCause
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.files import BATCH_ROWS, classify_file
from ml.root_cause.told import COLUMNS

ROWS = [
    {"id": "f1", "occurred_at": "2026-01-05T10:00:00Z", "message": "the request timed out", "http_status": 504},
    {"id": "f2", "occurred_at": "2026-01-05T10:00:01Z", "message": "Barcode 4711 not found", "ticket": "T-9"},
    {"id": "f3", "occurred_at": "2026-01-05T10:00:02Z", "message": "already processed", "http_status": None},
]


def write(path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        frame = pl.DataFrame(ROWS, infer_schema_length=None)
        frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return path


def read(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    return frame.to_dicts()


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_the_same_rows_come_out_with_what_is_thought_of_each(
    classifier: RootCauseClassifier, tmp_path: Path, suffix: str
) -> None:
    report = classify_file(write(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}", classifier)
    rows = read(tmp_path / f"out{suffix}")
    assert (report.rows, report.classified, report.refused) == (3, 3, ())
    assert [row["id"] for row in rows] == ["f1", "f2", "f3"]
    assert rows[1]["ticket"] == "T-9"
    assert [row["root_cause"] for row in rows] == ["timeout", "sku_mapping", "duplicate"]
    assert all(row["reasons"] and row["root_cause"] in set(RootCause) for row in rows)


def test_a_second_classification_replaces_the_first(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    classify_file(write(tmp_path / "in.csv"), first, classifier)
    classify_file(first, second, classifier)
    assert first.read_text() == second.read_text()
    assert second.read_text().splitlines()[0].endswith(",".join(COLUMNS))


def test_a_row_that_cannot_be_read_comes_out_with_the_reason(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl")
    source.write_text(source.read_text() + "{broken\n")
    report = classify_file(source, tmp_path / "out.jsonl", classifier)
    assert (report.classified, len(report.refused)) == (3, 1)
    assert str(read(tmp_path / "out.jsonl")[-1]["reasons"]).startswith("not classified")


def test_a_file_of_something_else_is_refused(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("sku,quantity\nA,1\n")
    with pytest.raises(FileUnreadable):
        classify_file(tmp_path / "in.csv", tmp_path / "out.csv", classifier)


def test_several_processes_say_the_same_in_the_same_order(classifier: RootCauseClassifier, tmp_path: Path) -> None:
    written = write(tmp_path / "in.jsonl").read_text()
    source = tmp_path / "many.jsonl"
    source.write_text("{broken\n" + written * (BATCH_ROWS // 2))
    told = [tmp_path / f"{processes}.jsonl" for processes in (1, 2)]
    reports = [classify_file(source, file, classifier, count) for file, count in zip(told, (1, 2), strict=True)]
    assert told[0].read_text() == told[1].read_text()
    assert [(one.rows, one.classified, len(one.refused)) for one in reports] == [(3 * BATCH_ROWS // 2 + 1, 6144, 1)] * 2
