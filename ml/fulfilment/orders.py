"""What was known of an order line when it was placed: never anything that was heard later."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.outcomes.past import known_before

PRIOR_ORDERS = 10.0
"""Orders of its own that the experience with all orders weighs as much as."""
RECENT = timedelta(days=7)
"""What is told apart from all the past; an order that waits longer no longer tells how busy a place is."""
SHARE = 0.9
"""Of the orders are through within what is told: the quantile that exposure windows are made of."""
SETTLED = 0.99
"""Of the orders are through within the time after which an order's outcome counts."""
PASTS: dict[str, tuple[str, ...]] = {
    "every": (),
    "place": ("place",),
    "channel": ("channel",),
    "destination": ("destination",),
    "product": ("product",),
    "place_channel": ("place", "channel"),
}
"""Groups of orders whose past describes one."""
ORDER = ("hour", "weekday", "units", "value", "promised")
FEATURES = ("place_hours", *(f"{past}_over_place" for past in (*PASTS, "recent") if past != "place"), "waiting", *ORDER)
"""The columns of ``describe``, in their order: what orders of the place usually take, and how this one differs."""


def with_past(orders: pl.DataFrame) -> pl.DataFrame:
    """``orders`` with ``hours`` (missing while open), ``waiting`` and the past of each group.

    Columns read: ``order`` (unique), ``place``, ``channel``, ``destination`` and ``product`` (missing allowed),
    ``placed_at``, ``done_at`` and ``recorded_at`` (both missing while it is open), ``closed_at`` (when an order that
    never will be done was given up, missing else), ``units``, ``value`` and ``promised_at`` (missing allowed).
    ``waiting`` counts the orders of the same place that were open when an order was placed.

    Raises:
        ValueError: an order done before it was placed, or one that stands there twice.
    """
    impossible = orders.filter(pl.col("done_at") < pl.col("placed_at"))
    if len(impossible):
        raise ValueError(f"order {impossible['order'][0]} was done before it was placed; {len(impossible)} such orders")
    twice = orders.filter(pl.col("order").is_duplicated())
    if len(twice):
        raise ValueError(f"order {twice['order'][0]} stands there twice; give each a key of its own")
    groups = sorted({column for past in PASTS.values() for column in past})
    told = orders.with_columns(
        pl.col(groups).cast(pl.String).fill_null("unknown"),
        hours=(pl.col("done_at") - pl.col("placed_at")).dt.total_microseconds() / 3.6e9,
        known_at=pl.col("recorded_at"),
        asked_at=pl.col("placed_at"),
        before=pl.col("placed_at") - RECENT,
    ).with_columns(size=pl.col("hours").log1p())
    for name, columns in PASTS.items():
        told = _joined(told, known_before(told, "order", columns, "size", (f"{name}_orders", f"{name}_sum")))
    told = _joined(told, known_before(told, "order", ("place",), "size", ("older_orders", "older_sum"), at="before"))
    return told.with_columns(waiting=pl.Series(_waiting(told)))


def _joined(told: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    return told.join(past, on="order", how="left", maintain_order="left")


def _waiting(told: pl.DataFrame) -> NDArray[np.int64]:
    """Orders (n,) of the same place that were placed within ``RECENT`` and open when each was placed."""
    ends = told.select(end=pl.min_horizontal("known_at", "closed_at", pl.col("placed_at") + RECENT))["end"]
    placed, ended = (times.dt.epoch("us").to_numpy() for times in (told["placed_at"], ends))
    found = np.zeros(len(told), dtype=np.int64)
    places = told["place"].to_numpy()
    for place in np.unique(places):
        rows = np.flatnonzero(places == place)
        begun = np.searchsorted(np.sort(placed[rows]), placed[rows], side="left")
        found[rows] = begun - np.searchsorted(np.sort(ended[rows]), placed[rows], side="left")
    return np.maximum(found, 0)


def describe(told: pl.DataFrame) -> NDArray[np.float64]:
    """Features (n, k) of orders that ``with_past`` prepared; NaN where a value or promise is missing.

    Pasts are means of log1p of hours.
    """
    placed = pl.col("placed_at")
    order = told.select(
        hour=placed.dt.hour().cast(pl.Float64) + placed.dt.minute() / 60,
        weekday=placed.dt.weekday().cast(pl.Float64),
        units=pl.col("units").cast(pl.Float64).log1p(),
        value=pl.col("value").cast(pl.Float64).log1p(),
        promised=((pl.col("promised_at") - placed).dt.total_microseconds() / 3.6e9).clip(0).log1p(),
    ).to_numpy()
    every = _mean(told, "every", 0.0)
    pasts = {past: _mean(told, past, every) for past in PASTS}
    of_place = pasts.pop("place")
    known = (told["place_orders"] - told["older_orders"]).to_numpy()
    total = (told["place_sum"] - told["older_sum"]).to_numpy()
    pasts["recent"] = (total + PRIOR_ORDERS * of_place) / (known + PRIOR_ORDERS)
    over = [past - of_place for past in pasts.values()]
    return np.column_stack([of_place, *over, np.log1p(told["waiting"].to_numpy()), order])


def _mean(told: pl.DataFrame, past: str, otherwise: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Mean log1p of hours (n,) of a group's past, leaning on that of all orders while it has few."""
    total, known = told[f"{past}_sum"].to_numpy(), told[f"{past}_orders"].to_numpy()
    means: NDArray[np.float64] = (total + PRIOR_ORDERS * otherwise) / (known + PRIOR_ORDERS)
    return means


def outcomes_at(told: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The orders whose ``hours`` can be told at ``moment``, as they were then.

    Those placed so shortly before that a hundredth of all would still be open are left out, all of them: the quick ones
    alone would tell too little. So is what is still open or was given up: an order that waits so much longer than
    others is no slow one but a failure of its own.
    """
    done = told.filter((pl.col("placed_at") < moment) & (pl.col("known_at") < moment))
    settled = done["hours"].quantile(SETTLED)
    waited = (pl.lit(moment) - pl.col("placed_at")).dt.total_microseconds() / 3.6e9
    return done.filter(waited >= (settled or 0.0))
