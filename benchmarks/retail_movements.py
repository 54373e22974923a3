"""How well manual stock adjustments are found among real movements, without labels.

    python -m benchmarks.retail_movements --data DIR [--history DIR] [--seeds N] [--json]

``DIR`` holds ``retail_movements.feed.parquet`` and ``retail_movements.labels.parquet``. History is what came
before the scored rows: the first three quarters of the time of ``--data`` where no other folder is named for it,
else all of ``--history`` that lies before. Labels are read for the figures only; rows labelled -1 leave them.

Each figure of ours stands against scikit-learn's IsolationForest as it comes (100 trees of 256 rows), on all
features of the same set. Two rules that a person would write without any model stand beside: how far the size
lies from the SKU's own usual one, and that less the logarithm of the lines in the same minute.

*With feedback* twenty lines of each scored day are labelled, drawn as the product draws them, and leave the figure; no
label of history is read. A row counts with the score that it has in the queue when its day's labels are in; what it
had on arrival is told beside (``benchmarks.rig.labelled_movements``).
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.rig.labelled_movements import Days, look
from ml.anomaly.detector import fit
from ml.anomaly.specification import MOVEMENTS
from ml.anomaly.training import BURN_IN_SHARE
from ml.features.movements import Matrix, Movements, describe

Floats = NDArray[np.float64]
FEED, LABELS = "retail_movements.feed.parquet", "retail_movements.labels.parquet"
HISTORY_SHARE = 0.75
FEWEST_OF_A_CLASS = 10
NEIGHBOUR_RULES = ("size and lines rule",)
"""Rules that look at the stream; the movement set, which may not, is not held against them."""


@dataclass(frozen=True)
class Task:
    """The feed of history and scored rows in one order of time; the labels (n,) of the scored ones."""

    feed: pl.DataFrame
    history_rows: int
    labels: NDArray[np.int64]
    classes: list[str]


@dataclass(frozen=True)
class Figure:
    """One printed line. ``value`` is the mean over the seeds, ``spread`` their standard deviation."""

    measure: str
    value: float
    unit: str
    against: str
    against_value: float | None
    ratio: float | None
    spread: float
    seeds: int


def read_task(data: Path, history: Path | None) -> Task:
    """The feed to learn from and to score. Raises ``OSError`` where a file is missing."""
    feed = read_feed(data)
    labels = pl.read_parquet(data / LABELS).select(
        pl.col("movement_id").cast(pl.Int64), pl.col("label").cast(pl.Int64), pl.col("adjust_class").cast(pl.String)
    )
    if history is None or history.resolve() == data.resolve():
        first, last = feed["ts"][0], feed["ts"][-1]
        cut = int(feed["ts"].search_sorted(first + (last - first) * HISTORY_SHARE))
        scored = feed.slice(cut)
    else:
        scored = feed
        earlier = read_feed(history).filter(pl.col("ts") < feed["ts"][0])
        feed, cut = pl.concat([earlier, feed]), earlier.height
    told = scored.select("movement_id").join(labels, on="movement_id", how="left", maintain_order="left")
    return Task(feed, cut, told["label"].fill_null(-1).to_numpy(), told["adjust_class"].fill_null("").to_list())


def read_feed(folder: Path) -> pl.DataFrame:
    """What a detector may see, in order of arrival."""
    feed = pl.read_parquet(folder / FEED).select(
        pl.col("movement_id").cast(pl.Int64),
        pl.col("ts").cast(pl.Datetime("us")),
        pl.col("sku").cast(pl.String),
        pl.col("delta").cast(pl.Int64),
        pl.col("doc").cast(pl.String),
    )
    return feed.sort("ts", "movement_id")


def as_events(feed: pl.DataFrame) -> pl.DataFrame:
    """The feed as the product reads it: what goes out is a shipment, what comes in a return."""
    return feed.select(
        time="ts",
        sku="sku",
        type=pl.when(pl.col("delta") < 0).then(pl.lit("ship")).otherwise(pl.lit("return_received")),
        quantity=pl.col("delta").abs(),
        document="doc",
    )


def size_rules(feed: pl.DataFrame) -> dict[str, Floats]:
    """The two hand rules for every row (n,), from the SKU's earlier movements alone; 0 with fewer than three."""
    size = pl.col("delta").abs().cast(pl.Float64).log1p()
    frame = feed.with_columns(size=size, signed=size * pl.col("delta").sign(), lines=pl.len().over("ts"))
    far, far_signed = (own_z(frame, name) for name in ("size", "signed"))
    return {"size rule": far_signed, "size and lines rule": np.log1p(far) - np.log(frame["lines"].to_numpy())}


def own_z(frame: pl.DataFrame, name: str) -> Floats:
    """|z| of a column against the earlier rows of the same SKU (n,)."""
    value = pl.col(name)
    sums = frame.select(
        n=value.cum_count().over("sku") - 1,
        total=value.cum_sum().over("sku") - value,
        squares=(value**2).cum_sum().over("sku") - value**2,
    )
    n = np.maximum(sums["n"].to_numpy().astype(np.float64), 1)
    mean = sums["total"].to_numpy() / n
    spread = np.sqrt(np.maximum(sums["squares"].to_numpy() / n - mean**2, 0))
    far = np.abs(frame[name].to_numpy() - mean) / np.maximum(spread, 0.1)
    return np.where(sums["n"].to_numpy() > 2, far, 0.0)


def precision_in_first_100(labels: NDArray[np.int64], scores: Floats) -> float:
    """The share of adjustments among the hundred highest scores."""
    return float(labels[np.argsort(-scores, kind="stable")[:100]].mean())


MEASURES: Mapping[str, Callable[[NDArray[np.int64], Floats], float]] = {
    "AUC-ROC": lambda labels, scores: float(roc_auc_score(labels, scores)),
    "average precision": lambda labels, scores: float(average_precision_score(labels, scores)),
    "precision@100": precision_in_first_100,
}


def ours(name: str, history: Matrix, scored: Matrix, seed: int) -> Floats:
    """The product's detector, fitted to the history and nothing else."""
    return fit(MOVEMENTS[name], history, seed).score(scored)


def plain(_name: str, history: Matrix, scored: Matrix, seed: int) -> Floats:
    """IsolationForest as it comes, on all features of the set."""
    found: Floats = -IsolationForest(random_state=seed).fit(history).score_samples(scored)
    return found


def figures(task: Task, seeds: int) -> Iterator[Figure]:
    """Every line, as soon as it is known."""
    kept = task.labels >= 0
    labels = task.labels[kept]
    yield single("prevalence of adjustments", float(labels.mean()), "share", seeds)
    rules: dict[str, dict[str, float]] = {}
    for rule, values in size_rules(task.feed).items():
        scores = values[task.history_rows :][kept]
        rules[rule] = {measure: of(labels, scores) for measure, of in MEASURES.items()}
        for measure, value in rules[rule].items():
            yield single(f"{rule} {measure}", value, "share", seeds)
    described = describe(Movements.from_events(as_events(task.feed)))
    for name, specification in MOVEMENTS.items():
        matrix = described.matrix(specification.features)
        start = int(task.history_rows * BURN_IN_SHARE)
        history, scored = matrix[start : task.history_rows], matrix[task.history_rows :][kept]
        found = [(ours(name, history, scored, seed), plain(name, history, scored, seed)) for seed in range(seeds)]
        for measure, of in MEASURES.items():
            mine = np.array([of(labels, scores) for scores, _ in found])
            peer = float(np.mean([of(labels, scores) for _, scores in found]))
            yield compared(f"{name} {measure}", mine, "plain IsolationForest", peer)
            allowed = [rule for rule in rules if name != "movement" or rule not in NEIGHBOUR_RULES]
            best = max(allowed, key=lambda rule: rules[rule][measure])
            yield compared(f"{name} {measure} beside {best}", mine, best, rules[best][measure])
        if not specification.context:
            yield from on_the_same_columns(name, labels, history, scored, seeds, [scores for scores, _ in found])
        else:
            yield from ablated(name, labels, history, scored, seeds)
        yield from by_class(f"{name} average precision", task, [(kept, spread_out(kept, one)) for one, _ in found])
        if name == "stream":
            yield from taught(task, name, history, matrix[task.history_rows :], seeds)


def taught(task: Task, name: str, history: Matrix, scored: Matrix, seeds: int) -> Iterator[Figure]:
    """Twenty labels a day of the scored quarter, none of history; a labelled row leaves the figure."""
    days = Days(scored, task.feed["ts"].dt.epoch("us").to_numpy()[task.history_rows :], task.labels)
    every = task.labels >= 0
    found: dict[str, list[tuple[float, float]]] = {}
    queues: list[tuple[NDArray[np.bool_], Floats]] = []
    for seed in range(seeds):
        detector = fit(MOVEMENTS[name], history, seed)
        cold = detector.score(scored)
        looked = look(detector, history, days, seed)
        plainly = look(detector, history, days, seed, by_burst=False)
        left, left_plainly = every & ~looked.labelled, every & ~plainly.labelled
        queues.append((left, looked.queued))
        for told, rows, scores in (
            ("", left, looked.queued),
            (", on arrival, before its day's labels", left, looked.arrived),
            (", neighbours unheard", left, looked.learnt),
            (", drawn without bursts", left_plainly, plainly.queued),
            (", drawn without bursts, neighbours unheard", left_plainly, plainly.learnt),
            (" of all rows, each on arrival", every, looked.arrived),
        ):
            pair = tuple(float(average_precision_score(task.labels[rows], who[rows])) for who in (scores, cold))
            found.setdefault(told, []).append((pair[0], pair[1]))
    for told, pairs in found.items():
        mine, before = np.array(pairs).T
        yield compared(f"{name} average precision with feedback{told}", mine, "without feedback", float(before.mean()))
    values = np.array([precision_in_first_100(task.labels[left], queue[left]) for left, queue in queues])
    yield compared(f"{name} precision@100 with feedback", values, "", None)
    yield from by_class(f"{name} average precision with feedback", task, queues)


def ablated(name: str, labels: NDArray[np.int64], history: Matrix, scored: Matrix, seeds: int) -> Iterator[Figure]:
    """What each part of the detector is worth: the same without its directed context, and without its forest."""
    shipped = MOVEMENTS[name]
    detectors = [fit(shipped, history, seed) for seed in range(seeds)]
    whole = float(np.mean([average_precision_score(labels, one.score(scored)) for one in detectors]))
    parts = {
        "without the forest": replace(shipped, forest_weight=0.0),
        "without directed context": replace(shipped, context=()),
    }
    for told, fewer in parts.items():
        scores = [replace(one, specification=fewer).score(scored) for one in detectors]
        values = np.array([average_precision_score(labels, one) for one in scores])
        yield compared(f"{name} average precision {told}", values, "the whole detector", whole)


def on_the_same_columns(
    name: str, labels: NDArray[np.int64], history: Matrix, scored: Matrix, seeds: int, found: list[Floats]
) -> Iterator[Figure]:
    """Ours against IsolationForest as it comes, given the very columns that our forest uses: the forest's own share."""
    specification = MOVEMENTS[name]
    columns = specification.features.columns(specification.forest)
    peers = [plain(name, history[:, columns], scored[:, columns], seed) for seed in range(seeds)]
    for measure, of in MEASURES.items():
        mine = np.array([of(labels, scores) for scores in found])
        peer = float(np.mean([of(labels, scores) for scores in peers]))
        yield compared(f"{name} {measure} on the same columns", mine, "plain IsolationForest, same columns", peer)


def by_class(told: str, task: Task, runs: list[tuple[NDArray[np.bool_], Floats]]) -> Iterator[Figure]:
    """Average precision for each class of adjustment with at least ten, the other classes left out.

    Each of ``runs`` is the rows (n,) that count and the score of every row (n,).
    """
    classes = np.array(task.classes)
    for one in sorted(set(classes[task.labels == 1])):
        values, chances, counts = [], [], []
        for rows, scores in runs:
            among = rows & ((task.labels == 0) | ((task.labels == 1) & (classes == one)))
            counts.append(int(task.labels[among].sum()))
            chances.append(counts[-1] / int(among.sum()))
            values.append(float(average_precision_score(task.labels[among], scores[among])) if counts[-1] else 0.0)
        if min(counts) >= FEWEST_OF_A_CLASS:
            many = round(float(np.mean(counts)))
            chance = float(np.mean(chances))
            yield compared(f"{told}, {one} ({many})", np.array(values), "prevalence of the class", chance)


def spread_out(rows: NDArray[np.bool_], scores: Floats) -> Floats:
    """The scores of ``rows`` (n,) each at its row, NaN elsewhere (n,)."""
    every = np.full(len(rows), np.nan)
    every[rows] = scores
    return every


def single(measure: str, value: float, unit: str, seeds: int) -> Figure:
    """A figure that stands alone and depends on no seed."""
    return Figure(measure, value, unit, "", None, None, 0.0, seeds)


def compared(measure: str, values: Floats, against: str, peer: float | None) -> Figure:
    """A figure over the seeds against a peer of the same run."""
    mean = float(values.mean())
    ratio = None if peer is None else mean / peer if peer else math.inf
    return Figure(measure, mean, "share", against, peer, ratio, float(values.std()), len(values))


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the rows to score")
    parser.add_argument("--history", type=Path, help="folder with earlier rows to learn from")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    for figure in figures(read_task(told.data, told.history), told.seeds):
        if told.json:
            print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)
        else:
            peer = f"  ({figure.against} {figure.against_value:.4f})" if figure.against_value is not None else ""
            print(f"{figure.measure:56s} {figure.value:.4f} ± {figure.spread:.4f}{peer}", flush=True)


if __name__ == "__main__":
    main()
