"""What each way to hold back would have done on past demand: oversells against lost sales, walking forward.

One stock, one channel that shows it as of its last refresh, all others drawing on it directly. Within a step the
others are served first. What the channel sells that is not there is oversold; what it is asked for and does not show
is lost, of which part stood in stock and was withheld. The stock of every setting of every knob runs its own course
under the same rule of replenishment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.buffers.estimates import Known, learn
from ml.buffers.history import DemandHistory, Units, World
from ml.buffers.policies import FixedUnits, Moments, Quantile, Race, SafetyStock, ShareOfStock, Way
from ml.buffers.receipts import AHEAD, Orders
from ml.buffers.shocks import shared_variance
from ml.exposure.distribution import Floats

ALPHAS = (0.98, 0.9, 0.75, 0.6, 0.45, 0.33, 0.24, 0.17, 0.12, 0.085, 0.06, 0.04, 0.025, 0.015, 0.007, 0.002)
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
SHARES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FIXED = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 60.0,
         100.0, 150.0, 250.0, 400.0, 700.0, 1500.0, 5000.0)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """Units (settings, items) of one way over the whole replay; ``asked`` (items,) of the channel."""

    way: str
    settings: Sequence[float]
    oversold: Floats
    lost: Floats
    withheld: Floats
    asked: Floats


def backtest(
    history: DemandHistory,
    world: World,
    learn_days: int,
    ways: Iterable[Way] | None = None,
    *,
    ablated: bool = False,
) -> list[Outcome]:
    """Replay every way from ``learn_days`` on; the days before are for learning only.

    With ``ablated`` ours also without each of its drivers, last.

    Raises:
        ValueError: no day is left to replay, or an item without a refresh time.
    """
    if not 0 < learn_days < history.days:
        raise ValueError(f"of {history.days} days {learn_days} are for learning: none is left to replay")
    if len(world.refresh_h) != len(history.items) or not (world.refresh_h > 0).all():
        raise ValueError("every item needs a time between refreshes above 0")
    own = learn(history.own, history.own_lot, history.steps_a_day, learn_days)
    others = learn(history.others, history.others_lot, history.steps_a_day, learn_days)
    chosen = list(ways_to_compare(history, own, others, world) if ways is None else ways)
    if ablated:
        whole = ours(history, own, others, world)
        chosen += [whole.without_volatility(), whole.without_supplier(), whole.without_latency()]
    return [_replay(way, history, world, own, others) for way in chosen]


def ours(history: DemandHistory, own: Known, others: Known, world: World) -> Race:
    """Our rule, over the chances that may be accepted."""
    everyday = learn(history.everyday, history.everyday_lot, history.steps_a_day, own.first)
    shared = shared_by(history, own, others)
    return Race(
        own,
        everyday,
        history.big,
        shared,
        world.late_share,
        sum(world.late_factor) / 2,
        ALPHAS,
    )


def backtest_ours(history: DemandHistory, world: World, learn_days: int) -> Outcome:
    """As ``backtest``, of our rule alone."""
    own = learn(history.own, history.own_lot, history.steps_a_day, learn_days)
    others = learn(history.others, history.others_lot, history.steps_a_day, learn_days)
    return backtest(history, world, learn_days, [ours(history, own, others, world)])[0]


def ways_to_compare(history: DemandHistory, own: Known, others: Known, world: World) -> list[Way]:
    """Ours, the plain quantile and the peers, each over the whole range of its knob."""
    return [
        ours(history, own, others, world),
        Quantile(others, ALPHAS),
        FixedUnits(FIXED),
        ShareOfStock(SHARES),
        SafetyStock(others, history.steps_a_day, FACTORS),
    ]


def shared_by(history: DemandHistory, own: Known, others: Known) -> Floats:
    """Relative variance of the shock that both pools share, as known at the begin of each replayed day (days,)."""
    days = np.arange(own.first, history.days)

    def daily(path: Units) -> Floats:
        whole = path.reshape(len(history.items), history.days, history.steps_a_day)
        units: Floats = whole.sum(axis=2)[:, days].T.astype(np.float64)
        return units

    known: Floats = shared_variance(
        daily(history.own), daily(history.others), own.expected(days), others.expected(days), own.spread, others.spread
    )
    return known[:-1]


@dataclass
class _Shelf:
    """Running state of a replay, (settings, items): stock, what the channel still shows, what is on order by day.

    ``orders`` are those of any setting, and ``receipts`` (days, items, days ahead) what they said at the begin of each
    day of the days to come.

    A refresh is only noted (its ``refreshed`` step, items, and the stock it ``saw``) and worked out when the channel
    is next asked for the item, with what was known on the day of the refresh; -1 where none is waiting.
    """

    stock: Floats
    shown: Floats
    coming: Floats
    saw: Floats
    refreshed: NDArray[np.int64]
    orders: Orders
    receipts: Floats


def _replay(way: Way, history: DemandHistory, world: World, own: Known, others: Known) -> Outcome:
    first, a_day, days = own.first, history.steps_a_day, history.days
    begin = first * a_day
    refreshes = world.refreshes(days * a_day - begin, a_day)
    order_days = world.order_days(days)
    window_steps = np.maximum(np.rint(world.refresh_h / 24 * a_day), 1).astype(np.int64)
    shape = (len(way.settings), len(history.items))
    level = order_up_to(world, own, others, first)
    orders = Orders(np.zeros((days, shape[1]), dtype=bool), world.lead_days)
    receipts = np.zeros((days, shape[1], AHEAD))
    shelf = _Shelf(np.tile(level, (shape[0], 1)), np.zeros(shape), np.zeros((days + world.lead_days + 8, *shape)),
                   np.zeros(shape), np.full(shape[1], -1, dtype=np.int64), orders, receipts)  # fmt: skip
    oversold, lost, withheld = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for step in range(begin, days * a_day):
        day, of_day = divmod(step, a_day)
        if of_day == 0:
            _replenish(shelf, world, order_days, own, others, day)
        put_right = refreshes[:, step - begin]
        shelf.saw[:, put_right] = shelf.stock[:, put_right]
        shelf.refreshed[put_right] = step
        asked, wanted = history.own[:, step], history.others[:, step]
        _show(shelf, way, asked, window_steps, a_day)
        if asked.any() or wanted.any():
            more, missed, kept = _trade(shelf, asked, wanted)
            oversold += more
            lost += missed
            withheld += kept
    asked_in_all = history.own[:, begin : days * a_day].sum(axis=1).astype(np.float64)
    return Outcome(way.name, way.settings, oversold, lost, withheld, asked_in_all)


def _show(shelf: _Shelf, way: Way, asked: np.ndarray, window_steps: NDArray[np.int64], a_day: int) -> None:
    """Work out what the channel shows of the items it is asked for and has been put right on since."""
    rows = np.flatnonzero((asked > 0) & (shelf.refreshed >= 0))
    if len(rows):
        days, steps = np.divmod(shelf.refreshed[rows], a_day)
        saw = shelf.saw[:, rows]
        held = way.held(Moments(days, steps, rows, window_steps[rows], saw, shelf.receipts[days, rows]))
        shelf.shown[:, rows] = np.maximum(saw - held, 0.0)
        shelf.refreshed[rows] = -1


def _trade(shelf: _Shelf, asked: np.ndarray, wanted: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """One step of demand: units oversold, lost, and lost although they stood there (settings, items)."""
    shelf.stock -= np.minimum(shelf.stock, wanted)
    sold = np.minimum(shelf.shown, asked)
    shelf.shown -= sold
    filled = np.minimum(shelf.stock, sold)
    shelf.stock -= filled
    missed = asked - sold
    return sold - filled, missed, np.minimum(missed, shelf.stock)


def _replenish(shelf: _Shelf, world: World, order_days: np.ndarray, own: Known, others: Known, day: int) -> None:
    """Take in what comes today, and on a day of review order up to the level."""
    shelf.stock += shelf.coming[day]
    shelf.coming[day] = 0.0
    for placed in np.flatnonzero(shelf.orders.open[:day].any(axis=1)).tolist():
        shelf.orders.receive(placed, day, np.flatnonzero(placed + order_days[:, placed] == day))
    if (day - own.first) % world.review_days == 0:
        missing = np.maximum(order_up_to(world, own, others, day) - shelf.stock - shelf.coming.sum(axis=0), 0.0)
        for item in range(missing.shape[1]):
            shelf.coming[day + order_days[item, day], :, item] += missing[:, item]
        shelf.orders.place(day, missing.any(axis=0))
    shelf.receipts[day] = shelf.orders.chances(day)


def order_up_to(world: World, own: Known, others: Known, day: int) -> Floats:
    """What a review on ``day`` orders up to (items,): mean demand over review and lead time, and some sd of it."""
    at, span = day - own.first, world.review_days + world.lead_days
    mean = (own.mean[at] + others.mean[at]) * span
    spread = np.sqrt((own.sigma[at] ** 2 + others.sigma[at] ** 2) * span)
    level: Floats = np.ceil(mean + world.safety * spread)
    return level
