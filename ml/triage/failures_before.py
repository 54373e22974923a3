"""What failures say of differences: how many were known at each one's moment, of its SKU, its system, its place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, text

from ml.features.running import Codes, Ints

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
WINDOWS_US = {
    "failures_day": DAY_US,
    "failures_four_days": 4 * DAY_US,
    "failures_of_system": 4 * DAY_US,
    "failures_there": 12 * HOUR_US,
}
"""How far back each count of failures goes."""

Floats = NDArray[np.float64]

FAILURE_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "sku": pl.String,
    "system": pl.String,
    "channel": pl.String,
    "location": pl.String,
    "quantity": pl.Int64,
    "recorded_at": pl.Int64,
}

_FAILURES = """
SELECT COALESCE(meant_sku, sku), system, channel, location, quantity, recorded_at FROM failure
WHERE recorded_at > :since AND recorded_at <= :until AND (sku IS NOT NULL OR system IS NOT NULL OR channel IS NOT NULL)
"""


def with_failures(connection: Connection, deltas: pl.DataFrame) -> pl.DataFrame:
    """``deltas``, by moment, with what the failures that were recorded by each one's moment say of it."""
    moments = deltas["as_of"].to_numpy()
    told: Sequence[Row[Any]] = []
    if len(moments):
        within = {"since": int(moments[0]) - max(WINDOWS_US.values()), "until": int(moments[-1])}
        told = connection.execute(text(_FAILURES), within).all()
    failures = pl.DataFrame([tuple(row) for row in told], FAILURE_SCHEMA, orient="row")
    return deltas.with_columns(failures_before(deltas, failures))


def failures_before(deltas: pl.DataFrame, failures: pl.DataFrame) -> list[pl.Series]:
    """The columns ``ml.features.deltas.FAILURES`` of ``deltas``, whose ``as_of`` are microseconds.

    A failure speaks of the system that tells it and of the channel that it was on the way to. Beside a difference
    stand those of other SKUs: of its system, and where it has a place those there or nowhere in particular.
    """
    known = failures.with_columns(pl.col("sku", "system", "channel", "location").fill_null(""))
    on_the_way = known.filter((pl.col("channel") != "") & (pl.col("channel") != pl.col("system")))
    by_system = pl.concat([known, on_the_way.with_columns(system=pl.col("channel"))])
    there = pl.when(pl.col("location") == "").then(pl.lit("anywhere"))
    beside = pl.concat(
        [
            by_system.with_columns(place=pl.lit("")),
            by_system.with_columns(place=pl.lit("at ") + there.otherwise(pl.col("location"))),
        ]
    )
    placed = pl.when(pl.col("location") == "").then(pl.lit("")).otherwise(pl.lit("at ") + pl.col("location"))
    rows = deltas.with_columns(place=placed, anywhere=pl.lit("at anywhere"))

    def counted(name: str, told: pl.DataFrame, of: Sequence[str], row_of: Sequence[str]) -> Floats:
        return _counted(rows.select(row_of), told.select(of), rows["as_of"], told["recorded_at"], WINDOWS_US[name])

    others = np.zeros(rows.height)
    for place in ("place", "anywhere"):
        asked = np.ones(rows.height) if place == "place" else (rows["location"] != "").to_numpy().astype(np.float64)
        every = counted("failures_there", beside, ("system", "place"), ("system", place))
        own = counted("failures_there", beside, ("system", "place", "sku"), ("system", place, "sku"))
        others += asked * (every - own)
    found = {
        "failures_day": counted("failures_day", known, ("sku",), ("sku",)),
        "failures_four_days": counted("failures_four_days", known, ("sku",), ("sku",)),
        "failures_of_system": counted("failures_of_system", by_system, ("sku", "system"), ("sku", "system")),
        "failures_there": others,
        "told_units": _told_units(deltas, known),
    }
    return [pl.Series(name, column, dtype=pl.Float64) for name, column in found.items()]


def _counted(rows: pl.DataFrame, told: pl.DataFrame, moments: pl.Series, recorded: pl.Series, window_us: int) -> Floats:
    """How many of ``told`` have each row's key (n,) and were recorded in the window up to its moment."""
    codes = Codes()
    row = codes.advance(rows.select(pl.concat_str(pl.all(), separator="\x1f")).to_series())
    failed = codes.advance(told.select(pl.concat_str(pl.all(), separator="\x1f")).to_series())
    moment, when = moments.to_numpy(), recorded.to_numpy()
    times = np.unique(np.concatenate([when, moment]))
    known = np.sort(failed * len(times) + np.searchsorted(times, when))

    def through(until: Ints) -> Ints:
        return np.searchsorted(known, row * len(times) + np.searchsorted(times, until, "right"), "left")

    return (through(moment) - through(moment - window_us)).astype(np.float64)


def _told_units(deltas: pl.DataFrame, failures: pl.DataFrame) -> Floats:
    """The units that the latest failure of the SKU named (n,), within four days; NaN where none did."""
    named = failures.filter(pl.col("quantity").is_not_null() & (pl.col("quantity") != 0))
    named = named.select("sku", "recorded_at", units=pl.col("quantity").abs().cast(pl.Float64)).sort("recorded_at")
    asked = deltas.select("sku", pl.col("as_of").cast(pl.Int64)).with_row_index("row").sort("as_of")
    found = asked.join_asof(
        named,
        left_on="as_of",
        right_on="recorded_at",
        by="sku",
        tolerance=WINDOWS_US["failures_four_days"] - 1,
        check_sortedness=False,
    )
    return found.sort("row")["units"].fill_null(np.nan).to_numpy()
