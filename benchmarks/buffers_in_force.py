"""Whether applied buffers hold what they promise where the service publishes, and as the backtest says.

    python -m benchmarks.buffers_in_force [--seeds N] [--days N] [--items N] [--workers N] [--json]

Simulated demand, a hard world: every listing of a shop is put right every eight hours, 3 % of the times after four to
eight turns; one push in thirty-three is cut off or refused; goods are ordered so that stock runs out. The days of
learning are traded once, and then the same days that follow once without buffers and once for each accepted rate, kept
by the service itself: the role ``steer`` recommends, applies and steers before each turn, and what is sold, held back
and oversold comes about at the shop, over HTTP (``benchmarks.rig.trading_days``). The planner's limit by share of stock
is lifted. Told: units oversold per unit ordered beside the accepted rate (what the shop turned away is in no book), of
all days and of the last four weeks (before, control has yet to settle); units oversold and sales withheld per unit
asked, the latter beside the backtest's frontier (``ml.buffers.backtest``) at the rate that came true, over the same
demand, refreshes and deliveries. Means over the seeds; the spread is the standard deviation of the ratio over them.
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.rig.figures import Figure, show
from benchmarks.rig.trading_days import STEPS_A_DAY, OnTheHour, Sold, Warehouse, bursty_demand, trading
from ml.buffers.backtest import backtest, order_up_to, ours
from ml.buffers.estimates import learn
from ml.buffers.frontier import Frontier, frontier
from ml.buffers.history import DemandHistory, Units, World
from ml.buffers.policies import FixedUnits

TARGETS = (0.01, 0.005)
LEARN_DAYS = 28
REFRESH_H = 8.0
SAFETY = -0.5
"""Standard deviations of demand that are ordered beyond its mean: so little that stock often runs out."""
SETTLED_DAYS = 28
"""At the end, in which control should hold the rate."""
NONE = None
"""No rate is accepted and no buffer held."""


@dataclass(frozen=True)
class Size:
    """How many SKUs are traded for how many days after those of learning; twice as much is asked from ``doubles_on``.

    That day is counted from the begin of learning; None: never.
    """

    items: int
    days: int
    doubles_on: int | None = None


@dataclass(frozen=True)
class Beside:
    """What the replay says of the same days: oversold without a buffer, and our frontier."""

    oversold: float
    ours: Frontier


def demand_of(seed: int, size: Size) -> DemandHistory:
    """The demand of one seed."""
    return bursty_demand(size.items, LEARN_DAYS + size.days, seed, LEARN_DAYS, size.doubles_on)


def world_of(seed: int, size: Size) -> World:
    """When listings are put right and goods come in."""
    return OnTheHour(np.full(size.items, REFRESH_H), safety=SAFETY, seed=seed)


def enough(history: DemandHistory, world: World) -> Units:
    """The stock (items,) with which the days after learning begin."""
    own, others = (
        learn(path, lot, STEPS_A_DAY, LEARN_DAYS)
        for path, lot in ((history.own, history.own_lot), (history.others, history.others_lot))
    )
    level: Units = order_up_to(world, own, others, LEARN_DAYS).astype(np.int64)
    return level


def learned(folder: Path, size: Size, seed: int) -> None:
    """Trade the days of learning without buffers; the service's home is ``folder``/``seed`` then."""
    history, world = demand_of(seed, size), world_of(seed, size)
    home = folder / str(seed)
    home.mkdir()
    house = Warehouse(np.zeros(size.items, dtype=np.int64), _nothing_coming(history))
    refreshes = replace(world, seed=seed + 1_000).refreshes(LEARN_DAYS * STEPS_A_DAY, STEPS_A_DAY)
    with trading(home, history, world, LEARN_DAYS, house, 0) as trade:
        trade.count(enough(history, world))
        trade.pass_days(0, LEARN_DAYS, refreshes)


def traded(folder: Path, size: Size, run: tuple[int, float | None]) -> Sold:
    """The days after learning with the rate of ``run`` accepted, or without buffers; (seed, rate)."""
    seed, rate = run
    history, world = demand_of(seed, size), world_of(seed, size)
    home = folder / f"{seed}-{rate}"
    shutil.copytree(folder / str(seed), home)
    house = Warehouse(np.zeros(size.items, dtype=np.int64), _nothing_coming(history))
    refreshes = world.refreshes(size.days * STEPS_A_DAY, STEPS_A_DAY)
    with trading(home, history, world, LEARN_DAYS, house, LEARN_DAYS) as trade:
        if rate is not None:
            trade.accept(rate)
        trade.count(enough(history, world))
        trade.pass_days(LEARN_DAYS, LEARN_DAYS + size.days, refreshes)
        if not trade.books_agree():
            raise AssertionError(f"seed {seed}: the ledger does not have what is in the warehouse")
    shutil.rmtree(home)
    return trade.sold


def _nothing_coming(history: DemandHistory) -> Units:
    return np.zeros((history.days + 16, len(history.items)), dtype=np.int64)


def replayed(size: Size, seed: int) -> Beside:
    """The backtest of the same days."""
    history, world = demand_of(seed, size), world_of(seed, size)
    own = learn(history.own, history.own_lot, STEPS_A_DAY, LEARN_DAYS)
    others = learn(history.others, history.others_lot, STEPS_A_DAY, LEARN_DAYS)
    race, none = backtest(history, world, LEARN_DAYS, [ours(history, own, others, world), FixedUnits((0.0,))])
    return Beside(float(none.oversold.sum() / none.asked.sum()), frontier(race))


def course(size: Size, seeds: Sequence[int], workers: int) -> tuple[list[Beside], dict[tuple[int, float | None], Sold]]:
    """Every seed replayed, and traded at every rate."""
    runs = [(seed, rate) for seed in seeds for rate in (NONE, *TARGETS)]
    with TemporaryDirectory() as told, ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        folder = Path(told)
        list(pool.map(partial(learned, folder, size), seeds))
        beside = pool.map(partial(replayed, size), seeds)
        sold = dict(zip(runs, pool.map(partial(traded, folder, size), runs), strict=True))
        return list(beside), sold


def figures(size: Size, seeds: Sequence[int], workers: int) -> Iterator[Figure]:
    """What came true beside what was accepted and beside the backtest."""
    beside, sold = course(size, seeds, workers)
    span = LEARN_DAYS, LEARN_DAYS + size.days
    rates = {run: one.rates(*span) for run, one in sold.items()}
    bare = [rates[seed, NONE][0] for seed in seeds]
    yield from _compared("oversold, no buffer", bare, "backtest", [one.oversold for one in beside])
    settled = LEARN_DAYS + max(size.days - SETTLED_DAYS, 0), LEARN_DAYS + size.days
    for rate in TARGETS:
        oversold, withheld = zip(*(rates[seed, rate] for seed in seeds), strict=True)
        name = f"{100 * rate:g} % accepted"
        ordered = [sold[seed, rate].oversold_of_ordered(*span) for seed in seeds]
        yield from _compared(f"oversold of ordered, {name}", ordered, "accepted", [rate] * len(seeds))
        last = [sold[seed, rate].oversold_of_ordered(*settled) for seed in seeds]
        yield from _compared(f"oversold of ordered, {name}, last four weeks", last, "accepted", [rate] * len(seeds))
        yield from _compared(f"oversold, {name}, of without", oversold, "no buffer", bare)
        frontiers = [one.ours.lost_at(came_true) for one, came_true in zip(beside, oversold, strict=True)]
        reached = [(here, there) for here, there in zip(withheld, frontiers, strict=True) if there is not None]
        if reached:
            here, there = zip(*reached, strict=True)
            yield from _compared(f"withheld, {name}", here, "backtest's frontier at the same oversells", there)


def _compared(measure: str, ours_: Sequence[float], against: str, theirs: Sequence[float]) -> Iterator[Figure]:
    ratios = np.array(ours_) / np.maximum(theirs, 1e-12)
    mine, other = float(np.mean(ours_)), float(np.mean(theirs))
    yield Figure(measure, mine, "share", against, other, mine / other)
    yield Figure(f"{measure}, spread of the ratio", float(ratios.std()), "sd", "seeds", float(len(ratios)), None)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--days", type=int, default=49, help="traded after the days of learning")
    parser.add_argument("--items", type=int, default=32, help="SKUs")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(Size(told.items, told.days), range(told.seeds), told.workers), told.json)


if __name__ == "__main__":
    main()
