"""Training the models that learn from one's own facts alone: what came late, how long orders waited."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
from sklearn.metrics import average_precision_score, roc_auc_score
from sqlalchemy import Connection

from core_sync.errors import VerbRefused
from ml.fulfilment import storage as latency_storage
from ml.fulfilment.latency import TooFewOrders, learn_latency, past_quantile, pinball
from ml.fulfilment.orders import outcomes_at
from ml.fulfilment.orders import with_past as orders_with_past
from ml.fulfilment.own_orders import own_orders
from ml.suppliers import storage as lateness_storage
from ml.suppliers.deliveries import late_share, with_past
from ml.suppliers.lateness import TooFewDeliveries, learn_lateness
from ml.suppliers.own_lines import own_lines


@dataclass(frozen=True)
class OwnFacts:
    """The rows that a model learns from, as known ``at`` a moment."""

    rows: pl.DataFrame
    at: datetime


READERS = {"supplier_lateness": own_lines, "fulfilment_latency": own_orders}


def own_facts(connection: Connection, name: str, at: datetime) -> OwnFacts | None:
    """What the model ``name`` learns from; None of one that learns from other data."""
    return OwnFacts(READERS[name](connection, at), at) if name in READERS else None


def fit_own(name: str, artefacts: Path, facts: OwnFacts) -> tuple[Mapping[str, float], str, str]:
    """Learn ``name`` from the first three quarters of its facts, measure on the last; into ``artefacts``.

    Returns:
        The figures, what was learned from in words, and its digest.

    Raises:
        VerbRefused: there are too few.
    """
    return _lateness(artefacts, facts) if name == "supplier_lateness" else _latency(artefacts, facts)


def _lateness(artefacts: Path, facts: OwnFacts) -> tuple[Mapping[str, float], str, str]:
    told = with_past(facts.rows).sort("promised_at", "line")
    known = told.filter(pl.col("is_due") & pl.col("known_at").is_not_null())
    if not len(known):
        raise VerbRefused("train", "supplier_lateness", "no delivery with a promise and an outcome is known")
    until: datetime = known["promised_at"][len(known) * 3 // 4]
    try:
        model = learn_lateness(told, until)
    except TooFewDeliveries as error:
        reason = f"{error}; load more of them: stocktriage load deliveries FILE"
        raise VerbRefused("train", "supplier_lateness", reason) from error
    lateness_storage.save(model, artefacts)
    asked = known.filter(pl.col("promised_at") >= until)
    late = asked["late"].to_numpy().astype(bool)
    metrics = {"late_share": float(late.mean())}
    if late.any() and not late.all():
        for name, score in (("", model.chances(asked)), ("past_late_share.", late_share(asked, "supplier"))):
            metrics[f"{name}average_precision"] = float(average_precision_score(late, score))
            metrics[f"{name}roc_auc"] = float(roc_auc_score(late, score))
    learned = known.filter((pl.col("promised_at") < until) & (pl.col("known_at") < until))
    said = f"{len(learned):,} deliveries of your own, promised before {until:%Y-%m-%d}"
    return metrics, said, _digest(learned, "line", "late")


def _latency(artefacts: Path, facts: OwnFacts) -> tuple[Mapping[str, float], str, str]:
    told = orders_with_past(facts.rows)
    known = outcomes_at(told, facts.at).sort("placed_at", "order")
    if not len(known):
        raise VerbRefused("train", "fulfilment_latency", "of no order it is known when it was picked or shipped")
    until: datetime = known["placed_at"][len(known) * 3 // 4]
    try:
        model = learn_latency(told, until)
    except TooFewOrders as error:
        reason = f"{error}; they are read from reserve, pick and ship events that name a document"
        raise VerbRefused("train", "fulfilment_latency", reason) from error
    latency_storage.save(model, artefacts)
    learned, asked = outcomes_at(told, until), known.filter(pl.col("placed_at") >= until)
    hours, within = asked["hours"].to_numpy(), model.hours(asked)
    ours, plain = (float(pinball(hours, one).mean()) for one in (within, past_quantile(learned, asked)))
    metrics = {
        "pinball_loss": ours,
        "past_quantile.pinball_loss": plain,
        "pinball_loss_spared": 1 - ours / plain if plain > 0 else 0.0,
        "share_within": float((hours <= within).mean()),
    }
    said = f"{len(learned):,} orders of your own, placed before {until:%Y-%m-%d}"
    return metrics, said, _digest(learned, "order", "hours")


def _digest(learned: pl.DataFrame, *columns: str) -> str:
    return sha256(learned.select(columns).write_csv().encode()).hexdigest()[:12]
