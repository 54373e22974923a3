"""What channel buffers lose in sales at a given oversell rate, on real demand.

    python -m benchmarks.buffers --data DIR [--seeds N] [--first-seed N] [--items N] [--plot FOLDER] [--json]

``DIR`` holds ``fresh_stock_status.parquet`` or the three ``retail_movements`` files, or both. Past demand is replayed
against one stock, a channel refreshed every 15 minutes, 1, 4 or 12 hours (3 % of refreshes 4 to 8 times late), and
other demand that draws on the stock directly (``ml.buffers.backtest``). Estimates walk forward: a day sees nothing of
itself. Lost are the sales withheld while the units stood in stock; all sales turned away, stock-outs included, are
told beside. Which setting of a knob is used at which rate is read off the frontier, for ours and for its peers alike.
Beside the peers stands ours without each of its drivers: volatility, supplier (no receipt is expected before the
channel is put right) and latency (late refreshes). When a receipt comes is told from the lead times of those that
have come.

Fresh food: stores of one product in one city are the pools, one of them (drawn by seed) the channel and up to three
the others. Quantities are divided by the product's smallest sale and rounded; a day's units fall one by one into the
hours in which the store sold. Sales are taken for demand; hours sold out are not filled in. Wholesale: buyers from
abroad are the channel, those at home the others; every line is one order at its minute. Products are chosen by their
demand in the days for learning only. Seeds in which no buffer at all keeps the target already are left out of a
comparison at that target; ``seeds`` counts the others. Replenishment is simulated, the same rule for every way to
hold back.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.rig.frontier_plot import plot_frontiers
from ml.buffers.backtest import Outcome, backtest, backtest_ours
from ml.buffers.frontier import Frontier, frontier, frontier_by_item
from ml.buffers.history import MICROSECONDS_A_DAY, DemandHistory, World, from_movements
from ml.exposure.distribution import Floats

STEPS_A_DAY = 96
REFRESH_H = (0.25, 1.0, 4.0, 12.0)
TARGETS = (0.005, 0.0075)
HOUR = MICROSECONDS_A_DAY // 24
OTHER_STORES = 3
FRESH, RETAIL = "fresh_stock_status", "retail_movements"
LEARN_DAYS = {FRESH: 28, RETAIL: 150}
LEAST_LEARNED = {FRESH: 28 * 3, RETAIL: 100}
"""Units that each pool must have been asked for in the days for learning."""
MEASURES = {"lost sales": False, "sales turned away": True}
"""Withheld from stock; and together with those that no stock could serve, whatever the buffer."""
OVERSELL_COSTS = (3.0, 10.0)
"""What a unit oversold costs, in lost sales."""
LEARNED_BEFORE = 3
"""Of the days for learning the first third is for learning when they are replayed themselves."""
FIXED, WAYS = 2, 5
"""Place of the fixed units among the ways that are replayed, and how many those are; ablations come after them."""


@dataclass(frozen=True)
class Figure:
    """One printed line; ``value`` is the mean over the seeds, ``spread`` the standard deviation of their ratios."""

    measure: str
    value: float
    unit: str
    against: str
    against_value: float
    ratio: float
    data: str
    spread: float
    seeds: int


def fresh_demand(folder: Path, items: int, seed: int) -> DemandHistory:
    """Stores of one product in one city as competing pools."""
    chance = np.random.default_rng([seed, 3])
    sold = pl.read_parquet(folder / f"{FRESH}.parquet").filter(pl.col("sale_units_norm") > 0)
    unit = pl.col("sale_units_norm").min().over("product_id")
    sold = sold.select(
        pl.col("city_id", "store_id", "product_id"),
        day=(pl.col("dt").cast(pl.Date) - pl.col("dt").cast(pl.Date).min()).dt.total_days(),
        units=(pl.col("sale_units_norm") / unit).round().cast(pl.Int64),
        hours=pl.col("sale_hours_mask").cast(pl.Int64),
    )
    learned = sold.filter(pl.col("day") < LEARN_DAYS[FRESH])
    stores = learned.group_by("city_id", "product_id", "store_id").agg(pl.col("units").sum())
    stores = stores.filter(pl.col("units") >= LEAST_LEARNED[FRESH]).sort("city_id", "product_id", "store_id")
    stores = stores.with_columns(turn=pl.Series(chance.random(stores.height)))
    stores = stores.with_columns(place=pl.col("turn").rank("ordinal").over("city_id", "product_id"))
    pairs = stores.filter(pl.col("place") <= 1 + OTHER_STORES).with_columns(
        pool=pl.when(pl.col("place") == 1).then(pl.lit("own")).otherwise(pl.lit("others")),
        item=pl.format("{} {}", "city_id", "product_id"),
    )
    shared = pairs.filter(pl.col("place") == 2)["item"].unique().sort().to_list()
    chosen = chance.permutation(shared)[:items].tolist()
    pairs = pairs.filter(pl.col("item").is_in(chosen)).select("city_id", "product_id", "store_id", "item", "pool")
    rows = sold.join(pairs, on=["city_id", "product_id", "store_id"])
    return from_movements(_one_by_one(rows, chance), STEPS_A_DAY, LEARN_DAYS[FRESH])


def _one_by_one(rows: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """A day's units at random moments of the hours in which something was sold; any hour where none is marked."""
    singles = rows.sort("item", "pool", "store_id", "day").select(
        "item", "pool", "day", "hours", pl.int_ranges(pl.col("units")).alias("unit")
    )
    singles = singles.explode("unit").filter(pl.col("unit").is_not_null())
    masks = singles["hours"].to_numpy()
    marked = (masks[:, None] >> np.arange(24)) & 1
    marked[marked.sum(axis=1) == 0] = 1
    hour = (chance.random(marked.shape) * marked).argmax(axis=1)
    at = singles["day"].to_numpy() * MICROSECONDS_A_DAY + hour * HOUR + chance.integers(0, HOUR, len(hour))
    return singles.select("item", "pool").with_columns(at=pl.Series(at), units=pl.lit(1, dtype=pl.Int64))


def retail_demand(folder: Path, items: int, seed: int) -> DemandHistory:
    """Buyers abroad and at home as competing pools."""
    labels = pl.read_parquet(folder / f"{RETAIL}.labels.parquet").select("movement_id", "kind")
    raw = pl.read_parquet(folder / f"{RETAIL}.raw.parquet").select("movement_id", "sku", "quantity", "ts", "country")
    sales = raw.join(labels, on="movement_id").filter((pl.col("kind") == "sale") & (pl.col("quantity") > 0))
    sales = sales.select(
        item=pl.col("sku"),
        pool=pl.when(pl.col("country") == "United Kingdom").then(pl.lit("others")).otherwise(pl.lit("own")),
        at=pl.col("ts").cast(pl.Datetime("us")).cast(pl.Int64),
        units=pl.col("quantity").cast(pl.Int64),
    )
    start = int(sales["at"].to_numpy().min()) // MICROSECONDS_A_DAY * MICROSECONDS_A_DAY
    learned = sales.filter(pl.col("at") < start + LEARN_DAYS[RETAIL] * MICROSECONDS_A_DAY)
    totals = (
        learned.group_by("item", "pool").agg(pl.col("units").sum()).filter(pl.col("units") >= LEAST_LEARNED[RETAIL])
    )
    shared = totals.group_by("item").len().filter(pl.col("len") == 2)["item"].sort().to_list()
    chosen = np.random.default_rng([seed, 4]).permutation(shared)[:items].tolist()
    return from_movements(sales.filter(pl.col("item").is_in(chosen)), STEPS_A_DAY, LEARN_DAYS[RETAIL])


READERS: dict[str, tuple[str, Callable[[Path, int, int], DemandHistory]]] = {
    FRESH: (f"{FRESH}.parquet", fresh_demand),
    RETAIL: (f"{RETAIL}.raw.parquet", retail_demand),
}


@dataclass(frozen=True)
class Run:
    """Every way over the days replayed, and ours over the days for learning alone."""

    outcomes: list[Outcome]
    before: Outcome


def replayed(history: DemandHistory, learn_days: int, seed: int) -> Run:
    """Ours, the plain quantile, fixed units, percentage, k·σ·√L and ours without each driver over the same demand."""
    chance = np.random.default_rng([seed, 5])
    refresh = chance.permutation(np.resize(REFRESH_H, len(history.items)))
    world = World(refresh_h=refresh, seed=seed)
    before = backtest_ours(history.first(learn_days), world, learn_days // LEARNED_BEFORE)
    return Run(backtest(history, world, learn_days, ablated=True), before)


def frontiers(outcomes: list[Outcome], *, stock_outs: bool) -> list[Frontier]:
    """Of every way, and of the best fixed units of each item."""
    every = [frontier(outcome, stock_outs=stock_outs) for outcome in outcomes]
    return [*every, frontier_by_item(outcomes[FIXED], stock_outs=stock_outs)]


def figures(folder: Path, items: int, seeds: range, plots: Path | None = None) -> Iterator[Figure]:
    """Lost sales of ours against every peer, at each target, and money; for each data set in the folder.

    With ``plots`` the mean frontiers are drawn there.
    """
    for name, (file, read) in READERS.items():
        if not (folder / file).exists():
            continue
        runs = [replayed(read(folder, items, seed), LEARN_DAYS[name], seed) for seed in seeds]
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
            drawn = [frontiers(run.outcomes[:WAYS], stock_outs=False) for run in runs]
            plot_frontiers(drawn, f"{name}, mean of {len(seeds)} seeds", plots / f"buffer-frontier-{name}.svg")
        for measure, target in itertools.product(MEASURES, TARGETS):
            every = [frontiers(run.outcomes, stock_outs=MEASURES[measure]) for run in runs]
            binding = [found for found, run in zip(every, runs, strict=True) if _oversells(run.outcomes) > target]
            yield from _against_peers(f"{measure} at {100 * target:g} % oversell", target, binding, name)
        for times, chosen in itertools.product(OVERSELL_COSTS, (False, True)):
            yield _money(times, runs, name, from_before=chosen)


def _oversells(outcomes: list[Outcome]) -> float:
    """The oversell rate without any buffer: where it meets the target already, nothing is to be compared."""
    return float(outcomes[FIXED].oversold[0].sum() / max(outcomes[FIXED].asked.sum(), 1.0))


def _against_peers(measure: str, target: float, runs: list[list[Frontier]], name: str) -> Iterator[Figure]:
    for peer in range(1, len(runs[0]) if runs else 0):
        found = [(run[0].lost_at(target), run[peer].lost_at(target)) for run in runs]
        both = np.array([pair for pair in found if None not in pair], dtype=np.float64).reshape(-1, 2)
        if len(both):
            ours, theirs = both.mean(axis=0)
            spread = float((both[:, 0] / np.maximum(both[:, 1], 1e-12)).std())
            yield Figure(measure, ours, "share", runs[0][peer].way, theirs, ours / theirs, name, spread, len(both))


def _money(times: float, runs: list[Run], name: str, *, from_before: bool) -> Figure:
    """Lost and oversold units at their cost, the ratio of the worst seed.

    Ours at the chance that the costs accept or, ``from_before``, at the one that was cheapest in the days for learning.
    """
    ours, fixed = [], []
    for run in runs:
        settings = np.array(run.before.settings)
        nominal = int(np.abs(settings - 1 / (1 + times)).argmin())
        chosen = int(_cost(run.before, times).argmin()) if from_before else nominal
        ours.append(float(_cost(run.outcomes[0], times)[chosen]))
        fixed.append(float(_cost(run.outcomes[FIXED], times).min()))
    ratios = np.array(ours) / np.maximum(fixed, 1e-12)
    worst = int(ratios.argmax())
    how = "cheapest setting of the days before" if from_before else "chance that the costs accept"
    measure = f"money, worst seed, an oversell at {times:g} x a lost sale, {how}"
    return Figure(measure, ours[worst], "lost sales' worth a unit asked", "best fixed units in hindsight",
                  fixed[worst], float(ratios[worst]), name, float(ratios.std()), len(runs))  # fmt: skip


def _cost(outcome: Outcome, times: float) -> Floats:
    """Lost sales' worth a unit asked for, of each setting (settings,)."""
    cost: Floats = (outcome.withheld + times * outcome.oversold).sum(axis=1) / max(float(outcome.asked.sum()), 1.0)
    return cost


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the demand")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0, help="draw other products and refreshes")
    parser.add_argument("--items", type=int, default=240, help="products replayed a data set and seed")
    parser.add_argument("--plot", type=Path, help="draw the frontiers into this folder")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    seeds = range(told.first_seed, told.first_seed + told.seeds)
    for figure in figures(told.data, told.items, seeds, told.plot):
        if told.json:
            print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)
        else:
            print(
                f"{figure.data}, {figure.measure}, {figure.against}: {figure.value:.4f} ± {figure.spread:.4f}", end=""
            )
            print(f"  (peer {figure.against_value:.4f}, ratio {figure.ratio:.3f}", end="")
            print(f" ± {figure.spread:.3f}, {figure.seeds} seeds)", flush=True)


if __name__ == "__main__":
    main()
