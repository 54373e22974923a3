"""Ways to hold back, each with one knob: ours, and the three that are in use.

A policy answers, for every moment at which a channel is put right, how many units to hold back at each setting of
its knob, from what the beginning of that day knew and the stock of that moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ml.buffers.big_orders import BigOrders
from ml.buffers.estimates import Known, Whole
from ml.buffers.race import Big, Late, Until, held_back_in_race, middles, stretches
from ml.exposure.distribution import Demand, Floats, quantile


@dataclass(frozen=True)
class Moments:
    """Refreshes of the items ``rows``: before ``steps`` of ``days``, windows ``lengths`` steps long (each (m,)).

    ``stock`` is (settings, m). ``receipts`` (m, days) is the chance that a receipt comes until the begin of that day
    and of each day after it.
    """

    days: Whole
    steps: Whole
    rows: Whole
    lengths: Whole
    stock: Floats
    receipts: Floats


class Way(Protocol):
    """One way to hold back."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def settings(self) -> Sequence[float]:
        """Of its knob, from holding back least to most."""
        ...

    def held(self, moments: Moments) -> Floats:
        """Units to hold back (settings, m)."""
        ...


@dataclass(frozen=True)
class FixedUnits:
    """The same number of units for every SKU."""

    settings: Sequence[float]
    name: str = "fixed units"

    def held(self, moments: Moments) -> Floats:
        """As many as the knob says."""
        return np.broadcast_to(np.array(self.settings)[:, None], moments.stock.shape)


@dataclass(frozen=True)
class ShareOfStock:
    """A part of what is there, rounded up."""

    settings: Sequence[float]
    name: str = "percentage of stock"

    def held(self, moments: Moments) -> Floats:
        """The knob's share of the stock of the moment."""
        return np.ceil(np.array(self.settings)[:, None] * moments.stock)


@dataclass(frozen=True)
class ShareAndUnits:
    """A ``share`` of the stock is promised, less some units: a channel's rule as it stands. The knob is the units."""

    share: float
    settings: Sequence[float]
    name: str = "share and units"

    def held(self, moments: Moments) -> Floats:
        """What is not promised."""
        kept: Floats = moments.stock - np.floor(self.share * moments.stock) + np.array(self.settings)[:, None]
        return kept


@dataclass(frozen=True)
class SafetyStock:
    """k·σ·√L: k standard deviations of the others' demand over the window."""

    others: Known
    steps_a_day: int
    settings: Sequence[float]
    name: str = "k·σ·√L"

    def held(self, moments: Moments) -> Floats:
        """The knob is k."""
        sigma = self.others.sigma[moments.days - self.others.first, moments.rows]
        length = np.sqrt(moments.lengths / self.steps_a_day)
        held: Floats = np.ceil(np.array(self.settings)[:, None] * sigma * length - 1e-9)
        return held


@dataclass(frozen=True)
class Quantile:
    """What the others exceed in the regular window with the accepted chance at most. The knob is that chance."""

    others: Known
    settings: Sequence[float]
    name: str = "quantile of the others' demand"

    def held(self, moments: Moments) -> Floats:
        """All settings asked together."""
        demand = self.others.over(moments.days, moments.steps, moments.lengths, moments.rows)
        alphas = np.repeat(np.array(self.settings), len(moments.rows))
        return quantile(1 - alphas, _for_each(demand, len(self.settings))).reshape(moments.stock.shape)


@dataclass(frozen=True)
class Race:
    """Ours (``race``): what the others take before the channel gets to it, with refreshes that may be late.

    ``others`` is everyday demand, ``big`` (items,) the orders beyond it. ``late_share`` of the refreshes come after
    ``late_times`` the regular window, as measured on the channel; ``shared`` (days,) is the relative variance of the
    shock that both pools share, from the first day on. Receipts count as expected unless not ``supplied``.
    """

    own: Known
    others: Known
    big: BigOrders
    shared: Floats
    late_share: float
    late_times: float
    settings: Sequence[float]
    supplied: bool = True
    name: str = "race with the others"

    def held(self, moments: Moments) -> Floats:
        """All settings asked together."""
        ones = np.ones(len(moments.rows))
        late = Late(ones * self.late_share, ones * self.late_times)
        shared = self.shared[moments.days - self.own.first]
        own, others = _until(self.own, moments, shared), _until(self.others, moments, shared)
        regular = self.others.over(moments.days, moments.steps, moments.lengths, moments.rows)
        alphas = np.repeat(np.array(self.settings), len(moments.rows))
        rows = np.tile(np.arange(len(moments.rows)), len(self.settings))
        big, receipts = self._big(moments) if self.big.any else None, self._receipts(moments, late)
        found = stretches(own, others, late, shared, big, receipts)
        held = held_back_in_race(found, regular, self._usual(moments), moments.stock.ravel(), alphas, rows)
        return held.reshape(moments.stock.shape)

    def without_volatility(self) -> "Race":
        """As if as much demand came unit by unit, by chance alone: no bursts, lots, big orders or shared days."""
        own, others = (
            replace(pool, spread=np.ones_like(pool.spread), lot=np.ones_like(pool.lot))
            for pool in (self.own, replace(self.others, rate=self.others.rate + self.big.a_day))
        )
        calm, name = np.zeros_like(self.shared), f"{self.name}, without volatility"
        return replace(self, own=own, others=others, big=BigOrders.none(len(own.lot)), shared=calm, name=name)

    def without_latency(self) -> "Race":
        """As if no refresh were ever late."""
        return replace(self, late_share=0.0, name=f"{self.name}, without latency")

    def without_supplier(self) -> "Race":
        """As if no receipt ever came before the channel is put right."""
        return replace(self, supplied=False, name=f"{self.name}, without supplier")

    def _receipts(self, moments: Moments, late: Late) -> Floats | None:
        """The chance of a receipt before the middle of each stretch (stretches, m); what comes, comes at midnight."""
        if not self.supplied:
            return None
        a_day, every = self.own.shape.shape[1], np.arange(len(moments.rows))
        ahead = [(moments.steps + _steps(moments, middle) - 1) // a_day for middle in middles(late)]
        return np.array([moments.receipts[every, np.minimum(days, moments.receipts.shape[1] - 1)] for days in ahead])

    def _usual(self, moments: Moments) -> Floats:
        """What the others take in a window of that length (m,) at any time of the day and week, big orders included."""
        big = self.big[moments.rows]
        a_day = self.others.rate[moments.days - self.others.first, moments.rows] + big.a_day
        usual: Floats = a_day * moments.lengths / self.others.shape.shape[1]
        return usual

    def _big(self, moments: Moments) -> Big:
        orders = self.big[moments.rows]

        def comes(share: Floats, everyday: Demand) -> tuple[Floats, Demand]:
            days = self.others.days_worth(moments.days, moments.steps, _steps(moments, share))
            return orders.come(days), orders.with_one(everyday)

        return comes


def _steps(moments: Moments, share: Floats) -> Whole:
    """Steps (m,) in a ``share`` (m,) of each window, at least one."""
    return np.maximum(np.ceil(moments.lengths * share - 1e-9), 1).astype(np.int64)


def _until(pool: Known, moments: Moments, shared: Floats) -> Until:
    def demand(share: Floats, level: Floats) -> Demand:
        lengths = _steps(moments, share)
        return pool.over(moments.days, moments.steps, lengths, moments.rows, level, shared)

    return demand


def _for_each(demand: Demand, settings: int) -> Demand:
    return Demand(np.tile(demand.mean, settings), np.tile(demand.dispersion, settings))
