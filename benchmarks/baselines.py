"""The baselines that the detectors must beat, beside them on the same rows and features.

    python -m benchmarks.baselines [--data DIR] [--seeds N] [--json]

Robust z, ECOD and low-rank Poisson (``ml.anomaly.baselines``). On differences of simulated distributors
(``simulation.scenario.HARD``): two weeks of history without labels, the next two weeks are scored, once by the detector
with what it brings along of faults elsewhere and once without. With ``--data`` also on real movements
(``benchmarks.retail_movements``). Low-rank Poisson sees units alone: how far a figure is off, by SKU and place; the
size of a movement, by SKU and hour of the day, as these data have one location.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from api.jobs.simulated_facts import facts_of
from benchmarks.retail_movements import as_events, precision_in_first_100, read_task
from benchmarks.rig.figures import Figure, show
from ml.anomaly.baselines import LowRankPoisson, Matrix, ecod, robust_z
from ml.anomaly.detector import fit
from ml.anomaly.specification import DELTA, MOVEMENTS
from ml.anomaly.training import BURN_IN_SHARE
from ml.features.movements import Movements, describe
from ml.features.running import Codes
from ml.registry.service_models import shipped_models
from ml.training.detectors import describe_deltas
from simulation.scenario import HARD

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY_US = 86_400_000_000
HISTORY_DAYS, UNTIL_DAY = 14, 28
MEASURES = {"average precision": average_precision_score, "precision@100": precision_in_first_100}


@dataclass(frozen=True)
class Counted:
    """Units (n,) of each row by SKU and place, both numbered from 0."""

    sku: Ints
    place: Ints
    units: Ints

    def surprise(self, history: slice | NDArray[np.bool_], rows: NDArray[np.bool_], seed: int) -> Floats:
        """How unlikely the units of ``rows`` are by the rates of ``history``."""
        sizes = int(self.sku.max()) + 1, int(self.place.max()) + 1
        model = LowRankPoisson.of(self.sku[history], self.place[history], self.units[history], *sizes, seed)
        return model.surprise(self.sku[rows], self.place[rows], self.units[rows])


def baselines(history: Matrix, rows: Matrix) -> dict[str, Floats]:
    """The two that look at features."""
    return {"robust z": robust_z(history, rows), "ECOD": ecod(history, rows)}


def in_simulation(seed: int) -> dict[str, float]:
    """Average precision of the detectors and of each baseline on the differences of one distributor."""
    facts = facts_of(replace(HARD, seed=HARD.seed + seed))
    frame, matrix = facts.deltas, describe_deltas(facts.deltas)
    moments = frame["as_of"].dt.epoch("us").to_numpy()
    day, faulty = (moments - moments[0]) // DAY_US, np.array([bool(fault) for fault in facts.fault_of_delta])
    history, rows = day < HISTORY_DAYS, (day >= HISTORY_DAYS) & (day < UNTIL_DAY)
    due = frame["expected"].fill_null(0) + frame["in_flight"].fill_null(0)
    off = (frame["reported"].fill_null(0) - due).abs().round().cast(int).to_numpy()
    place = Codes().advance(frame["location"].fill_null("") + "\x1f" + frame["channel"].fill_null(""))
    counted = Counted(Codes().advance(frame["sku"]), place, off)
    found = baselines(matrix[history], matrix[rows]) | {"low-rank Poisson": counted.surprise(history, rows, seed)}
    prior = shipped_models().delta_detector.prior
    for name, brought in (("differences", prior), ("differences, nothing brought along", None)):
        found[name] = fit(DELTA, matrix[history], seed, brought).score(matrix[rows])
    return {who: float(average_precision_score(faulty[rows], scores)) for who, scores in found.items()}


def on_real_movements(data: Path, seeds: int) -> Iterator[Figure]:
    """The three movement detectors, each beside the baselines on its own features."""
    task = read_task(data, None)
    described = describe(Movements.from_events(as_events(task.feed)))
    scored = np.concatenate([np.zeros(task.history_rows, dtype=bool), task.labels >= 0])
    labels = task.labels[task.labels >= 0]
    history = slice(int(task.history_rows * BURN_IN_SHARE), task.history_rows)
    hour, units = task.feed["ts"].dt.hour().to_numpy().astype(np.int64), task.feed["delta"].abs().to_numpy()
    counted = Counted(Codes().advance(task.feed["sku"]), hour, units)
    for name, specification in MOVEMENTS.items():
        matrix = described.matrix(specification.features)
        peers = baselines(matrix[history], matrix[scored])
        peers["low-rank Poisson"] = counted.surprise(history, scored, 0)
        own = [fit(specification, matrix[history], seed).score(matrix[scored]) for seed in range(seeds)]
        for measure, of in MEASURES.items():
            value = float(np.mean([of(labels, scores) for scores in own]))
            for peer, scores in peers.items():
                yield beside(f"{name} {measure}, {peer}", value, peer, float(of(labels, scores)))


def figures(data: Path | None, seeds: int) -> Iterator[Figure]:
    """Every line."""
    runs = [in_simulation(seed) for seed in range(seeds)]
    mean = {who: float(np.mean([run[who] for run in runs])) for who in runs[0]}
    ours = [who for who in mean if who.startswith("differences")]
    for who in ours:
        for peer in mean:
            if peer not in ours:
                yield beside(f"{who}, average precision, {peer}", mean[who], peer, mean[peer])
    if data is not None:
        yield from on_real_movements(data, seeds)


def beside(measure: str, value: float, peer: str, peer_value: float) -> Figure:
    """The detector's value against a baseline's of the same run."""
    return Figure(measure, value, "share", peer, peer_value, value / peer_value)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with the real movements")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.data, told.seeds), told.json)


if __name__ == "__main__":
    main()
