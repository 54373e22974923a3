"""What a fault costs until it is fixed, with every figure behind it."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.exposure.belief import Belief, around, between, certain
from ml.exposure.penalties import Penalties
from ml.exposure.rates import Rates
from ml.exposure.situation import NO_DEMAND_KNOWN, ChannelDemand, Situation, UnitPrices
from ml.exposure.terms import Basis, Term, as_json
from ml.exposure.time_to_fix import DEFAULT_HOURS, lasting, spread_of_fix, time_to_fix
from ml.exposure.time_to_harm import hours_until_harm
from ml.exposure.value import Exposure, exposure_of, exposures_of, part_of

EUR = Rates("EUR", {"USD": Decimal("1.25")})
PRICES = UnitPrices(Decimal(20), Decimal(12), "EUR", Decimal(5), 0.25)
A_DAY = Term(24.0, "h", Basis.MEASURED)


def demand_of(rate: float, dispersion: float = 2.0) -> ChannelDemand:
    return ChannelDemand(Term(rate, "units/day", Basis.MEASURED), Term(dispersion, "variance/mean", Basis.POOLED))


def a_fault(published: int | None = 10, available: int | Belief | None = 4, rate: float = 8.0) -> Situation:
    return Situation(published, available, demand_of(rate), A_DAY, PRICES)


def value_of(exposure: Exposure, name: str) -> float:
    value = exposure.terms[name].value
    assert value is not None
    return value


def test_units_oversold_cost_their_margin_and_the_penalty() -> None:
    found = exposure_of(a_fault(published=10, available=4), EUR)
    assert value_of(found, "lost_units") == 0
    assert float(found.amount or 0) == pytest.approx(value_of(found, "oversold_units") * (8 + 5), abs=1e-4)


def test_units_not_shown_cost_the_margin_of_the_buyers_who_do_not_come_back() -> None:
    found = exposure_of(a_fault(published=4, available=10), EUR)
    assert value_of(found, "oversold_units") == 0
    assert float(found.amount or 0) == pytest.approx(value_of(found, "lost_units") * 8 * 0.75, abs=1e-4)


def test_what_is_shown_right_costs_nothing_and_harms_nobody() -> None:
    found = exposure_of(a_fault(published=6, available=6), EUR)
    assert found.amount == 0
    assert found.time_to_harm_h is None


def test_an_amount_is_reported_in_one_currency() -> None:
    ours = exposure_of(a_fault(), EUR)
    theirs = exposure_of(replace(a_fault(), prices=replace(PRICES, currency="USD")), EUR)
    assert theirs.currency == "EUR"
    assert float(theirs.amount or 0) == pytest.approx(float(ours.amount or 0) / 1.25, abs=1e-4)


@pytest.mark.parametrize(
    ("situation", "missing"),
    [
        (a_fault(published=None), "published"),
        (a_fault(available=None), "available"),
        (replace(a_fault(), demand=NO_DEMAND_KNOWN), "demand_rate"),
        (replace(a_fault(), prices=replace(PRICES, price=None)), "unit_margin"),
        (replace(a_fault(), prices=replace(PRICES, currency="JPY")), "exchange_rate"),
    ],
)
def test_without_a_figure_it_needs_an_amount_is_unknown_and_says_which(situation: Situation, missing: str) -> None:
    found = exposure_of(situation, EUR)
    assert found.amount is None
    assert found.terms[missing].basis is Basis.UNKNOWN
    assert found.terms[missing].note
    assert missing in found.terms["oversell_amount"].note


def test_units_are_told_even_where_the_money_is_unknown() -> None:
    found = exposure_of(replace(a_fault(), prices=UnitPrices()), EUR)
    assert value_of(found, "oversold_units") > 0


def test_what_was_assumed_for_missing_money_is_said() -> None:
    found = exposure_of(replace(a_fault(), prices=UnitPrices(price=Decimal(10))), EUR)
    assumed = {name for name, term in found.terms.items() if term.basis is Basis.ASSUMED}
    assert assumed == {"unit_margin", "oversell_penalty", "recapture", "exchange_rate"}
    assert all(found.terms[name].note for name in assumed)
    assert found.amount is not None


def test_stock_in_doubt_is_priced_as_the_mean_over_what_it_may_be() -> None:
    doubt = Belief((0, 4, 12), (0.25, 0.5, 0.25))
    each = [exposure_of(a_fault(available=units), EUR).amount or Decimal(0) for units in doubt.units]
    mean = sum(float(amount) * chance for amount, chance in zip(each, doubt.chances, strict=True))
    found = exposure_of(a_fault(available=doubt), EUR)
    assert float(found.amount or 0) == pytest.approx(mean, abs=1e-3)
    assert "4 (50%)" in found.terms["available"].note


def test_many_faults_are_priced_as_each_alone() -> None:
    faults = [
        a_fault(),
        a_fault(published=None),
        a_fault(3, around(9, 2.0)),
        replace(a_fault(), penalties=Penalties(Decimal(9), 0.03)),
    ]
    together = exposures_of(faults, EUR)
    assert [found.amount for found in together] == [exposure_of(fault, EUR).amount for fault in faults]
    assert exposures_of([], EUR) == []


QUANTITIES = st.one_of(st.none(), st.integers(-50, 10**12))
AMOUNTS = st.one_of(st.none(), st.decimals(0, 10**6, places=4))


@settings(max_examples=150)
@given(
    published=QUANTITIES,
    available=st.one_of(QUANTITIES, st.builds(around, st.integers(-5, 1000), st.floats(0, 50))),
    rate=st.floats(0, 1e6),
    dispersion=st.floats(1, 12),
    hours=st.floats(0, 24 * 365),
    prices=st.builds(UnitPrices, AMOUNTS, AMOUNTS, st.sampled_from([None, "EUR", "USD", "XXX"]), AMOUNTS, st.just(0.1)),
)
def test_every_admissible_fault_has_an_amount_or_says_what_is_unknown(
    published: int | None,
    available: int | Belief | None,
    rate: float,
    dispersion: float,
    hours: float,
    prices: UnitPrices,
) -> None:
    fixed_in, charges = Term(hours, "h", Basis.GIVEN), Penalties(Decimal(7), 0.03)
    situation = Situation(published, available, demand_of(rate, dispersion), fixed_in, prices, charges)
    found = exposure_of(situation, EUR)
    unknown = {name for name, term in found.terms.items() if term.basis is Basis.UNKNOWN}
    assert (found.amount is None) == bool(unknown - {"retention", "cancel_limit"})
    assert found.amount is None or found.amount >= 0
    assert all(shown["value"] is None or float(shown["value"]) >= -50 for shown in as_json(found.terms).values())


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 50), st.floats(0, 50))
def test_longer_until_fixed_never_costs_less(published: int, available: int, days: float, more: float) -> None:
    def after(hours: float) -> float:
        fault = replace(a_fault(published, available), time_to_fix=Term(hours, "h", Basis.GIVEN))
        return float(exposure_of(fault, EUR).amount or 0)

    assert after((days + more + 1) * 24) >= after((days + 1) * 24) - 1e-3


def test_harm_begins_when_what_is_left_runs_out_or_at_the_cut_off() -> None:
    hours = hours_until_harm([10, 4, 6, 10, 10], [4, 10, 6, 0, 4], [8, 8, 8, 8, 0])
    assert hours.tolist() == [12, 12, float("inf"), 0, float("inf")]
    assert hours_until_harm(10, 4, 8, cut_off_h=2).tolist() == [2]


def test_a_cause_has_its_own_time_to_fix_once_enough_cases_were_closed() -> None:
    history = lasting([("timeout", hours) for hours in (1.0, 2.0, 9.0, 3.0, 2.5)] + [("duplicate", 5.0)])
    assert time_to_fix("timeout", history) == Term(2.5, "h", Basis.MEASURED, "median of 5 closed cases of timeout")
    early = time_to_fix("duplicate", history)
    assert (early.value, early.basis) == (DEFAULT_HOURS["duplicate"], Basis.ASSUMED)


def test_a_record_error_spreads_a_figure_evenly_and_no_error_leaves_it_certain() -> None:
    spread = around(10, 3.0)
    assert spread.mean == pytest.approx(10)
    assert (spread.units[0], spread.units[-1]) == (4, 16)
    assert around(10, 0.0) == certain(10)


def test_systems_that_disagree_are_believed_as_far_as_they_are_trusted() -> None:
    assert between({"erp": (5, 1.0), "wms": (8, 3.0), "shop": (8, 0.0)}) == Belief((5, 8), (0.25, 0.75))


@pytest.mark.parametrize("wrong", [((), ()), ((2, 1), (0.5, 0.5)), ((1, 2), (0.5, 0.6))])
def test_what_is_no_distribution_is_no_belief(wrong: tuple[tuple[int, ...], tuple[float, ...]]) -> None:
    with pytest.raises(ValueError, match=r"belief|chances|figures"):
        Belief(*wrong)


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="JPY"):
        Rates("EUR", {"JPY": Decimal(0)})


def test_harm_beyond_the_usual_time_to_fix_counts_by_the_chance_that_it_takes_so_long() -> None:
    fault = a_fault(published=30, available=500, rate=10.0)  # sold out in three days, usually fixed after one
    spread = 0.7
    found = exposure_of(replace(fault, fix_spread=Term(spread, "log h", Basis.ASSUMED, "a guess")), EUR)
    chance = np.random.default_rng(3)
    days = np.exp(spread * chance.standard_normal(400_000))
    asked = chance.poisson(chance.gamma(10.0 * days, 1.0))  # dispersion 2
    assert value_of(exposure_of(fault, EUR), "lost_units") < 0.01
    assert value_of(found, "lost_units") == pytest.approx((np.minimum(asked, 500) - 30).clip(0).mean(), rel=0.35)


def test_a_channel_bears_its_part_of_what_all_lose_that_sell_one_stock() -> None:
    whole = exposure_of(a_fault(published=4, available=10), EUR)
    part = part_of(whole, 0.25)
    assert float(part.amount or 0) == pytest.approx(float(whole.amount or 0) / 4, abs=1e-3)
    assert value_of(part, "lost_units") == pytest.approx(value_of(whole, "lost_units") / 4)
    assert part_of(whole, 1.0) is whole


def test_times_to_fix_that_lie_apart_are_told_so_once_enough_cases_were_closed() -> None:
    alike = lasting([("timeout", 2.0)] * 9)
    apart = lasting([("timeout", hours) for hours in (1.0, 2.0, 4.0, 8.0, 16.0)])
    spreads = [spread_of_fix("timeout", history).value or 0.0 for history in (alike, apart)]
    assert spreads[0] < spreads[1]
    assert spread_of_fix("other", apart).basis is Basis.ASSUMED
