"""Tables in files: .csv, .jsonl and .parquet, told by the name, row by row in flat memory."""

from collections.abc import Iterator
from pathlib import Path

from core_sync.interchange.csv_rows import csv_header, csv_records
from core_sync.interchange.errors import FileUnreadable, FormatUnknown, MissingColumn
from core_sync.interchange.formats import Table
from core_sync.interchange.json_rows import json_records
from core_sync.interchange.parquet_rows import parquet_header, parquet_records
from core_sync.interchange.plan import Plan, plan_for
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord, Row
from core_sync.interchange.runs import by_header, in_runs

SUFFIXES = (".csv", ".jsonl", ".parquet")
"""The endings of the formats that are read and written."""


def read_rows(path: Path | str, table: Table, profile: SourceProfile = INTERCHANGE) -> Iterator[Row | RefusedRow]:
    """The rows of the file at ``path`` as rows of ``table``; each bad one as a ``RefusedRow``, in place.

    The file itself is looked at right away, its rows as they are asked for.

    Raises:
        FileUnreadable: none of it can be used (see its kinds); while iterating, the rest of it cannot.
        ProfileRefused: the profile is for another table.
    """
    return _rows(records(path, table, profile), table, profile)


def _rows(found: Iterator[RawRecord | RefusedRow], table: Table, profile: SourceProfile) -> Iterator[Row | RefusedRow]:
    for run in in_runs(found):
        yield from by_header(run, lambda header, alike: plan_for(header, table, profile).rows(alike))


def records(path: Path | str, table: Table, profile: SourceProfile = INTERCHANGE) -> Iterator[RawRecord | RefusedRow]:
    """The rows of the file at ``path`` as they lie there, once its header is known to suit ``table``.

    Raises:
        FileUnreadable, ProfileRefused: as ``read_rows``.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if not path.is_file():
        raise FileUnreadable(path, "there is no such file")
    if suffix == ".jsonl":
        Plan((), table, profile)  # refuses a profile for another table; what is missing shows row by row
        return json_records(path)
    header = csv_header(path, profile.delimiter) if suffix == ".csv" else parquet_header(path)
    missing = plan_for(header, table, profile).missing
    if missing:
        raise MissingColumn(path, table.name, missing, header, _hint(header, profile))
    return csv_records(path, header, profile.delimiter) if suffix == ".csv" else parquet_records(path, header)


def columns_of(path: Path | str, profile: SourceProfile = INTERCHANGE) -> tuple[str, ...]:
    """The column names of the file at ``path``, from which a table can be told; of JSON lines, the first row's.

    Raises:
        FileUnreadable: it cannot be read.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if not path.is_file():
        raise FileUnreadable(path, "there is no such file")
    if suffix == ".csv":
        return csv_header(path, profile.delimiter)
    if suffix == ".parquet":
        return parquet_header(path)
    return next((record.header for record in json_records(path) if isinstance(record, RawRecord)), ())


def suffix_of(path: Path) -> str:
    """The format of the file at ``path``, told by its name.

    Raises:
        FormatUnknown: by its name it is none of ours.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FormatUnknown(path)
    return suffix


def _hint(header: tuple[str, ...], profile: SourceProfile) -> str:
    """What may be wrong with a file that seems to have a single column."""
    other = next(
        (mark for mark in ";\t|" if mark != profile.delimiter and len(header) == 1 and mark in header[0]), None
    )
    return "" if other is None else f"its columns seem to be separated by {other!r}; a profile can say so"
