"""Orders far larger than usual, beside everyday demand."""

import numpy as np
import polars as pl
import pytest

from ml.buffers.big_orders import ENOUGH_ORDERS, BigOrders, big_order, lot_of
from ml.buffers.history import MICROSECONDS_A_DAY, from_movements
from ml.buffers.race import Late, held_back_in_race, stretches
from ml.exposure.distribution import Demand, Floats

SIZES = np.array([2.0] * 18 + [50.0, 150.0])


def test_what_goes_beyond_a_usual_order_is_told_apart() -> None:
    found = big_order(SIZES, days=10)
    assert found is not None
    assert (found.above, found.rate) == (7.0, 0.2)
    assert found.units == pytest.approx(93.0)
    assert lot_of(SIZES) < 7.0 < float((SIZES**2).sum() / SIZES.sum())


def test_orders_of_one_size_or_too_few_have_no_big_ones_among_them() -> None:
    assert big_order(np.full(100, 3.0), days=10) is None
    assert big_order(SIZES[-ENOUGH_ORDERS + 1 :], days=10) is None


def test_everyday_demand_and_big_orders_add_up_to_all_that_was_asked() -> None:
    at = np.arange(len(SIZES)) * MICROSECONDS_A_DAY // 4
    frame = pl.DataFrame({"item": "A", "pool": "others", "at": at, "units": SIZES.astype(np.int64)})
    own = pl.DataFrame({"item": ["A"], "pool": ["own"], "at": [0], "units": [1]})
    found = from_movements(pl.concat([frame, own]), 4, 5)
    assert found.others.sum() == SIZES.sum()
    assert found.everyday.sum() + found.big.units[0] * found.big.rate[0] * 5 == pytest.approx(SIZES.sum())


def demand(rate: float) -> Demand:
    return Demand.of([rate], [1.0])


def held(big: BigOrders | None, alpha: float) -> float:
    def asked(share: Floats, level: Floats) -> Demand:
        return Demand.of(4.0 * share * level, np.ones(1))

    def comes(share: Floats, everyday: Demand) -> tuple[Floats, Demand]:
        assert big is not None
        return big.come(share), big.with_one(everyday)

    nothing = np.zeros(1)
    found = stretches(asked, asked, Late(nothing, nothing + 1), nothing, None if big is None else comes)
    usual, stock = np.array([4.0]), np.array([6.0])
    return float(held_back_in_race(found, demand(4.0), usual, stock, np.array([alpha]), np.array([0]))[0])


def test_a_rare_big_order_matters_only_to_who_accepts_less_than_its_chance() -> None:
    rare = BigOrders(np.array([0.05]), np.array([30.0]), np.array([1.0]))
    assert held(rare, 0.3) <= held(None, 0.3) + 1
    assert held(rare, 0.01) == 6.0 > held(None, 0.01)


def test_the_chance_of_a_big_order_grows_with_the_span_and_stays_a_chance() -> None:
    chances = BigOrders(np.full(3, 0.2), np.full(3, 9.0), np.ones(3)).come(np.array([0.0, 1.0, 100.0]))
    assert chances[0] == 0
    assert chances[1] == pytest.approx(1 - np.exp(-0.2))
    assert chances[2] <= 1
