"""Whether deliveries still come late as often as the live model of lateness tells."""

import polars as pl

from ml.outcomes.drift import NOTHING_SEEN, CalibrationDrift, calibration_drift
from ml.suppliers.lateness import Lateness


def lateness_drift(model: Lateness, told: pl.DataFrame) -> CalibrationDrift:
    """How the ``model`` stands to the lines (``own_lines``, ``with_past``) promised since it learned that are due."""
    since = told.filter(pl.col("is_due") & (pl.col("promised_at") >= model.until) & pl.col("known_at").is_not_null())
    if not len(since):
        return NOTHING_SEEN
    days = since["promised_at"].dt.epoch("d").to_numpy()
    return calibration_drift(model.chances(since), since["late"].to_numpy().astype(bool), days, model.off)
