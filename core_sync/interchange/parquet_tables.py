"""Parquet files written from rows, with the types their values have."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import Path

import polars as pl

from core_sync.interchange.texts import text_of

SLICE_ROWS = 32_768
_INT64 = range(-(2**63), 2**63)
_DECIMAL_DIGITS = 38
_DECIMALS_MAX = 18
_DECIMAL_LIMIT = 10 ** (_DECIMAL_DIGITS - _DECIMALS_MAX)
_EXACT_FLOAT_MAX = 2**53


def write_parquet(path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> int:
    """Write ``columns`` of ``rows`` to ``path`` and say how many rows there were.

    Whole numbers, amounts, times, flags and floating-point numbers keep their kind; a column that
    mixes them is text.

    Raises:
        ValueError: a time without a zone.
    """
    parts: list[pl.DataFrame] = []
    remaining = iter(rows)
    while part := list(islice(remaining, SLICE_ROWS)):
        parts.append(pl.DataFrame([_series(name, [row.get(name) for row in part]) for name in columns]))
    if not parts:
        parts = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))]
    types = {name: _common([part.schema[name] for part in parts]) for name in columns}
    table = pl.concat([_cast(part, types) for part in parts], rechunk=False)
    table.write_parquet(path)
    return table.height


def _series(name: str, values: list[object]) -> pl.Series:
    """``values`` as a column of the narrowest type that holds them exactly."""
    values = [value.value if isinstance(value, Enum) else value for value in values]
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pl.Series(name, values, dtype=pl.Null)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int} and all(value is None or value in _INT64 for value in values):
        return pl.Series(name, values, dtype=pl.Int64)
    if kinds == {float} or (kinds == {float, int} and _exact_as_floats(values)):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if kinds == {datetime}:
        return _moments(name, values)
    if kinds <= {Decimal, int}:
        scale = _scale(values)
        if scale is not None:
            return pl.Series(name, values, dtype=pl.Decimal(_DECIMAL_DIGITS, scale))
    return pl.Series(name, [None if value is None else text_of(value) for value in values], dtype=pl.String)


def _exact_as_floats(values: list[object]) -> bool:
    return all(abs(value) <= _EXACT_FLOAT_MAX for value in values if isinstance(value, int))


def _moments(name: str, values: list[object]) -> pl.Series:
    for value in values:
        text_of(value)  # refuses a time without a zone
    placed = [value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else None for value in values]
    return pl.Series(name, placed, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")


def _scale(values: list[object]) -> int | None:
    """How many decimals hold all of ``values``; none where a decimal column would be too narrow."""
    scale = 0
    for value in values:
        if isinstance(value, Decimal):
            exponent = value.as_tuple().exponent
            if not isinstance(exponent, int):  # infinite, or no number
                return None
            scale = max(scale, -exponent)
        if isinstance(value, int | Decimal) and abs(value) >= _DECIMAL_LIMIT:
            return None
    return scale if scale <= _DECIMALS_MAX else None


def _common(types: list[pl.DataType]) -> pl.DataType:
    """The type that holds the values of all parts of a column exactly."""
    told = {kind for kind in types if kind != pl.Null}
    if len(told) == 1:
        return told.pop()
    decimals = [kind for kind in told if isinstance(kind, pl.Decimal)]
    if decimals and all(isinstance(kind, pl.Decimal) or kind == pl.Int64 for kind in told):
        return pl.Decimal(_DECIMAL_DIGITS, max(kind.scale for kind in decimals))
    return pl.String()


def _cast(part: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame([_as_type(column, types[column.name]) for column in part.iter_columns()])


def _as_type(column: pl.Series, kind: pl.DataType) -> pl.Series:
    if column.dtype == kind:
        return column
    if kind == pl.String and column.dtype != pl.Null:
        texts = [None if value is None else text_of(value) for value in column.to_list()]
        return pl.Series(column.name, texts, dtype=pl.String)
    return column.cast(kind)
