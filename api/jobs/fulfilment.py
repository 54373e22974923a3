"""How long an order of each SKU placed now waits to be picked, where a model of fulfilment latency is live."""

import logging
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Connection

from core_sync.errors import StocktriageError
from ml.exposure.terms import Basis, Term
from ml.fulfilment.orders import with_past
from ml.fulfilment.own_orders import own_orders
from ml.registry.service_models import ServiceModels

_LOG = logging.getLogger("stocktriage.buffers")
MODEL = "fulfilment_latency"
LIKE_THESE = timedelta(days=28)
"""An order placed now is taken for one of those placed within this."""
MOST_ALIKE = 5_000


def read_fulfilment(connection: Connection, at: datetime, models: ServiceModels) -> dict[str, Term]:
    """By SKU, hours within which nine of ten of its orders placed ``at`` that moment are picked; empty without a model.

    Told is the mean over orders like those that were placed of the SKU, as if they were placed now: at this hour, with
    as many waiting as there are.
    """
    try:
        model = models.fulfilment_latency
        version = "" if model is None else models.version(MODEL)
    except (ValueError, StocktriageError) as error:
        _LOG.warning("the time to pick is told as in the last weeks, without its model: %s", error)
        return {}
    if model is None:
        return {}
    orders = own_orders(connection, at)
    alike = orders.filter(pl.col("placed_at") > at - LIKE_THESE).tail(MOST_ALIKE)
    if not len(alike):
        return {}
    never = pl.lit(None, dtype=alike.schema["placed_at"])
    now = alike.with_columns(
        order=-pl.col("order"),
        placed_at=pl.lit(at, dtype=alike.schema["placed_at"]),
        **dict.fromkeys(("done_at", "recorded_at", "closed_at"), never),
    )
    told = with_past(pl.concat([orders, now])).filter(pl.col("order") < 0)
    hours = told.with_columns(hours=pl.Series(model.hours(told)))
    return {sku: _term(float(mean), places, version) for sku, mean, places in _by_sku(hours).iter_rows()}


def _by_sku(hours: pl.DataFrame) -> pl.DataFrame:
    """``product``, mean hours, and what was told at each place in words."""
    of_place = hours.group_by("place").agg(pl.col("hours").mean().round(1))
    places = of_place.select("place", said=pl.format("{} {}", "place", "hours"))
    told = hours.join(places, on="place")
    return told.group_by("product").agg(pl.col("hours").mean(), pl.col("said").unique().sort().str.join(", "))


def _term(hours: float, places: str, version: str) -> Term:
    note = f"nine of ten orders placed now are picked within this (hours: {places}; model of fulfilment {version})"
    return Term(hours, "h", Basis.MEASURED, note)
