"""A buffer for a SKU on a channel, with every figure behind it and what each driver does to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from ml.buffers.big_orders import BigOrder
from ml.buffers.bulk import Buffers, Listings, buffers, chances, wanted
from ml.buffers.listing import Listing, as_arrays
from ml.buffers.rails import POLICY, Policy
from ml.exposure.distribution import Floats
from ml.exposure.situation import ASSUMPTIONS, Assumptions
from ml.exposure.terms import Basis, Term, Terms, unknown


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
    nothing = Term(0.0, "chance", Basis.GIVEN)
    unsupplied = as_arrays([replace(one, supply=nothing, order=None) for one in listings], policy, assumptions)
    variants = {
        "without_bursts": (rows.without_volatility(), found.alpha),
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
    expected = float(found.oversell_rate[row]) if told else None
    return Recommendation(
        sku=listing.sku,
        channel=listing.channel,
        location=listing.location,
        buffer=buffer,
        current=listing.current,
        terms=terms,
        target_oversell_rate=listing.target,
        expected_oversell_rate=expected,
        expected_lost_units=float(found.lost[row]) if told else None,
        reason=_reason(listing, terms, buffer, found.limit[row], expected, lacked),
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
        "quantile": units(
            found.wanted[row],
            "what the others take before the channel gets to it, before limits; far beyond usual, chances count less",
        ),
    }
    notes = {
        "without_bursts": "the quantile if as much demand came unit by unit, by chance alone (volatility)",
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


def _reason(
    listing: Listing, terms: Terms, buffer: int, limit: str, expected: float | None, lacked: Sequence[str]
) -> str:
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
    if expected is not None and expected > listing.target:
        told += f"; {_above_accepted(listing, shown['quantile'], buffer, expected)}"
    return "; ".join((f"holds back {buffer}: {told}", *lacked))


def _above_accepted(listing: Listing, wanted: float, buffer: int, expected: float) -> str:
    """Why an ``expected`` oversell rate above the accepted one is left: a limit, or that no SKU is held to it alone."""
    rates = f"expected {100 * expected:.3g}% of what is asked oversold against the accepted {100 * listing.target:.3g}%"
    if buffer < wanted:
        return f"{rates}: the limit leaves {buffer} of {wanted:.0f} units"
    return f"{rates}, which is steered over all of {listing.channel}, not SKU by SKU"
