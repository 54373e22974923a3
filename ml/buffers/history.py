"""Demand as it came, step by step, and the world it is replayed in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.buffers.big_orders import BigOrders, big_order, usual_size
from ml.exposure.distribution import Floats

Units = NDArray[np.int64]
HOURS_A_DAY = 24.0
MICROSECONDS_A_DAY = 86_400_000_000

MOVEMENTS: Mapping[str, type[pl.DataType]] = {
    "item": pl.String,
    "pool": pl.String,
    "at": pl.Int64,
    "units": pl.Int64,
}
"""Columns of demand movements: what was asked for, by whom (``own`` or ``others``), when (microseconds), how much."""


@dataclass(frozen=True)
class DemandHistory:
    """Units asked of the channel (``own``) and of all others, both (items, steps), from midnight of the first day.

    ``own_lot`` and ``others_lot`` (items,) are Σq²/Σq over single orders before the replay starts. ``everyday`` is
    ``others`` with every order taken up to its usual size, ``everyday_lot`` (items,) the lot of those and ``big`` the
    orders beyond it, all three as known before the replay starts.
    """

    items: list[str]
    own: Units
    others: Units
    steps_a_day: int
    own_lot: Floats
    others_lot: Floats
    everyday: Units
    everyday_lot: Floats
    big: BigOrders

    def __post_init__(self) -> None:
        if self.own.shape != self.others.shape or self.own.shape[0] != len(self.items):
            raise ValueError(f"demands of {self.own.shape} and {self.others.shape} for {len(self.items)} items")
        if (self.own < 0).any() or (self.others < 0).any():
            raise ValueError("nobody asks for less than nothing")

    def first(self, days: int) -> "DemandHistory":
        """The first ``days`` alone."""
        steps = days * self.steps_a_day
        paths = {name: getattr(self, name)[:, :steps] for name in ("own", "others", "everyday")}
        return replace(self, **paths)

    @property
    def days(self) -> int:
        """Whole days."""
        return int(self.own.shape[1]) // self.steps_a_day


def from_movements(movements: pl.DataFrame, steps_a_day: int, learn_days: int) -> DemandHistory:
    """Demand by step from single movements (columns of ``MOVEMENTS``); lots from the first ``learn_days`` only."""
    asked = movements.select(pl.col(name).cast(kind) for name, kind in MOVEMENTS.items()).filter(pl.col("units") > 0)
    if not asked.height:
        raise ValueError("nothing was ever asked for")
    first = int(asked["at"].to_numpy().min())
    start = first - first % MICROSECONDS_A_DAY
    step = pl.col("at").sub(start) * steps_a_day // MICROSECONDS_A_DAY
    asked = asked.with_columns(step=step)
    items = asked["item"].unique().sort().to_list()
    number = {item: row for row, item in enumerate(items)}
    days = int(asked["step"].to_numpy().max()) // steps_a_day + 1
    known = pl.col("step") < learn_days * steps_a_day
    own, others = (asked.filter(pl.col("pool") == pool) for pool in ("own", "others"))
    usual = others.join(_usual_sizes(others.filter(known)), on="item", how="left").with_columns(
        pl.min_horizontal("units", pl.col("most").fill_null(MOST_ORDERED)).alias("units")
    )
    paths = [_path(these, number, days * steps_a_day) for these in (own, others, usual)]
    lots = [_lots(these.filter(known), number) for these in (own, others, usual)]
    big = _big_orders(others.filter(known), number, learn_days)
    return DemandHistory(items, paths[0], paths[1], steps_a_day, lots[0], lots[1], paths[2], lots[2], big)


MOST_ORDERED = 10**15


def _path(orders: pl.DataFrame, number: Mapping[str, int], steps: int) -> Units:
    """Units by step (items, steps)."""
    path = np.zeros((len(number), steps), dtype=np.int64)
    rows = orders["item"].replace_strict(dict(number), return_dtype=pl.Int64).to_numpy()
    np.add.at(path, (rows, orders["step"].to_numpy()), orders["units"].to_numpy())
    return path


def _usual_sizes(orders: pl.DataFrame) -> pl.DataFrame:
    """By item the ``most`` units of a usual order; items with too few orders are left out."""
    sizes = [(item, usual_size(sizes)) for item, sizes in _sizes(orders)]
    told = [(item, int(most)) for item, most in sizes if np.isfinite(most)]
    return pl.DataFrame(told, schema={"item": pl.String, "most": pl.Int64}, orient="row")


def _sizes(orders: pl.DataFrame) -> Iterator[tuple[str, Floats]]:
    for (item,), these in orders.group_by("item", maintain_order=True):
        yield str(item), these["units"].to_numpy().astype(np.float64)


def _big_orders(orders: pl.DataFrame, number: Mapping[str, int], days: int) -> BigOrders:
    found = BigOrders.none(len(number))
    for item, sizes in _sizes(orders):
        one = big_order(sizes, days)
        if one is not None:
            row = number[item]
            found.rate[row], found.units[row], found.dispersion[row] = (
                one.rate,
                one.units,
                one.dispersion,
            )
    return found


def _lots(movements: pl.DataFrame, number: Mapping[str, int]) -> Floats:
    """Σq²/Σq of every item (items,), leaning on that of all of them while it has few orders."""
    units = pl.col("units").cast(pl.Float64)
    sums = movements.group_by("item").agg(squares=(units**2).sum(), total=units.sum(), orders=pl.len())
    if not sums.height:
        return np.ones(len(number))
    every = float((sums["squares"] / sums["total"]).to_numpy().mean())
    found = np.full(len(number), every)
    rows = sums["item"].replace_strict(dict(number), return_dtype=pl.Int64).to_numpy()
    orders = sums["orders"].to_numpy()
    own = (sums["squares"] / sums["total"]).to_numpy()
    found[rows] = (own * orders + every * FEW_ORDERS) / (orders + FEW_ORDERS)
    return found


FEW_ORDERS = 10.0


@dataclass(frozen=True)
class World:
    """How the channel is refreshed and the stock replenished in a replay.

    ``refresh_h`` (items,) is the time between refreshes; ``late_share`` of them come after ``late_factor`` (from, to)
    times that instead. Stock is reviewed every ``review_days`` and brought up to the mean demand of review and lead
    time and ``safety`` standard deviations of it; what is ordered comes ``lead_days`` later, a ``late_orders`` share
    one to three days after that.
    """

    refresh_h: Floats
    late_share: float = 0.03
    late_factor: tuple[float, float] = (4.0, 8.0)
    review_days: int = 3
    lead_days: int = 2
    late_orders: float = 0.1
    safety: float = 1.0
    seed: int = field(default=0)

    def refreshes(self, steps: int, steps_a_day: int) -> NDArray[np.bool_]:
        """Whether the channel is put right before each step (items, steps); the first step always is."""
        chance = np.random.default_rng([self.seed, 1])
        found = np.zeros((len(self.refresh_h), steps), dtype=bool)
        for item, hours in enumerate(self.refresh_h):
            every = hours / HOURS_A_DAY * steps_a_day
            count = int(steps / every) + 2
            late = chance.random(count) < self.late_share
            gaps = np.where(late, chance.uniform(*self.late_factor, count), 1.0) * every
            moments = np.concatenate([[0.0], np.cumsum(gaps)])
            found[item, np.ceil(moments[moments <= steps - 1]).astype(np.int64)] = True
        return found

    def order_days(self, days: int) -> Units:
        """Days from each day's order to its receipt (items, days)."""
        chance = np.random.default_rng([self.seed, 2])
        shape = (len(self.refresh_h), days)
        late = np.where(chance.random(shape) < self.late_orders, chance.integers(1, 4, shape), 0)
        return self.lead_days + late
