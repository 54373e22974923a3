"""What is known of a SKU on a channel when a buffer is recommended for it, and many of them as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ml.buffers.big_orders import BigOrder
from ml.buffers.bulk import Listings
from ml.buffers.race import Late, middles
from ml.buffers.rails import POLICY, Policy
from ml.buffers.supplier import OpenOrder, Reliability, receipt_chance
from ml.buffers.window import Window
from ml.exposure.distribution import Floats
from ml.exposure.situation import ASSUMPTIONS, Assumptions, ChannelDemand, UnitPrices
from ml.exposure.terms import Term, unknown


@dataclass(frozen=True)
class Listing:
    """What is known of one SKU on one channel (at one ``location``, or "" for all).

    ``others`` is what everyone else asks of the same stock, ``big`` what of it comes in orders far larger than usual;
    ``others_lot`` is of usual orders. ``supply`` the chance that a receipt covers an oversold unit while the buyer
    still waits (``supplier.supply_chance``), ``supplier`` the figures behind it (``supplier.supplier_terms``).
    ``weight`` holds the ``target`` rate (``weight.py``), ``realised`` is what came true (``steering.py``).
    ``unit_worth`` is the price in the reporting currency, None where unknown. ``order`` is the open one of a supplier
    of this ``reliability``: what comes before the channel is put right serves whoever asks.

    Raises:
        ValueError: a buffer in force below 0.
    """

    sku: str
    channel: str
    location: str
    others: ChannelDemand
    own: ChannelDemand
    window: Window
    prices: UnitPrices
    supply: Term
    available: int | None
    current: int
    others_lot: float = 1.0
    big: BigOrder | None = None
    own_lot: float = 1.0
    shared: float = 0.0
    weight: float = 1.0
    target: float = POLICY.target_oversell_rate
    realised: Term = field(default=unknown("share", "no step of control was taken on the channel yet"))
    supplier: Mapping[str, Term] = field(default_factory=dict)
    unit_worth: float | None = None
    reliability: Reliability | None = None
    order: OpenOrder | None = None

    def __post_init__(self) -> None:
        if self.current < 0:
            raise ValueError(f"{self.sku} on {self.channel}: a buffer of {self.current} is in force")


def as_arrays(listings: Sequence[Listing], policy: Policy = POLICY, assumptions: Assumptions = ASSUMPTIONS) -> Listings:
    """The listings as columns; what is unknown gets a stand-in that never reaches a reader."""
    costs = [_costs(listing, policy, assumptions) for listing in listings]

    def column(values: Sequence[float | None], otherwise: float) -> Floats:
        return np.array([otherwise if value is None else value for value in values], dtype=np.float64)

    return Listings(
        others_rate=column([_everyday_rate(one) for one in listings], 0.0),
        others_dispersion=column([one.others.dispersion.value for one in listings], assumptions.dispersion),
        others_lot=column([one.others_lot for one in listings], 1.0),
        big_rate=column([one.big.rate if one.big else None for one in listings], 0.0),
        big_units=column([one.big.units if one.big else None for one in listings], 0.0),
        big_dispersion=column([one.big.dispersion if one.big else None for one in listings], 1.0),
        own_rate=column([one.own.rate_per_day.value for one in listings], 0.0),
        own_dispersion=column([one.own.dispersion.value for one in listings], assumptions.dispersion),
        own_lot=column([one.own_lot for one in listings], 1.0),
        window_h=column([one.window.known().hours for one in listings], 0.0),
        late_share=column([one.window.known().late_share.value for one in listings], 0.0),
        late_times=column([one.window.known().late_times.value for one in listings], 1.0),
        shared=column([one.shared for one in listings], 0.0),
        lost_cost=column([None if cost is None else cost[0] for cost in costs], np.nan),
        oversell_cost=column([None if cost is None else cost[1] for cost in costs], np.nan),
        weight=column([one.weight for one in listings], 1.0),
        available=column([one.available for one in listings], np.nan),
        current=column([one.current for one in listings], 0.0),
        receipts=_receipts(listings),
    )


def _receipts(listings: Sequence[Listing]) -> Floats:
    """The chance that the open order comes before the middle of each stretch of the window (n, stretches)."""
    windows = [one.window.known() for one in listings]
    share, times = (
        np.array([term.value or 0.0 for term in terms])
        for terms in ([one.late_share for one in windows], [one.late_times for one in windows])
    )
    days = np.array([one.hours for one in windows])[:, None] / 24 * np.stack(middles(Late(share, times)), axis=1)
    chance = np.zeros_like(days)
    for row, one in enumerate(listings):
        if one.order is not None:
            chance[row] = [
                receipt_chance(one.reliability, one.order, ahead).value or 0.0 for ahead in days[row].tolist()
            ]
    return chance


def _everyday_rate(listing: Listing) -> float | None:
    """Units a day that the others ask for beside what goes beyond usual orders."""
    rate = listing.others.rate_per_day.value
    if rate is None or listing.big is None:
        return rate
    return max(rate - listing.big.rate * listing.big.units, 0.0)


def _costs(listing: Listing, policy: Policy, assumptions: Assumptions) -> tuple[float, float] | None:
    """Money of a unit withheld in vain, and of a unit oversold; None without a price above 0.

    An oversold unit costs its margin and the penalty, or where a receipt comes in time only what a late delivery
    costs.
    """
    prices = listing.prices
    if prices.price is None or prices.price <= 0:
        return None
    cost = prices.cost if prices.cost is not None else prices.price * (1 - Decimal(str(assumptions.margin_share)))
    margin = float(max(prices.price - cost, Decimal(0)))
    penalty = float(assumptions.oversell_penalty if prices.oversell_penalty is None else prices.oversell_penalty)
    recapture = assumptions.recapture if prices.recapture is None else prices.recapture
    covered = listing.supply.value or 0.0
    late = float(prices.price) * policy.late_cost_share
    return margin * (1 - recapture), (margin + penalty) * (1 - covered) + late * covered
