"""What was known about a purchase order line when it was ordered: never anything that was heard later."""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

PRIOR_LINES = 5.0
"""Lines of its own that the experience with all lines weighs as much as."""
USUAL_NOTICE = timedelta(days=30)
"""Taken for the time between order and promise where no order date was kept."""
PASTS: dict[str, tuple[str, ...]] = {
    "every": (),
    "supplier": ("supplier",),
    "site": ("site",),
    "destination": ("destination",),
    "transport": ("transport",),
    "item": ("item",),
    "product_class": ("product_class",),
    "supplier_destination": ("supplier", "destination"),
    "destination_transport": ("destination", "transport"),
}
"""Groups of lines whose past late share describes a line."""
COUNTED = ("supplier", "destination", "supplier_destination")
"""Groups of which it also matters how much is known."""
SIZE = ("notice", "unordered", "quantity", "value", "month", "weekday")
FEATURES = (*(f"{past}_late_share" for past in PASTS), *(f"{past}_lines" for past in COUNTED), *SIZE)
"""The columns of ``describe``, in their order."""


def with_past(lines: pl.DataFrame) -> pl.DataFrame:
    """``lines`` with ``late``, ``asked_at`` and, for each of ``PASTS``, ``<past>_lines`` and ``<past>_late``.

    Columns read: ``line`` (unique), ``supplier``, ``site``, ``destination``, ``transport``, ``item`` and
    ``product_class`` (missing allowed), ``ordered_at`` (missing allowed), ``promised_at``, ``received_at`` and
    ``recorded_at`` (both missing for an open line), ``quantity`` and ``value``. A line counts for those asked for after
    its outcome was known: the day after the promise for what had not come by then, else when its receipt was recorded.

    Raises:
        ValueError: a line without a promise, or one that stands there twice.
    """
    unpromised = lines.filter(pl.col("promised_at").is_null())
    if len(unpromised):
        raise ValueError(f"line {unpromised['line'][0]} has no promised_at; leave out such lines ({len(unpromised)})")
    twice = lines.filter(pl.col("line").is_duplicated())
    if len(twice):
        raise ValueError(f"line {twice['line'][0]} stands there twice; give each line a key of its own")
    groups = sorted({column for past in PASTS.values() for column in past})
    promised = pl.col("promised_at")
    told = lines.with_columns(
        pl.col(groups).cast(pl.String).fill_null("unknown"),
        late=pl.col("received_at") > promised,
        asked_at=pl.min_horizontal(
            pl.col("ordered_at").fill_null(promised - USUAL_NOTICE), promised - timedelta(days=1)
        ),
    )
    told = told.with_columns(
        known_at=pl.when("late").then(promised + timedelta(days=1)).otherwise(pl.col("recorded_at"))
    )
    for name, columns in PASTS.items():
        told = told.join(_past(told, name, columns), on="line", how="left", maintain_order="left")
    return told


def _past(told: pl.DataFrame, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """How many lines of the same group had an outcome before each line was asked for, and how many were late."""
    counts = (f"{name}_lines", f"{name}_late")
    keys = told.select("line", "asked_at", "known_at", "late", group=pl.concat_str(pl.lit(""), *columns, separator="|"))
    known = keys.filter(pl.col("known_at").is_not_null()).sort("known_at")
    running = known.select(
        "group",
        "known_at",
        pl.int_range(1, pl.len() + 1).over("group").alias(counts[0]),
        pl.col("late").cast(pl.Int64).cum_sum().over("group").alias(counts[1]),
    )
    found = keys.sort("asked_at").join_asof(
        running,
        left_on="asked_at",
        right_on="known_at",
        by="group",
        allow_exact_matches=False,
        check_sortedness=False,  # both sides were sorted just above; with ``by`` polars cannot see it
    )
    return found.select("line", pl.col(counts).fill_null(0))


def late_share(told: pl.DataFrame, past: str) -> NDArray[np.float64]:
    """Late share (n,) of a group's past, leaning on that of all lines while the group has few."""
    of_all = (told["every_late"] / told["every_lines"].clip(1)).to_numpy()
    late, lines = told[f"{past}_late"].to_numpy(), told[f"{past}_lines"].to_numpy()
    shares: NDArray[np.float64] = (late + PRIOR_LINES * of_all) / (lines + PRIOR_LINES)
    return shares


def describe(told: pl.DataFrame) -> NDArray[np.float64]:
    """Features (n, k) of lines that ``with_past`` prepared; NaN where a quantity or value is missing."""
    promised = pl.col("promised_at")
    size = told.select(
        notice=((promised - pl.col("asked_at")).dt.total_hours() / 24).log1p(),
        unordered=pl.col("ordered_at").is_null().cast(pl.Float64),
        quantity=pl.col("quantity").cast(pl.Float64).log1p(),
        value=pl.col("value").cast(pl.Float64).log1p(),
        month=promised.dt.month().cast(pl.Float64),
        weekday=promised.dt.weekday().cast(pl.Float64),
    ).to_numpy()
    shares = [late_share(told, past) for past in PASTS]
    counts = [np.log1p(told[f"{past}_lines"].to_numpy()) for past in COUNTED]
    return np.column_stack([*shares, *counts, size])
