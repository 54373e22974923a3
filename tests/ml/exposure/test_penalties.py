"""What orders short cost beside their units: chargebacks, customers let down, a cancel rate; beside counting them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.exposure.barriers import CancelRate
from ml.exposure.belief import Belief
from ml.exposure.penalties import NO_PENALTIES, Penalties
from ml.exposure.rates import Rates
from ml.exposure.situation import ChannelDemand, Situation, UnitPrices
from ml.exposure.terms import Basis, Term, unknown
from ml.exposure.value import Exposure, exposure_of, exposures_of, part_of

EUR = Rates("EUR", {"USD": Decimal("1.25")})
PRICES = UnitPrices(Decimal(20), Decimal(12), "EUR", Decimal(5), 0.25)
A_DAY = Term(24.0, "h", Basis.GIVEN)
DRAWS = 400_000

SUSPENSION = Term(900.0, "EUR", Basis.COMPUTED, "3 days of suspension at a margin of 300.00 a day")
AMAZON = CancelRate(limit=0.025, days=7, lines=200, cancelled=3, cost=SUSPENSION)


def a_fault(penalties: Penalties, rate: float = 8.0, dispersion: float = 2.0) -> Situation:
    """Ten units shown where four are there."""
    demand = ChannelDemand(Term(rate, "units/day", Basis.MEASURED), Term(dispersion, "variance/mean", Basis.POOLED))
    return Situation(10, 4, demand, A_DAY, PRICES, penalties)


def priced(penalties: Penalties, rate: float = 8.0, dispersion: float = 2.0) -> Exposure:
    return exposure_of(a_fault(penalties, rate, dispersion), EUR)


def value_of(exposure: Exposure, name: str) -> float:
    value = exposure.terms[name].value
    assert value is not None
    return value


def counted(cost: Callable[[NDArray[Any]], NDArray[Any]], lot: int = 1) -> float:
    """The mean of what lines short cost, over drawn orders of ``lot`` units where 12 units a day are asked for."""
    chance = np.random.default_rng(7)
    orders = chance.poisson(chance.gamma(12.0 / lot / 1.5, 1.5, DRAWS))  # lines of variance 2.5 times their mean
    return float(cost(np.maximum(np.minimum(orders, 10 // lot) - 4 // lot, 0)).mean())


def test_a_chargeback_is_due_for_each_order_line_short() -> None:
    found = priced(Penalties(chargeback=Decimal(35)), rate=12.0, dispersion=2.5)
    assert value_of(found, "chargeback_amount") == pytest.approx(counted(lambda short: 35.0 * short), rel=0.015)


def test_lines_of_several_units_are_fewer() -> None:
    pairs = Term(2.0, "units/line", Basis.MEASURED)
    found = priced(Penalties(chargeback=Decimal(35), units_a_line=pairs), rate=12.0, dispersion=5.0)
    assert value_of(found, "chargeback_amount") == pytest.approx(counted(lambda short: 35.0 * short, lot=2), rel=0.015)
    assert value_of(found, "short_lines") < value_of(found, "oversold_units")


def test_a_chargeback_may_be_a_part_of_the_price_of_the_units_short() -> None:
    found = priced(Penalties(chargeback_share=0.03), rate=12.0, dispersion=2.5)
    assert value_of(found, "chargeback_amount") == pytest.approx(counted(lambda short: 0.03 * 20 * short), rel=0.015)


@pytest.mark.parametrize(("cancelled", "left"), [(5, 1), (4, 2), (2, 4), (0, 6)])
def test_a_cancel_rate_costs_the_chance_that_orders_short_pass_its_limit(cancelled: int, left: int) -> None:
    rate = replace(AMAZON, cancelled=cancelled)
    found = priced(Penalties(cancel_rate=rate), rate=12.0, dispersion=2.5)
    assert rate.left == left
    passed = counted(lambda short: ((cancelled + short) / 200 > 0.025).astype(np.float64))
    assert value_of(found, "cancel_rate_chance") == pytest.approx(passed, rel=0.015)
    assert value_of(found, "cancel_rate_amount") == pytest.approx(900 * passed, rel=0.015)


def test_a_limit_that_the_gap_cannot_reach_costs_nothing() -> None:
    found = priced(Penalties(cancel_rate=replace(AMAZON, lines=4_000)))
    assert value_of(found, "cancel_rate_amount") == 0
    assert "98 more pass it" in found.terms["cancel_limit"].note


def test_a_limit_that_is_passed_already_is_passed_whatever_becomes_of_the_fault() -> None:
    found = priced(Penalties(cancel_rate=replace(AMAZON, cancelled=9)))
    assert "cancel_rate_amount" not in found.terms
    assert "passed already" in found.terms["cancel_limit"].note
    assert found.amount == priced(NO_PENALTIES).amount


def test_customers_let_down_cost_what_their_tier_is_worth() -> None:
    worth = Term(
        16.0, "EUR/line", Basis.MEASURED, "of 50 order lines in 28 days: gold 40% at 40.00, no tier 60% at 0.00"
    )
    found = priced(Penalties(retention=worth), rate=12.0, dispersion=2.5)
    assert value_of(found, "retention_amount") == pytest.approx(counted(lambda short: 16.0 * short), rel=0.015)


def test_the_amount_is_the_sum_of_the_amounts_told() -> None:
    worth = Term(16.0, "EUR/line", Basis.MEASURED, "a tier")
    found = priced(Penalties(Decimal(35), 0.03, worth, AMAZON))
    told = [term.value or 0.0 for name, term in found.terms.items() if name.endswith("_amount")]
    assert len(told) == 5
    assert float(found.amount or 0) == pytest.approx(sum(told), abs=1e-3)


def test_a_share_of_the_price_is_of_the_reporting_currency() -> None:
    ours, theirs = a_fault(Penalties(Decimal(35), 0.03)), a_fault(Penalties(Decimal(35), 0.03))
    theirs = replace(theirs, prices=replace(PRICES, currency="USD"))
    lines = 35 * value_of(exposure_of(ours, EUR), "short_lines")
    of_price = [value_of(found, "chargeback_amount") - lines for found in exposures_of([ours, theirs], EUR)]
    assert of_price[1] == pytest.approx(of_price[0] / 1.25)


def test_what_nobody_has_told_says_so_and_counts_nothing() -> None:
    found = priced(NO_PENALTIES)
    silent = {name for name, term in found.terms.items() if term.basis is Basis.UNKNOWN}
    assert silent == {"chargeback", "retention", "cancel_limit"}
    assert all("counts nothing" in found.terms[name].note for name in silent)
    unpriced = priced(Penalties(cancel_rate=replace(AMAZON, cost=unknown("EUR", "no margin is known: counts nothing"))))
    assert unpriced.terms["cancel_cost"].basis is Basis.UNKNOWN
    assert unpriced.amount == found.amount


def test_where_too_little_is_shown_nothing_is_charged_or_said() -> None:
    hidden = replace(a_fault(Penalties(Decimal(35), 0.03, cancel_rate=AMAZON)), published=4, available=10)
    assert not {"chargeback", "cancel_limit", "chargeback_amount"} & exposure_of(hidden, EUR).terms.keys()
    assert exposure_of(hidden, EUR).amount == exposure_of(replace(hidden, penalties=NO_PENALTIES), EUR).amount


def test_of_many_faults_each_is_charged_as_by_itself() -> None:
    doubt = replace(a_fault(Penalties(Decimal(35))), available=Belief((0, 4, 12), (0.25, 0.5, 0.25)))
    late = replace(a_fault(Penalties(cancel_rate=AMAZON)), fix_spread=Term(0.7, "log h", Basis.ASSUMED, "a guess"))
    faults = [a_fault(NO_PENALTIES), doubt, late, a_fault(Penalties(chargeback_share=0.03))]
    assert [one.amount for one in exposures_of(faults, EUR)] == [
        pytest.approx(exposure_of(fault, EUR).amount, abs=Decimal("0.001")) for fault in faults
    ]


def test_of_one_stock_a_channel_bears_its_part_and_its_own_cancel_rate_whole() -> None:
    alone = priced(Penalties(cancel_rate=replace(AMAZON, part=0.5)))
    assert AMAZON.left == 3
    assert replace(AMAZON, part=0.5).short_lines == 6
    half = part_of(alone, 0.5)
    rate = value_of(alone, "cancel_rate_amount")
    assert value_of(half, "cancel_rate_amount") == rate
    assert float(half.amount or 0) == pytest.approx((float(alone.amount or 0) - rate) / 2 + rate, abs=1e-3)


@pytest.mark.parametrize("wrong", [{"cancelled": 201}, {"limit": 1.5}, {"days": 0}, {"part": 0.0}])
def test_a_cancel_rate_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cancelled|limit|days"):
        replace(AMAZON, **wrong)


@pytest.mark.parametrize("wrong", [{"chargeback": Decimal(-1)}, {"chargeback_share": 1.5}])
def test_a_charge_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="chargeback"):
        replace(NO_PENALTIES, **wrong)
