"""How fast rows are described, scored and explained, beside scikit-learn and SHAP in the same run.

    python -m benchmarks.scoring [--json] [--rows N]

The shipped forests score rows of a small simulated distributor: one row and batches, by NumPy alone and by the
compiled loops where numba is installed, each call next to one of ``IsolationForest.score_samples``. An arriving event
is described and scored one at a time after the history before it. ``--rows`` is the most differences described, with
every column that triage reads, a hundred snapshots of a thousand figures at a time.
"""

import argparse
import resource
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import cycle
from time import perf_counter, process_time

import numpy as np
import polars as pl
import shap
from numpy.typing import NDArray

from api.jobs.simulated_facts import SimulatedFacts, facts_of
from benchmarks.rig.clocks import processor_seconds, seconds, undisturbed
from benchmarks.rig.figures import Figure, show
from ml.anomaly.detector import Detector, Matrix
from ml.anomaly.forest_walk import ForestWalk
from ml.anomaly.rolling import RollingScorer
from ml.features.behind import MOVED
from ml.features.deltas import DeltaFeatures, Deltas
from ml.features.movements import MovementFeatures
from ml.registry.service_models import shipped_models
from ml.training.detectors import describe_deltas, describe_movements
from ml.triage.frames import as_movements
from simulation.scenario import HELD_OUT, Scenario

PEER = "IsolationForest.score_samples"
WORLD: Scenario = replace(HELD_OUT, days=5, skus=60)
BATCHES = (1, 10, 100, 1_000, 2_000, 10_000, 100_000)
IN_A_ROW = {1: 100, 10: 30, 100: 10}
"""Calls of one way before the next has its turn, by rows a call: a service scores one row after another,"""
DRAWN = 1_000
"""each time another of as many. All in processor time: other work on the machine cuts in upon the clock."""
EXPLAINED = 500
ARRIVALS = 1_000
EVENT_LIMIT_MS = 20.0
MILLION_LIMIT_S = 60.0


def walking(name: str, detector: Detector, rows: Matrix) -> Iterator[Figure]:
    """Scores and attributions of one shipped forest, both ways of walking, against scikit-learn's."""
    columns = detector.forest_columns(rows)
    walks = {"NumPy": walk_without_compiler(detector), "numba": ForestWalk.of(detector.forest)}
    if walks["numba"].compiled is None:
        del walks["numba"]
    exact = -detector.forest.score_samples(columns)
    for how, walk in walks.items():
        by_product = replace(detector)
        vars(by_product)["walk"] = walk
        apart = float(np.abs(walk.scores(columns) - exact).max())
        yield Figure(f"{name}, {how}: largest difference of a score", apart, "", "allowed", 1e-12, apart / 1e-12)
        sums = walk.start - by_product.attributed(columns[:2_000]).sum(axis=1) - walk.depths(columns[:2_000])
        apart = float(np.abs(sums).max())
        yield Figure(f"{name}, {how}: attributions off their sum", apart, "steps", "allowed", 1e-9, apart / 1e-9)
        for n in BATCHES:
            yield from batch(f"{name}, {how}, {n:,} rows", by_product, rows[: max(n, DRAWN)], n)


def batch(told: str, detector: Detector, rows: Matrix, n: int) -> Iterator[Figure]:
    """Batches of ``n`` of ``rows``, each time the next ones: calls of ours and of scikit-learn's by turns."""
    columns = detector.forest_columns(rows)
    parts = [slice(at, at + n) for at in range(0, len(rows) - n + 1, n)]
    ours, theirs, told_why = by_turns(
        max(3, min(9, 30_000 // n)),
        IN_A_ROW.get(n, 3),
        *(
            partial(call_with_next, way, cycle([asked[part] for part in parts]))
            for way, asked in (
                (detector.isolation, rows),
                (detector.forest.score_samples, columns),
                (detector.attributions, rows),
            )
        ),
    )
    unit, scale = ("µs", 1e6) if n == 1 else ("ms", 1e3)
    yield Figure(f"{told}: score", ours * scale, unit, PEER, theirs * scale, theirs / ours)
    yield Figure(f"{told}: attributions", told_why * scale, unit, "score", ours * scale, told_why / ours)


def call_with_next(way: Callable[[Matrix], object], rows: Iterator[Matrix]) -> object:
    """``way`` of the next of ``rows``."""
    return way(next(rows))


def by_turns(turns: int, in_a_row: int, *ways: Callable[[], object]) -> tuple[float, ...]:
    """The median processor time in seconds of a call of each way, ``in_a_row`` before the next has its turn, once warm.

    Every other turn goes backwards, so that none always comes upon the caches that the same other left.
    """
    for way in ways:
        way()
    taken: dict[int, list[float]] = {place: [] for place in range(len(ways))}
    with undisturbed():
        for turn in range(turns):
            for place in sorted(taken, reverse=turn % 2 == 1):
                taken[place] += [processor_seconds(ways[place]) for _ in range(in_a_row)]
    return tuple(float(np.median(calls)) for calls in taken.values())


def walk_without_compiler(detector: Detector) -> ForestWalk:
    """The walk as it is where numba is not installed."""
    walk = ForestWalk.of(detector.forest)
    vars(walk)["compiled"] = None
    return walk


def beside_shap(name: str, detector: Detector, rows: Matrix) -> Iterator[Figure]:
    """On how many rows both name the same feature as the one that sets the row apart most.

    SHAP's walk knows no missing value: here, and only here, the usual value stands in for one.
    """
    known = detector.forest_columns(rows)
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a column of which nothing is known
        known = np.where(np.isnan(known), np.nan_to_num(np.nanmedian(known, axis=0)), known)
    explainer = shap.TreeExplainer(detector.forest)
    strangest = known[np.argsort(detector.walk.depths(known), kind="stable")[:EXPLAINED]]
    for told, asked in (("strangest", strangest), ("drawn", known[:EXPLAINED])):
        started = perf_counter()
        theirs: NDArray[np.float64] = np.asarray(explainer.shap_values(asked))
        slow = perf_counter() - started
        quick = seconds(partial(detector.attributed, asked))
        same = detector.attributed(asked).argmax(axis=1) == theirs.argmin(axis=1)
        alike, largest = float(same.mean()), np.sort(-theirs, axis=1)[:, -2:]
        apart = (largest[:, 1] - largest[:, 0]) / np.abs(theirs).max(axis=1)
        yield Figure(f"{name}: same top feature as SHAP, {EXPLAINED} {told}", alike, "share", "asked", 0.9, alike / 0.9)
        most = float(apart[~same].max(initial=0.0))
        yield Figure(
            f"{name}: where not, SHAP's first two are at most apart, {EXPLAINED} {told}", most, "of the largest"
        )
        yield Figure(f"{name}: attributions, {EXPLAINED} {told}", quick * 1e3, "ms", "SHAP", slow * 1e3, slow / quick)


def arriving(detector: Detector, facts: SimulatedFacts) -> Iterator[Figure]:
    """One movement at a time, described and judged as the product does, after the history before it."""
    movements = as_movements(facts.movements)
    first = len(movements) - ARRIVALS
    builder, scorer = MovementFeatures(), RollingScorer(detector.specification, detector)
    for part in movements.rows(0, first).batches(5_000):
        scorer.advance(builder.advance(part).matrix(detector.specification.features))
    taken = []
    for at in range(first, len(movements)):
        one = movements.rows(at, at + 1)
        started = perf_counter()
        scorer.advance(builder.advance(one).matrix(detector.specification.features))
        taken.append((perf_counter() - started) * 1e3)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        value = float(np.quantile(taken, share))
        yield Figure(
            f"arriving movement to verdict, {name}", value, "ms", "allowed", EVENT_LIMIT_MS, value / EVENT_LIMIT_MS
        )


def describing(most: int) -> Iterator[Figure]:
    """Features of differences, ten times as many each time: seconds for a million, and whether a row costs the same."""
    per_row: list[float] = []
    rows = 100_000
    while rows <= most:
        builder, taken, worked = DeltaFeatures(), 0.0, 0.0
        for first in range(0, rows // ITEMS, SNAPSHOTS_AT_ONCE):
            part = Deltas.from_frame(differences(first, min(SNAPSHOTS_AT_ONCE, rows // ITEMS - first)))
            started, busy = perf_counter(), process_time()
            builder.advance(part)
            taken, worked = taken + perf_counter() - started, worked + process_time() - busy
        per_row.append(worked / rows * 1e6)
        told = f"features of {rows:,} differences"
        if rows == 1_000_000:
            yield Figure(told, taken, "s", "allowed", MILLION_LIMIT_S, taken / MILLION_LIMIT_S)
        yield Figure(
            f"{told}, processor time of each", per_row[-1], "µs", "100,000 rows", per_row[0], per_row[-1] / per_row[0]
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        yield Figure(f"{told}: peak memory of the run so far", peak, "MB")
        rows *= 10


ITEMS = 1_000
BOOKS = (("shopify", "available", "web"), ("erp", "on_hand", ""), ("wms", "on_hand", ""))
SNAPSHOTS_AT_ONCE = 100


def differences(first: int, snapshots: int) -> pl.DataFrame:
    """``snapshots`` of ``ITEMS`` figures in three books from number ``first`` on, as triage reads them, one in ten off.

    Rows of one snapshot have one moment; half of what moved since is in the figures.
    """
    rng = np.random.default_rng(first)
    rows = ITEMS * snapshots
    at = np.repeat(np.arange(first, first + snapshots), ITEMS)
    item = np.tile(np.arange(ITEMS), snapshots)
    book = [pl.Series(column).gather(item % len(BOOKS)) for column in zip(*BOOKS, strict=True)]
    moment = pl.Series([HELD_OUT.start + timedelta(hours=int(hour)) for hour in range(first, first + snapshots)])
    expected = rng.integers(0, 200, rows).astype(np.float64)
    moved = np.cumsum(rng.poisson(0.3, (rows, len(MOVED))), axis=1).astype(np.float64)
    reported = expected + np.where(rng.random(rows) < 0.1, rng.integers(-5, 6, rows), 0) + (moved[:, 0] // 2)
    return pl.DataFrame(
        {
            "system": book[0],
            "state": book[1],
            "channel": book[2],
            "as_of": moment.cast(pl.Datetime("us", "UTC")).gather(at - first),
            "sku": pl.Series([f"SKU-{one // len(BOOKS)}" for one in range(ITEMS)]).gather(item),
            "location": "EAST",
            "expected": expected,
            "reported": reported,
            "erp": expected,
            "wms": expected - moved[:, 0],
            "channel_qty": reported,
            "in_flight": 0.0,
            "published_age_s": rng.exponential(900, rows),
            "event_lag_s": rng.exponential(60, rows),
            "failures_day": rng.poisson(0.05, rows).astype(np.float64),
            "failures_four_days": rng.poisson(0.2, rows).astype(np.float64),
            **dict(zip(MOVED, moved.T, strict=True)),
        }
    )


def figures(most: int) -> Iterator[Figure]:
    """Every line, as soon as it is known."""
    facts, models = facts_of(WORLD), shipped_models()
    described = {
        "delta_detector": (models.delta_detector, describe_deltas(facts.deltas)),
        "movement_detector": (models.movement_detector, describe_movements(facts.movements)),
    }
    rng = np.random.default_rng(0)
    for name, (detector, rows) in described.items():
        drawn = rows[rng.integers(0, len(rows), max(BATCHES))]
        yield from walking(name, detector, drawn)
        yield from beside_shap(name, detector, drawn[:5_000])
    yield from arriving(models.movement_detector, facts)
    yield from describing(most)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="the most differences described")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.rows), told.json)


if __name__ == "__main__":
    main()
