"""Units lost in closed form: what must hold of them whatever the demand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.exposure.distribution import Demand, NotADemand, at_least, quantile
from ml.exposure.loss import expected_excess, lost_units, oversold_units

MEANS = st.one_of(st.just(0.0), st.floats(1e-6, 1e5))
DISPERSIONS = st.one_of(st.just(1.0), st.floats(1.0, 12.0))
UNITS = st.integers(0, 10_000)
NEAR = 1e-7


def one(mean: float, dispersion: float) -> Demand:
    return Demand.of([mean], [dispersion])


def excess(units: float, demand: Demand) -> float:
    return float(expected_excess(units, demand)[0])


@given(MEANS, DISPERSIONS)
def test_with_no_units_all_of_the_demand_is_beyond(mean: float, dispersion: float) -> None:
    assert excess(0, one(mean, dispersion)) == pytest.approx(mean)


@given(MEANS, DISPERSIONS, UNITS, st.integers(1, 100))
def test_more_units_never_leave_more_demand_beyond_them(mean: float, dispersion: float, units: int, more: int) -> None:
    demand = one(mean, dispersion)
    assert excess(units + more, demand) <= excess(units, demand) + NEAR * (1 + mean)


@given(MEANS, DISPERSIONS, UNITS)
def test_one_unit_more_saves_the_chance_that_it_is_asked_for(mean: float, dispersion: float, units: int) -> None:
    demand = one(mean, dispersion)
    saved = excess(units, demand) - excess(units + 1, demand)
    assert saved == pytest.approx(float(at_least(units + 1, demand)[0]), abs=NEAR * (1 + mean))


@given(st.floats(1e-3, 1e4), DISPERSIONS, UNITS, st.floats(1.0, 2.0))
def test_burstier_demand_of_the_same_mean_goes_beyond_the_units_at_least_as_far(
    mean: float, dispersion: float, units: int, factor: float
) -> None:
    calm, bursty = one(mean, dispersion), one(mean, dispersion * factor)
    assert excess(units, bursty) >= excess(units, calm) - NEAR * (1 + mean)


@given(MEANS, DISPERSIONS, UNITS, UNITS)
def test_a_fault_oversells_or_loses_sales_but_never_both(
    mean: float, dispersion: float, published: int, available: int
) -> None:
    demand = one(mean, dispersion)
    oversold = float(oversold_units(published, available, demand)[0])
    lost = float(lost_units(published, available, demand)[0])
    assert min(oversold, lost) == 0
    assert 0 <= oversold <= min(mean, max(published - available, 0)) + NEAR * (1 + mean)
    assert 0 <= lost <= min(mean, max(available - published, 0)) + NEAR * (1 + mean)


@given(MEANS, DISPERSIONS, UNITS, UNITS, st.integers(0, 100))
def test_showing_more_never_oversells_less(
    mean: float, dispersion: float, published: int, available: int, more: int
) -> None:
    demand = one(mean, dispersion)
    before, after = (oversold_units(shown, available, demand)[0] for shown in (published, published + more))
    assert after >= before - NEAR * (1 + mean)


@given(MEANS, DISPERSIONS, st.integers(0, 500), st.integers(1, 500))
def test_units_short_already_are_not_oversold_again(mean: float, dispersion: float, published: int, short: int) -> None:
    demand = one(mean, dispersion)
    assert oversold_units(published, -short, demand) == oversold_units(published, 0, demand)


@settings(max_examples=300)
@given(
    st.one_of(st.just(0.0), st.floats(0.0, 1e15)),
    st.one_of(st.just(1.0), st.floats(1.0, 1e6), st.floats(1.0, 1.001)),
    st.integers(-(10**15), 10**15),
    st.integers(-(10**15), 10**15),
)
def test_every_admissible_demand_and_stock_has_finite_units(mean: float, dispersion: float, a: int, b: int) -> None:
    demand = one(mean, dispersion)
    figures = [*expected_excess(a, demand), *at_least(a, demand), *oversold_units(a, b, demand)]
    figures += [*lost_units(a, b, demand), *quantile(0.995, demand)]
    assert np.isfinite(figures).all()
    assert min(figures) >= 0


@pytest.mark.parametrize(("mean", "dispersion"), [(-1, 1), (float("nan"), 1), (1, 0.5), (1, float("inf")), (1e300, 1)])
def test_what_describes_no_demand_is_refused_with_the_rule_it_breaks(mean: float, dispersion: float) -> None:
    with pytest.raises(NotADemand) as refused:
        Demand.of([1.0, mean], [1.0, dispersion])
    assert refused.value.count == 1


@given(MEANS, DISPERSIONS, st.floats(0.0, 0.9999))
def test_a_quantile_is_the_fewest_units_that_cover_the_chance(mean: float, dispersion: float, chance: float) -> None:
    demand = one(mean, dispersion)
    units = float(quantile(chance, demand)[0])
    assert at_least(units + 1, demand)[0] <= 1 - chance
    assert units == 0 or at_least(units, demand)[0] > 1 - chance


def test_a_demand_cannot_be_covered_for_certain() -> None:
    with pytest.raises(ValueError, match="chance"):
        quantile(1.0, one(3.0, 1.0))


@pytest.mark.parametrize("dispersion", [1.0, 1.3, 2.0, 5.0, 12.0])
@pytest.mark.parametrize("mean", [0.3, 2.0, 9.0, 60.0])
def test_the_closed_form_agrees_with_summing_over_every_demand(mean: float, dispersion: float) -> None:
    """An index that is off by one in the negative binomial part fails here at once."""
    demand = one(mean, dispersion)
    asked = np.arange(0, 4_000)
    tails = at_least(asked, Demand.of(np.full(len(asked), mean), dispersion))
    chance = tails - np.append(tails[1:], 0.0)
    for units in (0, 1, 2, 3, 7, 20, 80):
        summed = float(chance @ np.maximum(asked - units, 0))
        assert excess(units, demand) == pytest.approx(summed, rel=1e-6, abs=1e-9)


def test_the_closed_forms_agree_with_counting_random_demands() -> None:
    """Draws of the mixture itself, a Poisson with gamma rate: neither our tails nor anybody's are involved."""
    chance = np.random.default_rng(7)
    draws, beyond = 60_000, 0
    cases = 60
    for _ in range(cases):
        mean, dispersion = float(np.exp(chance.normal(1.5, 1.0))), float(chance.uniform(1.1, 12))
        published, available = (int(units) for units in chance.gamma(1.0, 1.5, 2) * mean)
        demand = one(mean, dispersion)
        asked = chance.poisson(chance.gamma(mean / (dispersion - 1), dispersion - 1, draws))
        oversold = np.maximum(np.minimum(asked, published) - available, 0)
        lost = np.maximum(np.minimum(asked, available) - published, 0)
        for counted, exact in (
            (oversold, oversold_units(published, available, demand)[0]),
            (lost, lost_units(published, available, demand)[0]),
        ):
            beyond += abs(counted.mean() - exact) > 4 * counted.std() / np.sqrt(draws) + 1e-3
    assert beyond <= 1
