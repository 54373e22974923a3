"""What a listing that takes no updates may sell: its share of what is there, and of what comes in meanwhile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.triage.frozen import NO_ARRIVALS, Arrivals, sellable


def test_a_channel_that_alone_sells_may_sell_all_that_is_there() -> None:
    belief = sellable(20, 1.0, NO_ARRIVALS, 24.0)
    assert (belief.units, belief.certain) == ((20,), True)


def test_of_stock_that_others_sell_too_a_listing_gets_its_share_of_the_demand() -> None:
    assert sellable(20, 0.3, NO_ARRIVALS, 24.0).units == (6,)


def test_the_longer_it_takes_the_surer_goods_come_in_that_the_listing_does_not_show() -> None:
    soon, late = (sellable(0, 1.0, Arrivals(0.5, 40.0), hours) for hours in (6.0, 96.0))
    assert soon.units == late.units == (0, 40)
    assert soon.chances[1] < late.chances[1]


def test_the_chance_of_the_larger_figure_is_the_part_of_the_time_after_the_first_arrival() -> None:
    first = np.random.default_rng(5).exponential(1 / 0.5, 200_000)  # days until goods come in
    after = np.maximum(2.0 - first, 0.0).mean() / 2.0
    assert sellable(0, 1.0, Arrivals(0.5, 40.0), 48.0).chances[1] == pytest.approx(after, abs=0.005)


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1e4), st.floats(0, 1e6), st.floats(0, 1e5))
def test_it_never_sells_more_than_there_is_and_comes(
    available: int, share: float, per_day: float, units: float, hours: float
) -> None:
    belief = sellable(available, share, Arrivals(per_day, units), hours)
    assert all(0 <= figure <= available + units for figure in belief.units)
