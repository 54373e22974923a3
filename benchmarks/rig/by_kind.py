"""Which faults are found, kind by kind, and which of their rows show nothing that could be found."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.rig.figures import Figure
from benchmarks.rig.lived_days import Flags, World
from ml.features.definitions import DELTA_SET

SIGNS = ("least_against_own", "steady_anywhere", "behind", "failures_of_system", "failures_there")
"""Where all of these are nothing, what is under way explains the row, all else agrees, and nothing was told."""


@dataclass
class Kinds:
    """Faults and faulty rows of a test by kind, and how many of them were found."""

    faults: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)


def by_kind(world: World, test: Flags, there: Iterable[str], seen: Iterable[str], alarm: Flags) -> Kinds:
    """The faults ``there`` and those ``seen``; rows of the ``test`` (n,), and those among the alarms (n,)."""

    def rows(of: Flags) -> Counter[str]:
        return Counter(world.kind[fault] for fault in world.fault[of])

    faulty = test & world.faulty
    return Kinds(
        Counter(world.kind[fault] for fault in there),
        Counter(world.kind[fault] for fault in seen),
        rows(faulty),
        rows(faulty & alarm),
    )


def without_a_sign(world: World, test: Flags) -> float:
    """The share of the test's faulty rows that no detector can tell from ordinary ones: none of ``SIGNS`` is there."""
    shown = np.nan_to_num(world.matrix[:, DELTA_SET.columns(SIGNS)]) != 0
    return float((~shown.any(axis=1))[test & world.faulty].mean())


def figures_by_kind(kinds: Iterable[Kinds], who: str) -> Iterator[Figure]:
    """Recall of each kind over all seeds: of its faults at 48 alarms a day, and of its rows among the alarms."""
    total = Kinds()
    for one in kinds:
        total.faults += one.faults
        total.found += one.found
        total.rows += one.rows
        total.alarms += one.alarms
    for kind, count in sorted(total.rows.items()):
        faults = total.faults[kind]
        recall = total.found[kind] / faults if faults else float("nan")
        yield Figure(f"{who} recall of {kind} at 48 alarms a day", recall, f"of {faults} faults")
        yield Figure(f"{who} row recall of {kind}", total.alarms[kind] / count, f"of {count} rows")
