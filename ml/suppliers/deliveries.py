"""What was known about a purchase order line when it was ordered: never anything that was heard later."""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.outcomes.past import known_before

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
        past = known_before(told, "line", columns, "late", (f"{name}_lines", f"{name}_late"))
        told = told.join(past, on="line", how="left", maintain_order="left")
    return told


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
