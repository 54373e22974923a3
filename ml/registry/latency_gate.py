"""The gate for models of fulfilment latency: challenger, live model and the plain rule on one's own newest orders."""

from datetime import datetime
from hashlib import sha256

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.fulfilment.latency import Latency, past_quantile, pinball
from ml.fulfilment.orders import outcomes_at, with_past
from ml.registry.gate import Comparison, Verdict, refusal
from ml.registry.resampling import gain_in_mean

LEAST_ORDERS = 100
"""Orders below which nothing can be measured."""


def judge_latency(
    challenger: Latency, champion: Latency | None, orders: pl.DataFrame, at: datetime, equal_is_enough: bool = False
) -> Verdict:
    """Whether ``challenger`` may take the place of ``champion``, on the orders since it learned, as known ``at``.

    The plain rule is what nine of ten orders of the same place took before. The measure is by which share of the plain
    rule's pinball loss a model's is less. Days are drawn anew, for orders of one day wait for each other.
    """
    told = with_past(orders)
    asked = outcomes_at(told, at).filter(pl.col("placed_at") >= challenger.until)
    title = f"your orders placed since {challenger.until:%Y-%m-%d}"
    seen = outcomes_at(told, challenger.until)
    if len(asked) < LEAST_ORDERS or not len(seen):
        return Verdict([], None, f"{len(asked)} of {title} are through: too few to measure on")
    hours = asked["hours"].to_numpy()
    days: NDArray[np.int64] = asked["placed_at"].dt.epoch("d").to_numpy().astype(np.int64)
    plain = pinball(hours, past_quantile(seen, asked))
    spared = [
        None if model is None else 1 - pinball(hours, model.hours(asked)) / plain.mean()
        for model in (challenger, champion)
    ]
    ours, theirs = spared
    assert ours is not None  # the challenger is there
    rules = 1 - plain / plain.mean()
    digest = sha256(asked.select("order", "hours").write_csv().encode()).hexdigest()[:12]
    compared = Comparison(
        title, digest, len(asked), "pinball_loss_spared", float(ours.mean()),
        None if theirs is None else float(theirs.mean()), float(rules.mean()),
        None if theirs is None else gain_in_mean(ours, theirs, days), gain_in_mean(ours, rules, days),
    )  # fmt: skip
    return Verdict([compared], None, refusal([compared], None, equal_is_enough))
