"""The delta detector in a hard simulated world: few faults among large differences that are none.

    python -m benchmarks.detection [--seeds N] [--first-seed N] [--json]

Each seed is a distributor of ``simulation.scenario.HARD``, whose constants differ from the training ones, taken through
the ledger and the reconciliation as it was told: nothing is known at a snapshot that came later. The shipped detector
meets it as the service does (``ml.anomaly.rolling``). Two weeks pass without labels, a week brings outcomes of alarms
and eight audits a day, two are the test (learning goes on), and in the last week demand is twice what it was.
A second world has faults of kinds that no feature was made for (``simulation.faults.unforeseen``) among ordinary ones.
Budgets are of alarms a day for 3,000 rows. Figures are means over the seeds, each beside its goal.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from benchmarks.rig.by_kind import Kinds, by_kind, figures_by_kind, without_a_sign
from benchmarks.rig.evidence_of_faults import EVIDENCE
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.lived_days import BUDGETS, HISTORY, Flags, Floats, Run, World, found, live, world_of
from ml.anomaly.calibration_watch import WATCHED_DAYS, guarantee_suspended, risen
from ml.anomaly.detector import fit
from ml.anomaly.feedback import learn
from ml.anomaly.specification import DELTA
from ml.registry.service_models import shipped_models
from simulation.faults.kinds import UNFORESEEN
from simulation.scenario import HARD, UNFORESEEN_WORLD

FEEDBACK, SURGE, END = 21, 35, 42
"""Days: until when there is feedback without a test, ordinary demand, anything."""
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
    "cold start true alarms explained by the cause": ("at least", 0.80),
    "with feedback true alarms explained by the cause": ("at least", 0.80),
    "with feedback ordinary days suspended": ("at most", 0.05),
    "with feedback days of doubled demand until suspended": ("goal G4, at most", 3.0),
}


def naive(world: World, seed: int) -> Floats:
    """A forest as it comes on the difference, its size and its share."""
    size = np.abs(world.signed)
    columns = np.stack([world.signed, size, size / (np.abs(world.expected) + 1)], axis=1)
    found: Floats = -IsolationForest(random_state=seed).fit(columns[world.day < HISTORY]).score_samples(columns)
    return found


def measured(seed: int) -> tuple[dict[str, float], Kinds]:
    """Every measure of one seed, and what was found with feedback of each kind of fault."""
    world = world_of(replace(HARD, seed=HARD.seed + seed))
    history, test = world.day < HISTORY, (world.day >= FEEDBACK) & (world.day < SURGE)
    models = shipped_models()
    shipped = models.delta_detector
    plain = naive(world, seed)
    unprimed = fit(DELTA, world.matrix[history], seed)
    cold = fit(DELTA, world.matrix[history], seed, shipped.prior)
    before = world.day < FEEDBACK
    taught = learn(cold, world.matrix[before], world.faulty[before], world.matrix[before & ~world.faulty], seed)
    runs = {"cold start": live(world, models, seed, False), "with feedback": live(world, models, seed, True)}
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
        "most row recall there can be": 1.0 - without_a_sign(world, test),
    }
    precision = {who: float(average_precision_score(faulty, score[test])) for who, score in scores.items()}
    told |= {f"{who} average precision": value for who, value in precision.items()}
    told["cold start over naive"] = precision["cold start"] / precision["naive IsolationForest"]
    told["with feedback over all labels"] = precision["with feedback"] / precision["all labels"]
    for who, run in runs.items():
        for budget, share in BUDGETS.items():
            seen, there = found(world, run.score, share, test, who == "with feedback")
            told[f"{who} recall of faults at {budget}"] = len(seen) / len(there)
            told[f"most recall of faults there can be at {budget}"] = min(1.0, share * test.sum() / len(there))
        told[f"{who} alarms in the test"] = float(run.alarm[test].sum())
        told[f"{who} false alarms in the test"] = float((run.alarm[test] & ~faulty).sum())
        beside = run.alarm[test] & ~faulty & world.troubled[test]
        told[f"{who} false alarms at or after a fault of the SKU"] = float(beside.sum())
        told[f"{who} false alarms that a cured fault left wrong"] = float((run.alarm & world.left)[test].sum())
        told[f"{who} row recall"] = float((run.alarm[test] & faulty).sum() / faulty.sum())
        told |= {f"{who} {measure}": value for measure, value in explained(world, run, test).items()}
    for who, run in runs.items():
        told |= {f"{who} {measure}": value for measure, value in suspensions(world, run.p).items()}
    seen, there = found(world, runs["with feedback"].score, BUDGETS["48 alarms a day"], test, True)
    return told, by_kind(world, test, there, seen, runs["with feedback"].alarm)


def explained(world: World, run: Run, test: Flags) -> dict[str, float]:
    """Of the true alarms of the test: how many there are, and at how many the first reason is evidence of the fault.

    Beside it at how many a feature drawn at random would be.
    """
    true = np.flatnonzero(test & run.alarm & world.faulty)
    evidence = [EVIDENCE[world.kind[fault]] for fault in world.fault[true]]
    named = [top in of for top, of in zip(run.top[true], evidence, strict=True)]
    return {
        "true alarms": float(len(true)),
        "true alarms explained by the cause": float(sum(named)),
        "true alarms explained by the cause at random": sum(map(len, evidence)) / len(DELTA.features.names),
    }


def suspensions(world: World, p: Floats) -> dict[str, float]:
    """On how many ordinary days the promise was suspended, and on which day of doubled demand."""
    days = range(HISTORY + WATCHED_DAYS, END)
    watched = {day: (world.day > day - WATCHED_DAYS) & (world.day <= day) for day in days}
    told = {
        day: guarantee_suspended(p[rows], world.day[rows]) or risen(world.moved, day) for day, rows in watched.items()
    }
    after = [day - SURGE + 1 for day in days if day >= SURGE and told[day]]
    ordinary = [told[day] for day in days if day < SURGE]
    return {
        "ordinary days suspended": sum(ordinary) / len(ordinary),
        "days of doubled demand until suspended": float(after[0]) if after else float(END - SURGE + 1),
    }


def unforeseen(seeds: int, first: int) -> Iterator[Figure]:
    """Faults of kinds that the features were not made for, by kind and over all seeds, at 48 alarms a day."""
    models = shipped_models()
    share = BUDGETS["48 alarms a day"]
    found_of: Counter[tuple[str, str]] = Counter()
    there_of: Counter[tuple[str, str]] = Counter()
    faulty: list[float] = []
    for seed in range(first, first + seeds):
        world = world_of(replace(UNFORESEEN_WORLD, seed=UNFORESEEN_WORLD.seed + seed))
        faulty.append(float(world.faulty.mean()))
        for who, since in (("cold start", HISTORY), ("with feedback", FEEDBACK)):
            run = live(world, models, seed, who == "with feedback")
            seen, there = found(world, run.score, share, world.day >= since, who == "with feedback")
            found_of.update((who, world.kind[fault]) for fault in seen)
            there_of.update((who, world.kind[fault]) for fault in there)
    yield Figure("unforeseen: faulty rows", float(np.mean(faulty)), "")
    for who in ("cold start", "with feedback"):
        for kind in UNFORESEEN:
            count = there_of[who, kind]
            recall = found_of[who, kind] / count if count else float("nan")
            yield Figure(f"unforeseen: {who} recall of {kind} at 48 alarms a day", recall, f"of {count} faults")


def figures(seeds: int, first: int) -> Iterator[Figure]:
    """Means over the seeds and their spread, each beside its goal."""
    runs, kinds = [], []
    for seed in range(first, first + seeds):
        told, of_kinds = measured(seed)
        runs.append(told)
        kinds.append(of_kinds)
        print(f"seed {seed}: {told}", file=sys.stderr, flush=True)
    means = {measure: float(np.mean([run[measure] for run in runs])) for measure in runs[0]}
    for who in ("cold start", "with feedback"):
        alarms = sum(run[f"{who} alarms in the test"] for run in runs)
        false = sum(run[f"{who} false alarms in the test"] for run in runs)
        means[f"{who} pooled false discoveries"] = false / max(1.0, alarms)
        left = sum(run[f"{who} false alarms that a cured fault left wrong"] for run in runs)
        means[f"{who} pooled false discoveries, what faults left wrong being true"] = (false - left) / max(1.0, alarms)
        true = means.pop(f"{who} true alarms") * len(runs)
        for how in ("by the cause", "by the cause at random"):
            measure = f"{who} true alarms explained {how}"
            means[measure] = means[measure] * len(runs) / max(1.0, true)
    for measure, value in means.items():
        against, goal = GOALS.get(measure, (None, None))
        yield Figure(measure, value, "", against, goal, value / goal if goal else None)
        if measure.endswith("average precision"):
            yield Figure(f"{measure}, spread", float(np.std([run[measure] for run in runs])), "")
    yield from figures_by_kind(kinds, "with feedback")
    yield from unforeseen(seeds, first)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.seeds, told.first_seed), told.json)


if __name__ == "__main__":
    main()
