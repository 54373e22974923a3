"""Rows of .parquet files, read and written in slices so that memory stays flat."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from core_sync.interchange.errors import FileUnreadable
from core_sync.interchange.rows import RawRecord

SLICE_ROWS = 32_768


def parquet_header(path: Path) -> tuple[str, ...]:
    """The column names of the .parquet file at ``path``.

    Raises:
        FileUnreadable: it is empty, no Parquet file, or cannot be read.
    """
    try:
        if path.stat().st_size == 0:
            raise FileUnreadable(path, "is empty; a Parquet file names its columns even without rows")
        return tuple(pl.read_parquet_schema(path))
    except OSError as error:
        raise FileUnreadable(path, f"cannot be read: {error.strerror or error}") from error
    except pl.exceptions.PolarsError as error:
        raise FileUnreadable(path, f"is not a Parquet file that can be read: {error}") from error


def parquet_records(path: Path, header: tuple[str, ...]) -> Iterator[RawRecord]:
    """The rows of the .parquet file at ``path`` under its ``header``.

    Raises:
        FileUnreadable: a part of it cannot be read.
    """
    name, row = str(path), 0
    categories = pl.selectors.categorical() | pl.selectors.enum()
    table = pl.scan_parquet(path).with_columns(categories.cast(pl.String))
    while True:
        try:
            part = table.slice(row, SLICE_ROWS).collect(engine="in-memory")
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise FileUnreadable(path, f"cannot be read after row {row}: {error}") from error
        if part.is_empty():
            return
        for cells in zip(*(column.to_list() for column in part.iter_columns()), strict=True):
            row += 1
            yield RawRecord(name, row, None, header, cells)
