"""Replaying past demand with another way to hold back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

from ml.buffers.backtest import Outcome, backtest
from ml.buffers.big_orders import BigOrders
from ml.buffers.estimates import learn
from ml.buffers.frontier import frontier, frontier_by_item
from ml.buffers.history import MICROSECONDS_A_DAY, DemandHistory, World, from_movements
from ml.buffers.mistakes import held_back
from ml.buffers.policies import FixedUnits, Moments, Quantile, Race
from ml.buffers.race import Late, Until, believed, held_back_in_race, stretches
from ml.buffers.receipts import Orders
from ml.buffers.shocks import shared_variance
from ml.exposure.distribution import Demand, Floats

STEPS = 24
NO_RECEIPTS = np.zeros((4, 9))


def history(items: int = 8, days: int = 40, others: float = 12.0, seed: int = 0) -> DemandHistory:
    chance = np.random.default_rng(seed)
    shape = (items, days * STEPS)
    ones = np.ones(items)
    own, rest = (
        chance.poisson(8.0 / STEPS, shape),
        chance.poisson(others / STEPS, shape),
    )
    return DemandHistory(
        [str(item) for item in range(items)],
        own,
        rest,
        STEPS,
        ones,
        ones,
        rest,
        ones,
        BigOrders.none(items),
    )


def world(items: int = 8, hours: float = 8.0) -> World:
    return World(refresh_h=np.full(items, hours), seed=3)


def test_holding_back_more_oversells_less_and_withholds_more() -> None:
    found = backtest(history(), world(), 20, [FixedUnits((0.0, 5.0, 40.0))])[0]
    oversold, withheld = found.oversold.sum(axis=1), found.withheld.sum(axis=1)
    assert oversold[0] > oversold[1] > oversold[2]
    assert withheld[0] < withheld[1] < withheld[2]


def test_without_other_demand_and_with_a_fresh_channel_nothing_is_oversold() -> None:
    found = backtest(history(others=0.0), world(), 20, [FixedUnits((0.0,))])[0]
    assert found.oversold.sum() == 0
    assert found.withheld.sum() <= found.lost.sum() <= found.asked.sum()


def test_every_way_faces_the_same_demand() -> None:
    outcomes = backtest(history(), world(), 20)
    assert len({outcome.way for outcome in outcomes}) == 5
    for outcome in outcomes:
        assert outcome.asked.tolist() == history().own[:, 20 * STEPS :].sum(axis=1).tolist()
        assert (outcome.oversold + outcome.lost <= outcome.asked + 1e-9).all()


def test_what_a_day_knew_does_not_change_with_what_came_after_it() -> None:
    path = history().others
    changed = path.copy()
    changed[:, 30 * STEPS :] *= 50
    whole, other = (learn(one, np.ones(8), STEPS, 20) for one in (path, changed))
    for column in ("rate", "spread", "sigma", "shape", "week"):
        assert (getattr(whole, column)[:11] == getattr(other, column)[:11]).all()
    assert (whole.rate[11:] != other.rate[11:]).all()


def test_the_demand_of_a_window_follows_the_hours_it_covers() -> None:
    night = np.tile([0] * 12 + [1] * 12, 30)[None, :].astype(np.int64)
    known = learn(night, np.ones(1), STEPS, 20)
    day, zero = np.array([25] * 3), np.array([0] * 3)
    found = known.over(day, np.array([0, 12, 6]), np.array([12, 12, 48]), zero)
    assert found.mean.tolist() == pytest.approx([0.0, 12.0, 24.0], abs=1e-3)


def test_a_quantile_is_taken_for_each_item_and_setting() -> None:
    known = learn(history().others, np.ones(8), STEPS, 20)
    rows = np.array([1, 4])
    moments = Moments(
        np.array([25, 30]), np.array([3, 9]), rows, np.array([8, 8]), np.full((2, 2), 99.0), NO_RECEIPTS[:2]
    )
    held = Quantile(known, (0.3, 0.01)).held(moments)
    assert held.shape == (2, 2)
    assert (held[1] > held[0]).all()


def even(mean: float, dispersion: float) -> Until:
    """Demand of ``mean`` units in a regular window, evenly spread over it."""
    return lambda share, level: Demand.of(mean * share * level, np.full(len(share), dispersion))


def in_race(
    stock: list[float], alpha: float, late: float = 0.0, shared: float = 0.0, usual: float = 9.0
) -> list[float]:
    """What is held back of each stock where the channel sells 12 and the others 9 in a regular window."""
    n = len(stock)
    found = stretches(even(12.0, 2.0), even(9.0, 2.0), Late(np.full(n, late), np.full(n, 6.0)), np.full(n, shared))
    regular = Demand.of(np.full(n, 9.0), np.full(n, 2.0))
    held = held_back_in_race(found, regular, np.full(n, usual), np.array(stock), np.full(n, alpha), np.arange(n))
    told: list[float] = held.tolist()
    return told


def test_the_sooner_the_channel_sells_out_the_less_the_others_took_before_and_the_less_is_held_back() -> None:
    little, enough = in_race([12.0, 30.0], 0.05)
    assert 0 < little < enough


def test_stock_out_of_reach_gets_the_plain_quantile_and_so_does_unknown_stock() -> None:
    plain = held_back(Demand.of([9.0], [2.0]), 0.05)[0]
    assert in_race([1e6, float("nan")], 0.05) == [plain, plain]


def test_the_further_beyond_usual_demand_the_less_a_chance_is_believed_and_the_less_is_held_back() -> None:
    share = believed(np.array([1.0, 9.0, 36.0, 144.0]), np.full(4, 9.0))
    assert share.tolist() == [1.0, 1.0, 0.5, 0.25]
    stock = [12.0, 20.0, 30.0]
    usual, rare = in_race(stock, 0.05), in_race(stock, 0.05, usual=1.0)
    assert 0 < sum(rare) < sum(usual)
    assert all(less <= more for less, more in zip(rare, usual, strict=True))


@dataclass(frozen=True)
class Listening:
    """Holds back nothing and keeps on which day of the replay a channel was put right, and which receipts were told."""

    heard: list[tuple[int, float, float]]
    settings: Sequence[float] = (0.0,)
    name: str = "listening"

    def held(self, moments: Moments) -> Floats:
        told = moments.receipts[:, 1], moments.receipts[:, 2]
        self.heard.extend(zip((moments.days - 20).tolist(), *(chance.tolist() for chance in told), strict=True))
        return np.zeros_like(moments.stock)


def test_a_channel_put_right_the_day_before_it_is_asked_knows_the_receipts_of_that_day_and_no_later_ones() -> None:
    demand = history(days=40)
    mornings = np.zeros_like(demand.own)
    mornings[:, 6::STEPS] = 1
    way = Listening([])
    backtest(replace(demand, own=mornings), World(np.full(8, 16.0), late_orders=0.0, late_share=0.0), 20, [way])
    refreshed_on_review = [told for told in way.heard if told[0] > 0 and told[0] % 3 == 0]
    assert len(refreshed_on_review) > 8
    assert {(tomorrow, then) for _, tomorrow, then in refreshed_on_review} == {(0.0, 1.0)}


def test_late_refreshes_and_shared_shocks_hold_back_more_the_more_is_in_stock() -> None:
    stock = [20.0, 40.0, 60.0]
    for disturbed in (in_race(stock, 0.05, late=0.03), in_race(stock, 0.05, shared=0.2)):
        assert all(more >= calm for more, calm in zip(disturbed, in_race(stock, 0.05), strict=True))
        assert disturbed[0] < disturbed[1] <= disturbed[2]


def test_a_shock_is_shared_only_where_both_pools_have_their_good_days_together() -> None:
    chance = np.random.default_rng(5)
    mean, spread = np.full((200, 30), 20.0), np.full((200, 30), 5.0)
    shock = chance.gamma(5.0, 1 / 5.0, (200, 1))
    together = [chance.poisson(mean * shock).astype(float) for _ in range(2)]
    apart = [chance.poisson(mean).astype(float) for _ in range(2)]
    assert shared_variance(together[0], together[1], mean, mean, spread, spread)[-1] == pytest.approx(0.2, abs=0.1)
    assert shared_variance(apart[0], apart[1], mean, mean, spread, spread)[-1] < 0.01


def test_a_weekday_on_which_nobody_buys_asks_for_nothing() -> None:
    week = np.array([10, 10, 10, 10, 10, 10, 0])
    path = np.repeat(np.tile(week, 8)[None, :], STEPS, axis=0).T.reshape(1, -1).astype(np.int64)
    known = learn(path, np.ones(1), STEPS, 42)
    of_week = [
        known.over(np.array([42 + day]), np.array([0]), np.array([STEPS]), np.array([0])).mean[0] for day in range(7)
    ]
    assert of_week[6] < 0.5 * of_week[0]


def test_a_frontier_keeps_the_settings_none_other_beats_and_reads_between_them() -> None:
    asked = np.array([100.0])
    oversold, lost = (np.array([[4.0], [2.0], [3.0], [1.0]]), np.array([[1.0], [3.0], [5.0], [7.0]]))
    found = frontier(Outcome("way", (1, 2, 3, 4), oversold, lost, lost, asked))
    assert found.oversell.tolist() == [0.01, 0.02, 0.04]
    assert found.lost_at(0.015) == pytest.approx(0.05)
    assert found.lost_at(0.9) == pytest.approx(0.01)
    assert found.lost_at(0.001) is None


def test_a_setting_for_each_item_in_hindsight_is_never_worse_than_one_for_all() -> None:
    outcome = backtest(history(), world(), 20, [FixedUnits((0.0, 2.0, 5.0, 10.0, 20.0))])[0]
    for target in (0.005, 0.02):
        one, each = frontier(outcome).lost_at(target), frontier_by_item(outcome).lost_at(target)
        assert one is None or (each is not None and each <= one + 1e-3)


def test_without_a_driver_our_rule_holds_back_less() -> None:
    demand = history(items=4, days=20)
    others = learn(demand.others, np.full(4, 6.0), STEPS, 14)
    race = Race(
        learn(demand.own, np.full(4, 6.0), STEPS, 14), replace(others, spread=8 * others.spread), demand.big,
        np.full(6, 0.1), 0.2, 6.0, (0.1, 0.02),
    )  # fmt: skip
    days, rows = np.full(4, 15), np.arange(4)
    moments = Moments(days, np.full(4, 10), rows, np.full(4, 20), np.full((2, 4), 12.0), NO_RECEIPTS)
    held = race.held(moments).sum()
    assert 0 < race.without_volatility().held(moments).sum() < held
    assert 0 < race.without_latency().held(moments).sum() < held


def test_without_volatility_the_replayed_rule_expects_as_many_units() -> None:
    demand, ones = history(items=4, days=20), np.ones(4)
    own, others = (learn(pool, ones, STEPS, 14) for pool in (demand.own, demand.others))
    more = replace(others, rate=others.rate + 24)
    plain = Race(own, more, BigOrders.none(4), np.zeros(6), 0.2, 6.0, (0.1, 0.02)).without_volatility()
    bulk = Race(own, others, BigOrders(2 * ones, 12 * ones, ones), np.full(6, 0.1), 0.2, 6.0, (0.1, 0.02))
    moments = Moments(np.full(4, 15), np.full(4, 10), np.arange(4), np.full(4, 20), np.full((2, 4), 100.0), NO_RECEIPTS)
    assert (bulk.without_volatility().held(moments) == plain.held(moments)).all()


def test_what_comes_before_the_channel_is_put_right_is_not_held_back_for() -> None:
    demand, ones = history(items=4, days=20), np.ones(4)
    race = Race(
        learn(demand.own, ones, STEPS, 14), learn(demand.others, ones, STEPS, 14), demand.big, np.zeros(6), 0.2, 6.0,
        (0.1, 0.02),
    )  # fmt: skip
    tomorrow = np.tile((np.arange(9) > 0) * 0.9, (4, 1))
    none = Moments(np.full(4, 15), np.full(4, 10), np.arange(4), np.full(4, 20), np.full((2, 4), 12.0), NO_RECEIPTS)
    held = race.held(replace(none, receipts=tomorrow))
    assert 0 < held.sum() < race.held(none).sum()
    assert (race.without_supplier().held(replace(none, receipts=tomorrow)) == race.held(none)).all()


def test_an_open_order_comes_as_those_did_that_were_as_old() -> None:
    orders = Orders(np.zeros((40, 2), dtype=bool), promised_days=2)
    for day in range(0, 20, 2):
        orders.place(day, np.array([True, False]))
        orders.receive(day, day + (5 if day == 10 else 2), np.array([0]))
    orders.place(30, np.array([True, False]))
    assert orders.chances(30)[:, [0, 1, 2, 5]] == pytest.approx(np.array([[0, 0, 14 / 15, 1], [0, 0, 0, 0]]))
    assert orders.chances(33)[0, [0, 1, 2]].tolist() == [0, 0, 1]
    assert orders.chances(36)[0].max() == 0


def test_movements_become_demand_by_step_and_the_size_of_an_order() -> None:
    rows = [("A", "own", 0, 2), ("A", "own", 13, 4), ("A", "others", 30, 6), ("A", "others", 31, -3)]
    hour = MICROSECONDS_A_DAY // 24
    frame = pl.DataFrame(
        {
            "item": [row[0] for row in rows],
            "pool": [row[1] for row in rows],
            "at": [row[2] * hour + 5 for row in rows],
            "units": [row[3] for row in rows],
        }
    )
    found = from_movements(frame, STEPS, 2)
    assert found.days == 2
    assert found.own[0].nonzero()[0].tolist() == [0, 13]
    assert found.others[0, 30] == 6
    assert found.own_lot[0] == pytest.approx(20 / 6)


def test_a_history_too_short_to_learn_from_is_refused() -> None:
    with pytest.raises(ValueError, match="none is left"):
        backtest(history(days=10), world(), 10)


def test_an_item_without_a_refresh_is_refused() -> None:
    with pytest.raises(ValueError, match="refresh"):
        backtest(history(), world(hours=0.0), 20)
