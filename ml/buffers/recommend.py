"""A buffer for a SKU on a channel, with every figure behind it and what each driver does to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from ml.buffers.big_orders import BigOrder
from ml.buffers.bulk import Buffers, Listings, buffers, chances, wanted
from ml.buffers.race import Late, middles
from ml.buffers.rails import POLICY, Policy
from ml.buffers.supplier import OpenOrder, Reliability, receipt_chance
from ml.buffers.window import Window
from ml.exposure.distribution import Floats
from ml.exposure.situation import ASSUMPTIONS, Assumptions, ChannelDemand, UnitPrices
from ml.exposure.terms import Basis, Term, Terms, unknown


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


@dataclass(frozen=True)
class Recommendation:
    """``buffer`` units to hold back instead of ``current``, until ``valid_until``.

    ``expected_oversell_rate`` is per unit asked of the channel and ``expected_lost_units`` per exposure window, with
    what is available now; None where that or the channel's demand is unknown. ``change_value`` is what the units of the
    change are worth in the reporting currency, None without a price; ``needs_approval`` says that a person must agree.
    ``lacked`` tells what was not known, and what was taken instead.
    """

    sku: str
    channel: str
    location: str
    buffer: int
    current: int
    terms: Terms
    target_oversell_rate: float
    expected_oversell_rate: float | None
    expected_lost_units: float | None
    reason: str
    valid_until: datetime
    change_value: float | None
    needs_approval: bool
    lacked: tuple[str, ...]


def recommend(
    listings: Sequence[Listing], at: datetime, policy: Policy = POLICY, assumptions: Assumptions = ASSUMPTIONS
) -> list[Recommendation]:
    """Recommend for each listing, in the order given, as of the moment ``at``.

    Where the demand of the others is unknown the buffer in force is kept, and the reason says why.
    """
    if not listings:
        return []
    rows = as_arrays(listings, policy, assumptions)
    found = buffers(rows, policy)
    ones = np.ones(len(listings))
    calm = replace(rows, others_dispersion=ones, others_lot=ones, big_rate=0 * ones)
    nothing = Term(0.0, "chance", Basis.GIVEN)
    unsupplied = as_arrays([replace(one, supply=nothing, order=None) for one in listings], policy, assumptions)
    variants = {
        "without_bursts": (calm, found.alpha),
        "without_supply": (unsupplied, chances(unsupplied, policy)),
        "without_fulfilment_latency": (as_arrays(_picked(listings), policy, assumptions), found.alpha),
    }
    every, alphas = zip(*variants.values(), strict=True)
    held = wanted(Listings.together(every), policy, np.concatenate(alphas))
    without = dict(zip(variants, np.split(held, len(variants)), strict=True))
    return [
        _recommendation(row, listing, rows, found, without, at, policy, assumptions)
        for row, listing in enumerate(listings)
    ]


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


def _picked(listings: Sequence[Listing]) -> list[Listing]:
    """The same as if every order were picked at once."""
    at_once = Term(0.0, "h", Basis.GIVEN)
    return [replace(one, window=replace(one.window, fulfilment=at_once)) for one in listings]


def _recommendation(
    row: int,
    listing: Listing,
    rows: Listings,
    found: Buffers,
    without: dict[str, Floats],
    at: datetime,
    policy: Policy,
    assumptions: Assumptions,
) -> Recommendation:
    blind = listing.others.rate_per_day.value is None
    buffer = listing.current if blind else int(found.buffer[row])
    terms = _terms(row, listing, rows, found, without, policy, assumptions)
    change = abs(buffer - listing.current)
    value = None if listing.unit_worth is None else change * listing.unit_worth
    lacked = tuple(dict.fromkeys(note for name, term in terms.items() if (note := _lacked(name, term))))
    told = not blind and listing.available is not None and listing.own.rate_per_day.value is not None
    return Recommendation(
        sku=listing.sku,
        channel=listing.channel,
        location=listing.location,
        buffer=buffer,
        current=listing.current,
        terms=terms,
        target_oversell_rate=listing.target,
        expected_oversell_rate=float(found.oversell_rate[row]) if told else None,
        expected_lost_units=float(found.lost[row]) if told else None,
        reason=_reason(listing, terms, buffer, found.limit[row], lacked),
        valid_until=at + policy.valid_for,
        change_value=value,
        needs_approval=change > 0 and (value is None or value > policy.approval_value),
        lacked=lacked,
    )


def _terms(
    row: int,
    listing: Listing,
    rows: Listings,
    found: Buffers,
    without: dict[str, Floats],
    policy: Policy,
    assumptions: Assumptions,
) -> dict[str, Term]:
    window = listing.window.known()
    blind = listing.others.rate_per_day.value is None

    def units(value: float, note: str) -> Term:
        return unknown("units", "the demand of the others is unknown") if blind else _computed(value, "units", note)

    dispersion = listing.others.dispersion
    terms = {
        "others_rate": listing.others.rate_per_day,
        "others_dispersion": assumptions.assumed_dispersion() if dispersion.value is None else dispersion,
        "big_orders": _big(listing.big),
        "own_rate": listing.own.rate_per_day,
        "sync_age_p90": window.sync_age,
        "confirmation": window.confirmation,
        "fulfilment_latency": window.fulfilment,
        "window": _computed(window.hours, "h", "sync age, confirmation and fulfilment latency one after the other"),
        "late_refreshes": window.late_share,
        "late_times": window.late_times,
        "others_in_window": units(
            (listing.others.rate_per_day.value or 0.0) * rows.window_h[row] / 24,
            "others' rate × window",
        ),
        **listing.supplier,
        "supply": listing.supply,
        "lost_cost": _cost(rows.lost_cost[row], "margin of a unit withheld, less the buyers who come back"),
        "oversell_cost": _cost(rows.oversell_cost[row], "margin and penalty of a unit not there; less if it comes in"),
        "oversell_weight": _computed(rows.weight[row], "times", "how much dearer an oversell counts, for the target"),
        "realised_oversell_rate": listing.realised,
        "accepted_chance": _alpha(row, rows, found, policy),
        "available": _available(listing.available),
        "quantile": units(found.wanted[row], "what the others take before the channel gets to it, before limits"),
    }
    notes = {
        "without_bursts": "the quantile if demand came by chance alone (volatility)",
        "without_supply": "the quantile if no receipt were on its way (supplier)",
        "without_fulfilment_latency": "the quantile if every order were picked at once (latency)",
    }
    return terms | {name: units(without[name][row], note) for name, note in notes.items()}


def _computed(value: float, unit: str, note: str) -> Term:
    return Term(float(value), unit, Basis.COMPUTED, note)


def _cost(value: float, note: str) -> Term:
    return unknown("money", "the SKU has no price above 0") if np.isnan(value) else _computed(value, "money", note)


def _alpha(row: int, rows: Listings, found: Buffers, policy: Policy) -> Term:
    if np.isnan(rows.lost_cost[row]):
        note = "without a price above 0 both mistakes are weighed by the policy's chance"
        return Term(policy.assumed_alpha, "chance", Basis.ASSUMED, note)
    if rows.lost_cost[row] + rows.oversell_cost[row] == 0:
        return Term(policy.assumed_alpha, "chance", Basis.ASSUMED, "neither mistake costs anything")
    return _computed(found.alpha[row], "chance", "lost cost / (lost cost + weight × oversell cost), within bounds")


def _big(orders: BigOrder | None) -> Term:
    if orders is None:
        return Term(
            0.0,
            "orders/day",
            Basis.MEASURED,
            "no order of the others is far larger than usual",
        )
    note = f"orders of more than {orders.above:.0f}, by {orders.units:.3g} in the mean; the others are everyday demand"
    return Term(orders.rate, "orders/day", Basis.MEASURED, note)


def _available(units: int | None) -> Term:
    if units is None:
        return unknown("units", "no stock figure: the limit by share of stock and the expected rates are left out")
    return Term(float(units), "units", Basis.GIVEN)


BORROWED = {"others_rate": "demand of the others", "supply": "supplier"}
"""Terms of which a reader is told where they rest on what is usual elsewhere, and how they are called then."""


def _lacked(name: str, term: Term) -> str:
    """What a recommendation had to do without for the term ``name``; "" where nothing."""
    if term.basis is Basis.ASSUMED:
        return term.note
    return f"{BORROWED[name]}: {term.note}" if term.basis is Basis.POOLED and name in BORROWED else ""


def _reason(listing: Listing, terms: Terms, buffer: int, limit: str, lacked: Sequence[str]) -> str:
    """One sentence that a planner can check, and one for each thing that was ``lacked``."""
    if listing.others.rate_per_day.value is None:
        return f"keeps {buffer}: {listing.others.rate_per_day.note}"
    shown = {name: term.value or 0.0 for name, term in terms.items()}
    told = (
        f"others take {shown['others_in_window']:.3g} in the {shown['window']:.3g} h until the channel is put right; "
        f"with {shown['quantile']:.0f} the last unit on offer is still there with {1 - shown['accepted_chance']:.1%} "
        f"({shown['without_bursts']:.0f} without bursts, {shown['without_supply']:.0f} without the open order, "
        f"{shown['without_fulfilment_latency']:.0f} without the time to pick)"
    )
    if limit:
        told += f"; limited by: {limit}"
    return "; ".join((f"holds back {buffer}: {told}", *lacked))
