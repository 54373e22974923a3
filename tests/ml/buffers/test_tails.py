"""Chances unit by unit against the distributions as scipy has them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from ml.buffers.tails import Tail, exactly
from ml.exposure.distribution import Demand, at_least

MEANS = st.floats(0, 2_000)
DISPERSIONS = st.one_of(st.just(1.0), st.floats(1.001, 500))
LEAST_HELD = 1e-290
"""Chances below this are not held to full precision by a float64; no walk of ours begins at one."""

STEP_ERROR = 1e-8
"""What float64 leaves of a chance by logarithms of gamma functions that come to 10^7 in a dispersion close to 1."""


def chance_of(units: float, mean: float, dispersion: float) -> float:
    if mean < 1e-300:
        return float(units == 0)
    if dispersion == 1:
        return float(stats.poisson.pmf(units, mean))
    return float(stats.nbinom.pmf(units, mean / (dispersion - 1), 1 / dispersion))


@example(5e-324, 2.0, 0)
@given(MEANS, DISPERSIONS, st.integers(0, 3_000))
def test_the_chance_of_exactly_so_many_is_the_distributions(mean: float, dispersion: float, units: int) -> None:
    found = exactly(np.array([float(units)]), Demand.of([mean], [dispersion]))[0]
    assert found == pytest.approx(chance_of(units, mean, dispersion), rel=1e-8, abs=1e-15)


@given(MEANS, DISPERSIONS, st.integers(1, 2_000), st.integers(1, 256))
def test_walking_up_or_down_tells_what_asking_for_every_unit_would(
    mean: float, dispersion: float, start: int, steps: int
) -> None:
    demand, low = Demand.of([mean], [dispersion]), np.array([float(start)])
    rising, falling = Tail.rising(low, demand), Tail.falling(low + steps, demand)
    for _ in range(steps):
        rising.rise(1)
        falling.fall(1)
    assert rising.beyond == pytest.approx(at_least(low + steps, demand), abs=STEP_ERROR)
    if exactly(low + steps - 1, demand)[0] > LEAST_HELD:
        assert falling.beyond == pytest.approx(at_least(low, demand), abs=STEP_ERROR)


def test_rows_that_are_done_stand_still() -> None:
    demand = Demand.of([5.0, 5.0], [2.0, 2.0])
    walk = Tail.rising(np.array([1.0, 1.0]), demand)
    walk.rise(1)
    assert walk.beyond.tolist() == pytest.approx([at_least(2, demand)[0], at_least(1, demand)[0]])
