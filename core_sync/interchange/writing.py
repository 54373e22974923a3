"""Rows written to files, exactly: what is written is what is read again."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

from core_sync.interchange.cloud_events import flattened
from core_sync.interchange.files import suffix_of
from core_sync.interchange.parquet_tables import write_parquet
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RAW_COLUMN, REFUSAL_COLUMNS, FieldRefused, RefusedRow
from core_sync.interchange.texts import json_text, text_of

AnyRow = Mapping[str, object]


def write_rows(
    path: Path | str, rows: Iterable[AnyRow], columns: Sequence[str] | None = None, delimiter: str = ","
) -> int:
    """Write ``rows`` to the file at ``path`` in the format its name tells, and say how many there were.

    Only ``columns`` are written, in their order. Where they are left out, every name that occurs in any
    row is a column, for which the rows are all held in memory. ``delimiter`` stands between the cells of
    .csv files. The file appears whole or not at all.

    Raises:
        FormatUnknown: the name tells no format.
        ValueError: a time without a zone.
        OSError: the file cannot be written.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if columns is None:
        rows = list(rows)
        columns = tuple({name: None for row in rows for name in row})
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        if suffix == ".parquet":
            count = write_parquet(unfinished, rows, columns)
        else:
            count = _write_text(unfinished, *_lines(rows, columns, suffix, delimiter))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def write_refused(path: Path | str, refused: Iterable[RefusedRow], profile: SourceProfile = INTERCHANGE) -> int:
    """Write refused rows as they came, with ``_row``, ``_field`` and ``_reason`` beside, and say how many.

    Once corrected the file can be read like the one they came from, under the same ``profile``; those
    three columns are ignored.
    A row that could not be told apart into columns stands whole in ``_raw``: it is refused again until
    its columns are filled in and ``_raw`` is emptied.

    Raises:
        FormatUnknown, OSError: as ``write_rows``.
    """
    nested = suffix_of(Path(path)) == ".jsonl"
    return write_rows(path, [_with_reason(row, nested) for row in refused], delimiter=profile.delimiter)


def _with_reason(refused: RefusedRow, nested: bool) -> AnyRow:
    raw = refused.raw
    if not nested:
        try:
            raw = flattened(raw)
        except FieldRefused:
            raw = {name: value for name, value in raw.items() if name != RAW_COLUMN} | {RAW_COLUMN: json_text(raw)}
    kept = {name: _unplaced(value) for name, value in raw.items() if name not in REFUSAL_COLUMNS}
    return {**kept, **dict(zip(REFUSAL_COLUMNS, (refused.row, refused.field, refused.reason), strict=True))}


def _unplaced(value: object) -> object:
    """``value``, a time without a zone as text: it is written back as it came, not refused here too."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _lines(rows: Iterable[AnyRow], columns: Sequence[str], suffix: str, delimiter: str) -> tuple[str, Iterator[str]]:
    """The header and the lines of the rows."""
    if suffix == ".jsonl":
        return "", (_json_line(row, columns) for row in rows)
    return _csv_line(columns, delimiter), (
        _csv_line([text_of(row.get(name)) for name in columns], delimiter) for row in rows
    )


def _write_text(path: Path, header: str, lines: Iterator[str]) -> int:
    count = 0
    # Bytes that were no UTF-8 are written back as they came.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(header)
        for line in lines:
            file.write(line)
            count += 1
    return count


def _json_line(row: AnyRow, columns: Sequence[str]) -> str:
    """What is known of ``row``: an absent value is an absent key."""
    return json_text({name: row[name] for name in columns if row.get(name) is not None}) + "\n"


def _csv_line(cells: Iterable[str], delimiter: str) -> str:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter).writerow(cells)
    return line.getvalue()
