"""Training the model of lateness on one's own deliveries."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score

from core_sync.errors import VerbRefused
from ml.suppliers.deliveries import late_share, with_past
from ml.suppliers.lateness import TooFewDeliveries, learn_lateness
from ml.suppliers.storage import save


def fit_lateness(artefacts: Path, deliveries: pl.DataFrame) -> tuple[Mapping[str, float], str, str]:
    """Learn from the first three quarters of the due ``deliveries``, measure on the last; into ``artefacts``.

    Returns:
        The figures, what was learned from in words, and its digest.

    Raises:
        VerbRefused: there are too few.
    """
    told = with_past(deliveries).sort("promised_at", "line")
    known = told.filter(pl.col("is_due") & pl.col("known_at").is_not_null())
    if not len(known):
        raise VerbRefused("train", "supplier_lateness", "no delivery with a promise and an outcome is known")
    until: datetime = known["promised_at"][len(known) * 3 // 4]
    try:
        model = learn_lateness(told, until)
    except TooFewDeliveries as error:
        reason = f"{error}; load more of them: stocktriage load deliveries FILE"
        raise VerbRefused("train", "supplier_lateness", reason) from error
    save(model, artefacts)
    asked = known.filter(pl.col("promised_at") >= until)
    late = asked["late"].to_numpy().astype(bool)
    metrics = {"late_share": float(late.mean())}
    if late.any() and not late.all():
        for name, score in (("", model.chances(asked)), ("past_late_share.", late_share(asked, "supplier"))):
            metrics[f"{name}average_precision"] = float(average_precision_score(late, score))
            metrics[f"{name}roc_auc"] = float(roc_auc_score(late, score))
    learned = known.filter((pl.col("promised_at") < until) & (pl.col("known_at") < until))
    digest = sha256(learned.select("line", "late").write_csv().encode()).hexdigest()[:12]
    return metrics, f"{len(learned):,} deliveries of your own, promised before {until:%Y-%m-%d}", digest
