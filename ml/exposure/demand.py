"""How much is asked for, estimated from the time in which there was something to buy.

Sales while a channel showed nothing are no demand of zero: such time is left out (censoring). With u units sold in
e days of stock, summed over the days of a SKU on a channel, the rate is the posterior mean of a gamma-Poisson
model whose prior is the category's rate, worth ``PRIOR_DAYS`` days: ``(Σu + k·m) / (Σe + k)``. Dispersion is
Pearson's: the mean over days of ``(u - rate·e)² / (rate·e)``, pooled by category, because one SKU alone has too few
days and the loss function forgives a rough one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from ml.exposure.distribution import Floats
from ml.exposure.situation import NO_DEMAND_KNOWN, ChannelDemand
from ml.exposure.terms import Basis, Term, unknown

HOURS_A_DAY = 24.0
LEAST_DISPERSION, MOST_DISPERSION = 1.0, 12.0
PRIOR_DAYS = 2.0
"""Days of own stock that the category's rate weighs as much as."""
ENOUGH_DAYS = 7.0
"""Days of own stock from which a rate counts as the SKU's own."""
ENOUGH_FOR_DISPERSION = 30
"""Days in stock that a category needs for a dispersion of its own; below, that of all categories is taken."""
LEAST_EXPECTED = 0.05
"""Expected units below which a day says nothing about dispersion (Pearson's statistic is wild there)."""
NO_CATEGORY = ""

HISTORY: Mapping[str, type[pl.DataType]] = {
    "sku": pl.String,
    "channel": pl.String,
    "day": pl.Date,
    "units": pl.Float64,
    "in_stock_hours": pl.Float64,
}
"""Columns of a demand history: units sold, and hours (0 to 24) in which the channel showed stock, by day."""

Key = tuple[str, str]


@dataclass(frozen=True)
class DemandBook:
    """Demand of every (SKU, channel) of a history; of its category or its channel for those without one."""

    of_sku: Mapping[Key, ChannelDemand]
    of_category: Mapping[Key, ChannelDemand]
    of_channel: Mapping[str, ChannelDemand]
    categories: Mapping[str, str]
    lots: Mapping[Key, Term] = field(default_factory=dict)
    """Units that an order line asks for, where any is known."""

    def of(self, sku: str, channel: str) -> ChannelDemand:
        """The SKU's own demand, else its category's there, else the channel's, else unknown in so many words."""
        category = self.categories.get(sku, NO_CATEGORY)
        own = self.of_sku.get((sku, channel)) or self.of_category.get((category, channel))
        return own or self.of_channel.get(channel, NO_DEMAND_KNOWN)

    def of_all(self, sku: str, channel: str) -> tuple[ChannelDemand, float]:
        """What is asked of the SKU on all channels together, and which part of that ``channel`` asks for.

        That of the channel and 1 where nothing is known of the SKU itself there.
        """
        own = self.of_sku.get((sku, channel))
        if own is None or not self.rates[sku] > 0:
            return self.of(sku, channel), 1.0
        note = "on all channels, which draw on one stock"
        every = Term(self.rates[sku], "units/day", own.rate_per_day.basis, note)
        return ChannelDemand(every, own.dispersion), self.share_of(sku, channel)

    def share_of(self, sku: str, channel: str) -> float:
        """What part of all that is asked of the SKU the channel asks for; 1 where nothing else is known to ask."""
        own, every = self.of_sku.get((sku, channel)), self.rates.get(sku, 0.0)
        return (own.rate_per_day.value or 0.0) / every if own is not None and every > 0 else 1.0

    @cached_property
    def rates(self) -> Mapping[str, float]:
        """Units a day asked of each SKU on all channels together."""
        found: dict[str, float] = {}
        for (sku, _), demand in self.of_sku.items():
            found[sku] = found.get(sku, 0.0) + (demand.rate_per_day.value or 0.0)
        return found


def dispersion_over(hours: ArrayLike, daily: ArrayLike, share: ArrayLike = 1.0, lot: ArrayLike = 1.0) -> Floats:
    """Dispersion of the demand of ``hours``, and of a ``share`` of it, given the ``daily`` dispersion of all (n,).

    Orders of a day are Poisson with a gamma distributed rate. A part of the day, or of the buyers, sees the same
    rate but less of it; what an order asks for at once (``lot``, Σq²/Σq over orders of q units) is as bursty in an
    hour as in a day: ``lot + (daily - lot)⁺ · share · hours / 24``. From a day on it stays, as days vary by themselves.
    """
    part = np.minimum(np.asarray(hours, dtype=np.float64) / HOURS_A_DAY, 1.0)
    at_once = np.asarray(lot, dtype=np.float64)
    over = np.maximum(np.asarray(daily, dtype=np.float64) - at_once, 0.0)
    found: Floats = np.atleast_1d(at_once + over * np.asarray(share, dtype=np.float64) * part)
    return found


def estimate(
    history: pl.DataFrame,
    categories: Mapping[str, str] | None = None,
    half_life_days: float | None = None,
    pooled_over: Collection[str] | None = None,
) -> DemandBook:
    """Demand of every SKU and channel of ``history`` (columns of ``HISTORY``), from in-stock time only.

    ``categories`` names the category of a SKU; those without share one. With ``half_life_days`` a day weighs half
    as much each time it is that much older than the newest. What is pooled comes from the SKUs ``pooled_over`` alone,
    where they are given and sold anything: then it is the same whichever others are asked for with a SKU.

    Raises:
        ValueError: units below 0, or in-stock hours outside a day.
    """
    days = history.select(pl.col(name).cast(kind) for name, kind in HISTORY.items())
    wrong = days.filter((pl.col("units") < 0) | ~pl.col("in_stock_hours").is_between(0, HOURS_A_DAY)).height
    if wrong or sum(days.null_count().row(0)):
        raise ValueError(f"{wrong} days sell less than nothing or are longer than a day, or a figure is missing")
    seen = days.filter(pl.col("in_stock_hours") > 0).with_columns(
        category=pl.col("sku").replace_strict(dict(categories or {}), default=NO_CATEGORY, return_dtype=pl.String),
        stock=pl.col("in_stock_hours") / HOURS_A_DAY,
        weight=_weight(half_life_days),
        pools=pl.lit(True) if pooled_over is None else pl.col("sku").is_in(list(pooled_over)),
    )
    if not seen["pools"].any():
        seen = seen.with_columns(pools=pl.lit(True))
    rates = _rates(seen)
    dispersion = _dispersions(seen.filter("pools").join(rates, on=["sku", "channel"], how="left"))
    return _book(rates, dispersion, dict(categories or {}))


def _weight(half_life_days: float | None) -> pl.Expr:
    if half_life_days is None:
        return pl.lit(1.0)
    age = (pl.col("day").max() - pl.col("day")).dt.total_days()
    return pl.lit(0.5).pow(age / half_life_days)


def _rates(seen: pl.DataFrame) -> pl.DataFrame:
    """One row a (SKU, channel): ``rate`` a day, days in ``stock``, and the category's rate."""
    sums = seen.group_by("sku", "channel", "category", "pools").agg(
        units=(pl.col("units") * pl.col("weight")).sum(),
        weighed=(pl.col("stock") * pl.col("weight")).sum(),
        stock=pl.col("stock").sum(),
    )
    units, stock = (pl.when("pools").then(name).sum().over("category", "channel") for name in ("units", "stock"))
    pooled = pl.when(stock > 0).then(units / stock).otherwise(pl.col("units") / pl.col("stock"))
    own = sums.with_columns(units=pl.col("units") * pl.col("stock") / pl.col("weighed")).with_columns(pooled=pooled)
    return own.with_columns(
        rate=(pl.col("units") + PRIOR_DAYS * pl.col("pooled")) / (pl.col("stock") + PRIOR_DAYS),
    ).sort("sku", "channel")


def _dispersions(days: pl.DataFrame) -> dict[str | None, tuple[float, int]]:
    """Dispersion and days behind it by category; under None that of all together."""
    expected = pl.col("rate") * pl.col("stock")
    pearson = days.with_columns(expected=expected).filter(pl.col("expected") >= LEAST_EXPECTED)
    pearson = pearson.with_columns(off=(pl.col("units") - pl.col("expected")) ** 2 / pl.col("expected"))
    found: dict[str | None, tuple[float, int]] = {}
    for category, off, count in pearson.group_by("category").agg(pl.col("off").mean(), pl.len()).iter_rows():
        found[category] = (float(np.clip(off, LEAST_DISPERSION, MOST_DISPERSION)), count)
    if pearson.height:
        all_off = float(np.clip(pearson["off"].to_numpy().mean(), LEAST_DISPERSION, MOST_DISPERSION))
        found[None] = (all_off, pearson.height)
    return found


def _book(
    rates: pl.DataFrame, dispersions: Mapping[str | None, tuple[float, int]], categories: Mapping[str, str]
) -> DemandBook:
    of_sku: dict[Key, ChannelDemand] = {}
    of_category: dict[Key, ChannelDemand] = {}
    of_channel: dict[str, ChannelDemand] = {}
    for row in rates.iter_rows(named=True):
        dispersion = _dispersion_term(row["category"], dispersions)
        stock, pooled = row["stock"], row["pooled"]
        basis = Basis.MEASURED if stock >= ENOUGH_DAYS else Basis.POOLED
        note = f"{stock:.1f} days in stock, drawn towards its category's {pooled:.3g} a day"
        of_sku[row["sku"], row["channel"]] = ChannelDemand(Term(row["rate"], "units/day", basis, note), dispersion)
        note = "no stock days of its own: mean of its category on the channel"
        of_category[row["category"], row["channel"]] = ChannelDemand(
            Term(pooled, "units/day", Basis.POOLED, note), dispersion
        )
    every = _dispersion_term(NO_CATEGORY, {None: dispersions[None]} if None in dispersions else {})
    for channel, rate in rates.filter("pools").group_by("channel").agg(pl.col("rate").mean()).iter_rows():
        note = "no stock days of its own or of its category: mean of the channel"
        of_channel[channel] = ChannelDemand(Term(rate, "units/day", Basis.POOLED, note), every)
    return DemandBook(of_sku, of_category, of_channel, categories)


def _dispersion_term(category: str, dispersions: Mapping[str | None, tuple[float, int]]) -> Term:
    own = dispersions.get(category)
    if own is not None and own[1] >= ENOUGH_FOR_DISPERSION:
        return Term(own[0], "variance/mean", Basis.POOLED, f"category {category or '(none)'}, {own[1]} days in stock")
    every = dispersions.get(None)
    if every is not None and every[1] >= ENOUGH_FOR_DISPERSION:
        note = f"all categories, {every[1]} days in stock"
        return Term(every[0], "variance/mean", Basis.POOLED, note)
    return unknown("variance/mean", "fewer than 30 days in stock in all")
