"""The exposure of a fault: money lost until it is fixed, with every figure behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal

import numpy as np

from core_sync.money import TEN_THOUSANDTHS
from ml.exposure.belief import Belief, certain
from ml.exposure.bulk import Priced, Stakes, exposures
from ml.exposure.demand import dispersion_over
from ml.exposure.distribution import MOST_DISPERSED, MOST_UNITS, Demand, Floats
from ml.exposure.penalties import charges_of, penalty_terms
from ml.exposure.rates import Rates
from ml.exposure.situation import ASSUMPTIONS, Assumptions, Situation
from ml.exposure.terms import Basis, Term, Terms, unknown, value_of
from ml.exposure.time_to_harm import HOURS_A_DAY, hours_until_harm

NEEDED = ("published", "available", "demand_rate", "time_to_fix", "unit_margin", "exchange_rate")
"""Without any one of these there is no amount."""
NEEDED_FOR_UNITS = ("published", "available", "demand_rate", "time_to_fix")

BORNE = (
    "oversold_units", "lost_units", "short_lines", "oversell_amount", "lost_amount", "chargeback_amount",
    "retention_amount",
)  # fmt: skip
"""What channels bear in parts that sell one stock; a cancel rate is each channel's own."""
CANCEL_RATE = "cancel_rate_amount"

OFF, WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
"""Where a normal variable is looked at, in standard deviations, and what each look weighs (Gauss and Hermite)."""


@dataclass(frozen=True)
class Exposure:
    """``amount`` in ``currency``, to ten-thousandths; None where a term it needs is unknown.

    ``terms`` name each figure; ``time_to_harm_h`` is None where no harm is ahead or none can be told.
    """

    amount: Decimal | None
    currency: str
    terms: Terms
    time_to_harm_h: float | None


def exposure_of(situation: Situation, rates: Rates, assumptions: Assumptions = ASSUMPTIONS) -> Exposure:
    """Price one fault."""
    return exposures_of([situation], rates, assumptions)[0]


def exposures_of(
    situations: Sequence[Situation], rates: Rates, assumptions: Assumptions = ASSUMPTIONS
) -> list[Exposure]:
    """Price many faults at once, in the order given; the arithmetic is that of ``bulk.exposures``."""
    if not situations:
        return []
    inputs = [_inputs(situation, rates, assumptions) for situation in situations]
    priced = _priced(situations, inputs)
    harm = _time_to_harm(inputs)
    return [_exposure(row, situations[row], inputs[row], priced, harm, rates) for row in range(len(inputs))]


def _priced(situations: Sequence[Situation], inputs: Sequence[dict[str, Term]]) -> Priced:
    """The mean over times to fix, where they are not one: harm far ahead counts by the chance that it takes so long.

    A time to fix is log-normal, as repair times usually are (Kline, "Suitability of the lognormal distribution for
    corrective maintenance repair times", 1984).
    """
    spread = _figures(inputs, "fix_spread")
    if not spread.any():
        return exposures(_stakes(situations, inputs, np.ones(len(inputs))))
    parts = [exposures(_stakes(situations, inputs, np.exp(spread * off))) for off in OFF]
    means = (np.average([getattr(part, one.name) for part in parts], axis=0, weights=WEIGHTS) for one in fields(Priced))
    return Priced(*means)


def _inputs(situation: Situation, rates: Rates, assumptions: Assumptions) -> dict[str, Term]:
    """Every figure that goes in, with what was assumed for the missing ones said."""
    terms = {
        "published": _stock(situation.published, "nobody has told what the channel shows"),
        "available": _available(situation.available),
        "demand_rate": situation.demand.rate_per_day,
        "dispersion": situation.demand.dispersion,
        "time_to_fix": situation.time_to_fix,
    }
    told = {"fix_spread": situation.fix_spread, "cut_off": situation.cut_off}
    terms |= {name: given for name, given in told.items() if given is not None}
    if terms["dispersion"].value is None:
        terms["dispersion"] = assumptions.assumed_dispersion()
    rate, hours = terms["demand_rate"].value, terms["time_to_fix"].value
    if rate is None or hours is None:
        terms["mean_demand"] = unknown("units", "demand rate or time to fix is unknown")
    else:
        note = "demand rate × time to fix"
        terms["mean_demand"] = Term(min(rate * hours / HOURS_A_DAY, MOST_UNITS), "units", Basis.COMPUTED, note)
    charged = penalty_terms(situation.penalties, rates.reporting) if _may_oversell(situation) else {}
    return terms | _money(situation, rates, assumptions) | charged


def _may_oversell(situation: Situation) -> bool:
    """Whether more may be shown than there is: what an order short of units costs is of no concern otherwise."""
    there = situation.available
    fewest = there.units[0] if isinstance(there, Belief) else there
    return situation.published is not None and fewest is not None and situation.published > fewest


def _stock(units: int | None, missing: str) -> Term:
    return unknown("units", missing) if units is None else Term(float(units), "units", Basis.GIVEN)


def _available(available: int | Belief | None) -> Term:
    if not isinstance(available, Belief) or available.certain:
        units = available.units[0] if isinstance(available, Belief) else available
        return _stock(units, "no system has told what is truly available")
    spread = ", ".join(f"{u} ({c:.0%})" for u, c in zip(available.units, available.chances, strict=True))
    return Term(available.mean, "units", Basis.COMPUTED, f"mean of a belief: {spread}")


def _money(situation: Situation, rates: Rates, assumptions: Assumptions) -> dict[str, Term]:
    prices = situation.prices
    unit, origin = prices.currency or rates.reporting, ""
    if prices.currency is None:
        origin = f"no currency is given: taken as {rates.reporting}"
    worth = rates.worth(unit)
    penalty = prices.oversell_penalty
    return {
        "unit_margin": _margin(situation, unit, assumptions),
        "oversell_penalty": Term(float(assumptions.oversell_penalty), unit, Basis.ASSUMED, "the channel states none")
        if penalty is None
        else Term(float(penalty), unit, Basis.GIVEN),
        "recapture": Term(assumptions.recapture, "share", Basis.ASSUMED, "nobody has measured who buys later")
        if prices.recapture is None
        else Term(prices.recapture, "share", Basis.GIVEN),
        "exchange_rate": unknown(f"{rates.reporting}/{unit}", f"there is no rate of {unit}")
        if worth is None
        else Term(float(worth), f"{rates.reporting}/{unit}", Basis.ASSUMED if origin else Basis.GIVEN, origin),
    }


def _margin(situation: Situation, unit: str, assumptions: Assumptions) -> Term:
    price, cost = situation.prices.price, situation.prices.cost
    if price is None:
        return unknown(unit, "the SKU has no price")
    if cost is None:
        note = f"no cost is given: {assumptions.margin_share:.0%} of the price {price} is taken"
        return Term(float(price) * assumptions.margin_share, unit, Basis.ASSUMED, note)
    if cost > price:
        return Term(0.0, unit, Basis.COMPUTED, f"sold at {price}, below its cost {cost}: not selling it loses nothing")
    return Term(float(price - cost), unit, Basis.COMPUTED, f"price {price} less cost {cost}")


def _figures(inputs: Sequence[dict[str, Term]], name: str, otherwise: float = 0.0) -> Floats:
    """The values of one term (n,); rows without it get a stand-in that never reaches a reader."""
    values = [terms[name].value if name in terms else None for terms in inputs]
    return np.array([otherwise if value is None else value for value in values], dtype=np.float64)


def _stakes(situations: Sequence[Situation], inputs: Sequence[dict[str, Term]], longer: Floats) -> Stakes:
    """What goes into the arithmetic where each fault takes ``longer`` times (n,) its usual time to fix."""
    beliefs = [s.available if isinstance(s.available, Belief) else certain(s.available or 0) for s in situations]
    width = max(len(belief.units) for belief in beliefs)
    available, chances = np.zeros((len(beliefs), width)), np.zeros((len(beliefs), width))
    for row, belief in enumerate(beliefs):
        available[row, : len(belief.units)] = belief.units
        chances[row, : len(belief.units)] = belief.chances
    worth = _figures(inputs, "exchange_rate")
    prices = [float(situation.prices.price or 0) * one for situation, one in zip(situations, worth, strict=True)]
    dispersion = dispersion_over(_figures(inputs, "time_to_fix") * longer, _figures(inputs, "dispersion", 1.0))
    return Stakes(
        published=_figures(inputs, "published"),
        available=available[:, 0] if width == 1 else available,
        demand=Demand.of(
            np.minimum(_figures(inputs, "mean_demand") * longer, MOST_UNITS), np.minimum(dispersion, MOST_DISPERSED)
        ),
        unit_margin=_figures(inputs, "unit_margin"),
        oversell_penalty=_figures(inputs, "oversell_penalty"),
        recapture=_figures(inputs, "recapture"),
        worth=worth,
        chances=None if width == 1 else chances,
        charges=charges_of([situation.penalties for situation in situations], prices),
    )


def _time_to_harm(inputs: Sequence[dict[str, Term]]) -> list[float | None]:
    cut_off = _figures(inputs, "cut_off", np.inf)
    published, available, rate = (_figures(inputs, name) for name in ("published", "available", "demand_rate"))
    hours = hours_until_harm(published, available, rate, cut_off)
    told = (all(terms[name].value is not None for name in NEEDED_FOR_UNITS) for terms in inputs)
    return [float(h) if known and np.isfinite(h) else None for h, known in zip(hours, told, strict=True)]


def _exposure(
    row: int,
    situation: Situation,
    inputs: dict[str, Term],
    priced: Priced,
    harm: Sequence[float | None],
    rates: Rates,
) -> Exposure:
    terms = dict(inputs)
    no_units = [name for name in NEEDED_FOR_UNITS if inputs[name].value is None]
    for name, units in (("oversold_units", priced.oversold), ("lost_units", priced.lost)):
        terms[name] = _computed(units[row], "units", no_units)
    missing = [name for name in NEEDED if inputs[name].value is None]
    for name, amounts in (("oversell_amount", priced.oversell_amount), ("lost_amount", priced.lost_amount)):
        terms[name] = _computed(amounts[row], rates.reporting, missing)
    if "cancel_limit" in inputs:
        terms |= _penalties(row, situation, priced, rates.reporting, no_units, missing)
    if (inputs["available"].value or 0) < 0:
        note = "sold before and short already: not part of this amount"
        terms["short_already"] = Term(-float(inputs["available"].value or 0), "units", Basis.COMPUTED, note)
    amount = None if missing else to_money(float(priced.amount[row]))
    return Exposure(amount, rates.reporting, terms, harm[row])


def _penalties(
    row: int,
    situation: Situation,
    priced: Priced,
    reporting: str,
    no_units: Sequence[str],
    missing: Sequence[str],
) -> Terms:
    """What order lines short come to, as far as the channel charges for any."""
    told = situation.penalties
    terms: dict[str, Term] = {}
    if told.counts_lines:
        note = "taken, and not to be served in full"
        terms["short_lines"] = _computed(priced.short_lines[row], "lines", no_units, note)
    if told.chargeback is not None or told.chargeback_share is not None:
        terms["chargeback_amount"] = _computed(priced.chargeback_amount[row], reporting, missing)
    if told.line_value:
        terms["retention_amount"] = _computed(priced.retention_amount[row], reporting, missing)
    if told.barrier is not None:
        note = "that the orders short of this listing alone pass the limit"
        terms["cancel_rate_chance"] = _computed(priced.barrier_chance[row], "share", no_units, note)
        terms[CANCEL_RATE] = _computed(priced.barrier_amount[row], reporting, missing)
    return terms


def _computed(value: float, unit: str, missing: Sequence[str], note: str = "") -> Term:
    if missing:
        return unknown(unit, f"unknown: {', '.join(missing)}")
    return Term(float(value), unit, Basis.COMPUTED, note)


def part_of(exposure: Exposure, share: float) -> Exposure:
    """The part of ``exposure`` that one channel bears which asks for ``share`` of the demand it was reckoned from."""
    if share >= 1.0:
        return exposure
    terms: dict[str, Term] = dict(exposure.terms)
    for name, term in exposure.terms.items():
        if term.value is not None and name in BORNE:
            terms[name] = replace(term, value=term.value * share)
    terms["demand_share"] = Term(share, "share", Basis.COMPUTED, "the channel's part of all that is asked for")
    if exposure.amount is None:
        return replace(exposure, terms=terms)
    own = cancel_rate_amount(exposure)
    return replace(exposure, amount=to_money((float(exposure.amount) - own) * share + own), terms=terms)


def cancel_rate_amount(exposure: Exposure) -> float:
    """What of ``exposure`` is that a cancel rate may pass its limit."""
    return value_of(exposure.terms, CANCEL_RATE) or 0.0


def to_money(amount: float) -> Decimal:
    """A float64 amount as Decimal, rounded to ten-thousandths."""
    return Decimal(round(amount * TEN_THOUSANDTHS)) / TEN_THOUSANDTHS
