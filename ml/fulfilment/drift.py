"""Whether as many orders are through in time as the live model of fulfilment latency tells."""

from datetime import datetime

import numpy as np
import polars as pl

from ml.fulfilment.latency import Latency
from ml.fulfilment.orders import SHARE, outcomes_at
from ml.outcomes.drift import NOTHING_SEEN, CalibrationDrift, calibration_drift


def latency_drift(model: Latency, told: pl.DataFrame, at: datetime) -> CalibrationDrift:
    """How the ``model`` stands to the orders (``own_orders``, ``with_past``) since it learned, as known ``at``."""
    since = outcomes_at(told, at).filter(pl.col("placed_at") >= model.until)
    if not len(since):
        return NOTHING_SEEN
    within = since["hours"].to_numpy() <= model.hours(since)
    days = since["placed_at"].dt.epoch("d").to_numpy()
    return calibration_drift(np.full(len(since), SHARE), within, days, model.off)
