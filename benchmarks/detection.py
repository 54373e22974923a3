"""The delta detector in a hard simulated world: few faults among large differences that are none.

    python -m benchmarks.detection [--seeds N] [--json]

Each seed is a distributor of ``simulation.scenario.HARD``, whose constants differ from the training ones, taken through
the ledger and the reconciliation. The shipped detector meets it as the service does (``ml.anomaly.rolling``). Two weeks
pass without labels, a week brings outcomes of alarms and eight audits a day, a week is the test (learning goes on), and
in the last week demand is twice what it was.
Budgets are of alarms a day for 3,000 rows. Figures are means over the seeds, each beside its goal.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from api.jobs.simulated_facts import facts_of
from benchmarks.rig.figures import Figure, show
from ml.anomaly.calibration_watch import guarantee_suspended
from ml.anomaly.detector import Detector, Matrix, fit
from ml.anomaly.feedback import learn, to_look_at
from ml.anomaly.rolling import RollingScorer
from ml.anomaly.specification import DELTA
from ml.registry.service_models import shipped_models
from ml.training.detectors import describe_deltas
from simulation.scenario import HARD

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

HISTORY, FEEDBACK, SURGE, END = 14, 21, 28, 35
"""Days: until when there is history alone, feedback without a test, ordinary demand, anything."""
BUDGETS = {"48 alarms a day": 48 / 3_000, "8 alarms a day": 8 / 3_000}
WATCHED_DAYS = 3
GOALS: dict[str, tuple[str, float]] = {
    "|delta| average precision": ("at most", 0.10),
    "naive IsolationForest average precision": ("at most", 0.12),
    "cold start average precision": ("goal G1", 0.60),
    "cold start over naive": ("goal G1", 6.0),
    "with feedback average precision": ("goal G2", 0.90),
    "with feedback over all labels": ("goal G2", 0.95),
    "with feedback recall of faults at 48 alarms a day": ("goal G3", 0.85),
    "with feedback recall of faults at 8 alarms a day": ("goal G3", 0.75),
    "with feedback pooled false discoveries": ("goal G4, at most", 0.12),
    "with feedback row recall": ("goal G4", 0.80),
    "days of doubled demand until suspended": ("goal G4, at most", 3.0),
}


@dataclass(frozen=True)
class World:
    """Differences of one world by time (n, k), and the truth of each: the fault's name, empty where there is none."""

    matrix: Matrix
    fault: NDArray[np.str_]
    sku: NDArray[np.str_]
    moments: NDArray[np.int64]
    day: NDArray[np.int64]
    signed: Floats
    expected: Floats

    @property
    def faulty(self) -> Flags:
        """Rows that a fault touched."""
        return np.asarray(self.fault != "", dtype=np.bool_)


def world_of(seed: int) -> World:
    """One seed's world, through the ledger and the reconciliation."""
    facts = facts_of(replace(HARD, seed=HARD.seed + seed))
    frame = facts.deltas
    moments = frame["as_of"].dt.epoch("us").to_numpy()
    expected = (frame["expected"].fill_null(0) + frame["in_flight"].fill_null(0)).to_numpy()
    return World(
        matrix=describe_deltas(frame),
        fault=np.array(facts.fault_of_delta),
        sku=frame["sku"].to_numpy().astype(str),
        moments=moments,
        day=(moments - moments[0]) // 86_400_000_000,
        signed=frame["reported"].fill_null(0).to_numpy() - expected,
        expected=expected,
    )


def naive(world: World, seed: int) -> Floats:
    """A forest as it comes on the difference, its size and its share."""
    size = np.abs(world.signed)
    columns = np.stack([world.signed, size, size / (np.abs(world.expected) + 1)], axis=1)
    found: Floats = -IsolationForest(random_state=seed).fit(columns[world.day < HISTORY]).score_samples(columns)
    return found


@dataclass
class Run:
    """What a world looked like day by day: the score by the day's model, alarms, and what people had confirmed."""

    score: Floats
    alarm: Flags
    p: Floats


def live(world: World, shipped: Detector, seed: int, feedback: bool) -> Run:
    """Let the service score day by day; from ``HISTORY`` on people look at its strangest rows and at eight others."""
    n = len(world.day)
    run = Run(np.full(n, np.nan), np.zeros(n, dtype=bool), np.full(n, np.nan))
    looked, confirmed = np.zeros(n, dtype=bool), np.empty(0, dtype=np.str_)
    scorer = RollingScorer(DELTA, shipped, seed=seed)
    for day in range(END):
        here = np.flatnonzero(world.day == day)
        known = np.isin(world.fault[here], confirmed)
        scored = scorer.advance(world.matrix[here], world.moments[here], ~known)
        run.score[here], run.alarm[here] = scored.score, scored.anomalous
        run.p[here] = np.where(known, np.nan, scored.p_value)
        if day < HISTORY or not feedback:
            continue
        most = round(BUDGETS["48 alarms a day"] * len(here))
        looked[here[to_look_at(scored.score, most, seed * 1_000 + day)]] = True
        confirmed = np.unique(world.fault[looked & world.faulty])
        scorer.teach(world.matrix[looked], world.faulty[looked])
    return run


def found_within(world: World, score: Floats, share: float, test: Flags) -> float:
    """The share of faults of the test that are among the alarms, one a SKU and day, the strangest first."""
    seen: set[str] = set()
    for day in np.unique(world.day[test]):
        here = np.flatnonzero(world.day == day)
        order = here[np.argsort(-score[here], kind="stable")]
        _, first = np.unique(world.sku[order], return_index=True)
        seen |= set(world.fault[order[np.sort(first)][: max(1, round(share * len(here)))]])
    there = set(world.fault[test & world.faulty])
    return len(there & seen) / len(there)


def measured(seed: int) -> dict[str, float]:
    """Every measure of one seed."""
    world = world_of(seed)
    history, test = world.day < HISTORY, (world.day >= FEEDBACK) & (world.day < SURGE)
    shipped = shipped_models().delta_detector
    plain = naive(world, seed)
    unprimed = fit(DELTA, world.matrix[history], seed)
    cold = fit(DELTA, world.matrix[history], seed, shipped.prior)
    before = world.day < FEEDBACK
    taught = learn(cold, world.matrix[before], world.faulty[before], world.matrix[before & ~world.faulty], seed)
    runs = {"cold start": live(world, shipped, seed, False), "with feedback": live(world, shipped, seed, True)}
    scores = {
        "|delta|": np.abs(world.signed),
        "naive IsolationForest": plain,
        "shipped": shipped.score(world.matrix),
        "without the prior": unprimed.score(world.matrix),
        "cold start": runs["cold start"].score,
        "with feedback": runs["with feedback"].score,
        "all labels": taught.score(world.matrix) if taught else cold.score(world.matrix),
    }
    faulty = world.faulty[test]
    told = {
        "rows of the test": float(test.sum()),
        "faulty rows of the test": float(faulty.mean()),
        "faults of the test": float(len(np.unique(world.fault[test & world.faulty]))),
    }
    precision = {who: float(average_precision_score(faulty, score[test])) for who, score in scores.items()}
    told |= {f"{who} average precision": value for who, value in precision.items()}
    told["cold start over naive"] = precision["cold start"] / precision["naive IsolationForest"]
    told["with feedback over all labels"] = precision["with feedback"] / precision["all labels"]
    for who, run in runs.items():
        for budget, share in BUDGETS.items():
            told[f"{who} recall of faults at {budget}"] = found_within(world, run.score, share, test)
        told[f"{who} alarms in the test"] = float(run.alarm[test].sum())
        told[f"{who} false alarms in the test"] = float((run.alarm[test] & ~faulty).sum())
        told[f"{who} row recall"] = float((run.alarm[test] & faulty).sum() / faulty.sum())
    return told | suspensions(world, runs["cold start"].p)


def suspensions(world: World, p: Floats) -> dict[str, float]:
    """On how many ordinary days the promise was suspended, and on which day of doubled demand."""
    days = range(HISTORY + WATCHED_DAYS, END)
    told = {day: guarantee_suspended(p[(world.day > day - WATCHED_DAYS) & (world.day <= day)]) for day in days}
    after = [day - SURGE + 1 for day in days if day >= SURGE and told[day]]
    ordinary = [told[day] for day in days if day < SURGE]
    return {
        "ordinary days suspended": sum(ordinary) / len(ordinary),
        "days of doubled demand until suspended": float(after[0]) if after else float(END - SURGE + 1),
    }


def figures(seeds: int) -> Iterator[Figure]:
    """Means over the seeds and their spread, each beside its goal."""
    runs = [measured(seed) for seed in range(seeds)]
    means = {measure: float(np.mean([run[measure] for run in runs])) for measure in runs[0]}
    for who in ("cold start", "with feedback"):
        alarms = sum(run[f"{who} alarms in the test"] for run in runs)
        false = sum(run[f"{who} false alarms in the test"] for run in runs)
        means[f"{who} pooled false discoveries"] = false / max(1.0, alarms)
    for measure, value in means.items():
        against, goal = GOALS.get(measure, (None, None))
        yield Figure(measure, value, "", against, goal, value / goal if goal else None)
        if measure.endswith("average precision"):
            yield Figure(f"{measure}, spread", float(np.std([run[measure] for run in runs])), "")


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.seeds), told.json)


if __name__ == "__main__":
    main()
