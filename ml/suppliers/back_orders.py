"""The chance that a SKU cannot be served next week, from stock, pipeline, demand and its supplier's performance."""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.outcomes.trees import Growth, grow_chance

COUNTS = (
    "stock", "in_transit", "forecast_3_months", "forecast_6_months", "forecast_9_months", "sold_1_month",
    "sold_3_months", "sold_6_months", "sold_9_months", "minimum_stock", "past_due", "back_ordered",
)  # fmt: skip
"""Units; ``stock`` below 0 is a record error and is said so to the model as it stands."""
OPTIONAL = ("lead_time", "performance_6_months", "performance_12_months")
"""Missing where nothing is known of the supplier."""


def cover_need(skus: pl.DataFrame) -> NDArray[np.float64]:
    """Forecast of three months over stock and transit (n,): the plain ratio a planner would sort by."""
    held = (skus["stock"] + skus["in_transit"]).clip(1)
    ratio: NDArray[np.float64] = (skus["forecast_3_months"] / held).to_numpy()
    return ratio


def describe(skus: pl.DataFrame) -> NDArray[np.float64]:
    """Features (n, k): the columns ``COUNTS`` and ``OPTIONAL`` and how they stand to each other; never the SKU.

    Raises:
        ValueError: a count is missing, or one other than ``stock`` is below 0.
    """
    for name in COUNTS:
        wrong = skus[name].is_null() if name == "stock" else skus[name].is_null() | (skus[name] < 0)
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise ValueError(f"row {row}: {name} is {skus[name][row]}; give units, 0 or more; {wrong.sum()} such rows")
    held = (pl.col("stock") + pl.col("in_transit")).clip(0)
    return skus.select(
        pl.col(*COUNTS, *OPTIONAL).cast(pl.Float64),
        need=(pl.col("forecast_3_months") / (held + 1)).log1p(),
        need_on_hand=(pl.col("forecast_3_months") / (pl.col("stock").clip(0) + 1)).log1p(),
        sold=(pl.col("sold_3_months") / (held + 1)).log1p(),
        trend=(3 * pl.col("sold_1_month") + 1).log() - (pl.col("sold_9_months") / 3 + 1).log(),
        above_minimum=(held - pl.col("minimum_stock")).cast(pl.Float64),
    ).to_numpy()


def learn_back_orders(skus: pl.DataFrame, happened: NDArray[np.bool_]) -> HistGradientBoostingClassifier:
    """Trees whose ``predict_proba`` tells the chance, from SKUs (n rows) and whether each ran into a back-order (n,).

    Raises:
        ValueError: all SKUs had one outcome.
    """
    if happened.all() or not happened.any():
        raise ValueError(f"all {len(happened)} SKUs had one outcome: no chance can be learned")
    return grow_chance(describe(skus), happened, Growth(rounds=150, rate=0.06, leaves=16, ridge=2.0))
