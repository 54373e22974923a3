"""What the order of the worklist is worth: the loss that its first cases prevent, beside simpler orders and an oracle.

    python -m benchmarks.ranking [--seeds N] [--days N] [--skus N] [--json]

A simulated distributor, with constants that nothing was trained on and two weeks of many faults, goes through the real
path: files, ledger, reconciliation, triage, four looks at the worklist a day. At each look the first cases of the list
are put right, a quarter of the day's fixes. The simulator counts every order line that faults cost against a replay
of the same listing on the same demand and stock without them, and names the faults that spoiled it: a line is
prevented where all of them were put right before. A case that no open fault touches takes a fix and prevents nothing.
The oracle knows what is still to be lost to each fault and takes what prevents most next, at every look; once among
the cases on the list, which is what an order can do, and once among all faults that are open, on the list or not.

Beside that: of the cases on the list whose open signals faults left those of which all were over by the look before,
and among these those of which no figure differs from the books any more; and of the faults that a case told of those
that none tells of at a later look although they are open.
What was built was tried on seeds from 620,001 on; of those reported, from 610,000 on, the figures alone were seen.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from benchmarks.playback import Listed, Look, looks
from benchmarks.rig.figures import Figure, show
from benchmarks.sample_feed import touched_by
from ml.registry.service_models import shipped_models
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT, Scenario
from simulation.world import World

EVERY = timedelta(hours=6)
SETTLING_IN = timedelta(days=7)
"""The first week teaches what is usual; the list is not judged in it."""

MANY_FAULTS = replace(
    HELD_OUT, seed=610_000, days=14, constants=replace(HELD_OUT.constants, fault_multiplier=2.0, open_at_end=0)
)

FIXES_A_DAY = (4, 12)
ASKED = {4: 0.90, 12: 0.95}
ASKED_OVER_SIZE = 2.0

Key = Callable[[Listed], float]
"""What an order goes by, the largest first."""

ORDERS: Mapping[str, Key | None] = {
    "worklist": None,
    "newest": lambda case: case.opened_at.timestamp(),
    "oldest": lambda case: -case.opened_at.timestamp(),
    "|delta|": lambda case: case.difference,
    "price x |delta|": lambda case: case.difference_value,
    "velocity x price": lambda case: case.turnover,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One order line lost or oversold, and the faults that spoiled its listing."""

    at: datetime
    loss: float
    faults: frozenset[str]


@dataclass(frozen=True)
class Truth:
    """What happened: every costly line by time, when each fault was open, and which ids it left its trace on."""

    lines: Sequence[Line]
    opened: Mapping[str, tuple[datetime, datetime]]
    faults_of_id: Mapping[str, frozenset[str]]

    def open_among(self, ids: frozenset[str], at: datetime) -> frozenset[str]:
        """The faults that left a trace in ``ids`` and are open."""
        found = {fault for one in ids for fault in self.faults_of_id.get(one, ())}
        return frozenset(fault for fault in found if self.opened[fault][0] <= at < self.opened[fault][1])


def main() -> None:
    """Print what each order prevents, the mean over the seeds, and the worst seed of the worklist."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--days", type=int, default=MANY_FAULTS.days)
    parser.add_argument("--skus", type=int, default=MANY_FAULTS.skus)
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    scenario = replace(MANY_FAULTS, days=said.days, skus=said.skus)
    worlds = [prevented(replace(scenario, seed=scenario.seed + number)) for number in range(said.seeds)]
    show(figures(worlds), said.json)


Prevented = dict[str, Any]
"""``episodes``, ``ahead`` (the loss that could be prevented), and by (fixes a day, order) the loss prevented."""


def prevented(scenario: Scenario) -> Prevented:
    """Play one world and let every order work on its list."""
    world = simulate(scenario)
    truth = truth_of(world)
    judged_from = scenario.start + SETTLING_IN
    seen = [look for look in looks(world, shipped_models(), EVERY) if look.at >= judged_from]
    return worked(truth, seen, judged_from, scenario.end)


def worked(truth: Truth, seen: Sequence[Look], begin: datetime, end: datetime) -> Prevented:
    """What every order prevents on the same looks."""
    episodes = [fault for fault, (opened, closed) in truth.opened.items() if opened < end and closed > begin]
    found: Prevented = {
        "episodes": len(episodes),
        "ahead": sum(line.loss for line in truth.lines if line.at > begin),
        "listed": sum(len(look.cases) for look in seen) / max(len(seen), 1),
    }
    found |= _ended(truth, seen)
    for fixes in FIXES_A_DAY:
        at_once = round(fixes * EVERY / timedelta(days=1))
        for name, key in ORDERS.items():
            found[f"{fixes} {name}"] = _saved(truth, _by_order(truth, seen, key, at_once))
        found[f"{fixes} oracle"] = _saved(truth, _by_foresight(truth, seen, at_once, only_listed=True))
        found[f"{fixes} oracle of all faults"] = _saved(truth, _by_foresight(truth, seen, at_once, only_listed=False))
    return found


def truth_of(world: World) -> Truth:
    """The costly lines of ``world``, and its faults."""
    lines = [
        Line(row["at"], float(row["loss"]), frozenset(str(row["fault_ids"]).split())) for row in world.truth["losses"]
    ]
    beyond = world.scenario.end + timedelta(hours=world.scenario.constants.horizon_h)
    faults_of_id: dict[str, frozenset[str]] = {}
    opened = {}
    for fault in world.truth["faults"]:
        name = str(fault["fault_id"])
        opened[name] = (fault["started_at"], fault["ended_at"] or beyond)
        for one in touched_by(fault):
            faults_of_id[one] = faults_of_id.get(one, frozenset()) | {name}
    return Truth(lines, opened, faults_of_id)


def _ended(truth: Truth, seen: Sequence[Look]) -> dict[str, int]:
    """How cases end by themselves: too late, or too soon."""
    told_of: set[str] = set()
    dropped: set[str] = set()
    of_faults, late, agreeing = 0, 0, 0
    for look in seen:
        now_told: set[str] = set()
        for case in look.cases:
            told = {fault for one in case.touched for fault in truth.faults_of_id.get(one, ())}
            standing = {fault for one in case.stands_on for fault in truth.faults_of_id.get(one, ())}
            if standing:
                of_faults += 1
                is_late = max(truth.opened[fault][1] for fault in standing) < look.at - EVERY
                late += is_late
                agreeing += is_late and not case.differs
            now_told |= told
        dropped |= {f for f in told_of - now_told if truth.opened[f][0] <= look.at < truth.opened[f][1]}
        told_of |= now_told
    counts = {"of_faults": of_faults, "late": late, "agreeing": agreeing}
    return {**counts, "told_of": len(told_of), "dropped": len(dropped)}


def _by_order(truth: Truth, seen: Sequence[Look], key: Key | None, at_once: int) -> Mapping[str, datetime]:
    """When each fault is put right where people take the first ``at_once`` cases at every look."""
    fixed: dict[str, datetime] = {}
    looked_into: set[int] = set()
    for look in seen:
        taken = 0
        for case in look.cases if key is None else sorted(look.cases, key=key, reverse=True):
            faults = truth.open_among(case.touched, look.at)
            if faults <= fixed.keys() if faults else case.case_id in looked_into:
                continue  # over: put right with another case, or found to be nothing before
            fixed.update(dict.fromkeys(faults - fixed.keys(), look.at))
            looked_into.add(case.case_id)
            taken += 1
            if taken == at_once:
                break
    return fixed


def _by_foresight(truth: Truth, seen: Sequence[Look], at_once: int, *, only_listed: bool) -> Mapping[str, datetime]:
    """When each fault is put right by an oracle that takes at every look what prevents most from then on."""
    fixed: dict[str, datetime] = {}
    for look in seen:
        ahead = [line for line in truth.lines if line.at > look.at]
        bundles = {truth.open_among(case.touched, look.at) for case in look.cases}
        if not only_listed:
            bundles = {
                frozenset({f}) for f, (since, until) in truth.opened.items() if since <= look.at < until
            } | bundles
        for _ in range(at_once):
            gains = {bundle: _gain(ahead, bundle - fixed.keys(), fixed) for bundle in bundles}
            best = max(gains, key=lambda bundle: (gains[bundle], sorted(bundle)), default=frozenset[str]())
            for fault in best:
                fixed.setdefault(fault, look.at)
    return fixed


def _gain(ahead: Sequence[Line], bundle: frozenset[str], fixed: Mapping[str, datetime]) -> float:
    """The loss ahead that only the faults of ``bundle`` still cause."""
    if not bundle:
        return 0.0
    return sum(
        line.loss for line in ahead if line.faults & bundle and all(f in bundle or f in fixed for f in line.faults)
    )


def _saved(truth: Truth, fixed: Mapping[str, datetime]) -> float:
    return sum(line.loss for line in truth.lines if all(fixed.get(fault, line.at) < line.at for fault in line.faults))


def figures(worlds: Sequence[Prevented]) -> list[Figure]:
    """What is printed: shares of what could be prevented and of what the oracle prevents, over all worlds."""

    def mean(what: str, of: str) -> float:
        return statistics.fmean(world[what] / world[of] for world in worlds)

    told = [
        _figure("episodes, all seeds", sum(world["episodes"] for world in worlds), "faults"),
        _figure("cases on the list, mean", statistics.fmean(world["listed"] for world in worlds), "cases"),
    ]
    of_faults = max(1, sum(world["of_faults"] for world in worlds))
    for name, what in (("late", ""), ("agreeing", ", though no figure of theirs differs any more")):
        share = sum(world[name] for world in worlds) / of_faults
        said = f"cases still open a look after their faults were over{what}"
        told.append(_figure(said, share, "of cases", "asked", 0.0))
    dropped = sum(world["dropped"] for world in worlds) / max(1, sum(world["told_of"] for world in worlds))
    told.append(_figure("faults that no case tells of any more while they are open", dropped, "of faults told",
                        "asked", 0.0))  # fmt: skip
    for fixes in FIXES_A_DAY:
        oracle, ours, size = f"{fixes} oracle", f"{fixes} worklist", f"{fixes} price x |delta|"
        share = mean(ours, oracle)
        told.append(_figure(f"{fixes} fixes a day, worklist of oracle", share, "share", "asked", ASKED[fixes]))
        worst = min(world[ours] / world[oracle] for world in worlds)
        told.append(
            _figure(f"{fixes} fixes a day, worklist of oracle, worst seed", worst, "share", "asked", ASKED[fixes])
        )
        every = mean(ours, f"{fixes} oracle of all faults")
        told.append(_figure(f"{fixes} fixes a day, worklist of oracle of all faults", every, "share"))
        if fixes == FIXES_A_DAY[0]:
            times = share / mean(size, oracle)
            told.append(
                _figure(f"{fixes} fixes a day, worklist to {size[2:]}", times, "times", "asked", ASKED_OVER_SIZE)
            )
        for name in (*ORDERS, "oracle", "oracle of all faults"):
            part, of_ahead = mean(f"{fixes} {name}", oracle), mean(f"{fixes} {name}", "ahead")
            told.append(
                _figure(f"{fixes} fixes a day, {name}", of_ahead, "of loss", "oracle", mean(oracle, "ahead"), part)
            )
    return told


def _figure(
    name: str,
    value: float,
    unit: str,
    against: str | None = None,
    other: float | None = None,
    ratio: float | None = None,
) -> Figure:
    if ratio is None and other:
        ratio = value / other
    return Figure(
        name, round(value, 4), unit, against, None if other is None else round(other, 4), ratio and round(ratio, 4)
    )


if __name__ == "__main__":
    main()
