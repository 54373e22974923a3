"""A simulated distributor met day by day as the service does it, and what people say of the rows they look at."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from api.jobs.simulated_facts import facts_of
from core_sync.clock import to_microseconds
from ml.anomaly.detector import Matrix
from ml.anomaly.feedback import to_look_at
from ml.anomaly.rolling import RollingScorer
from ml.anomaly.specification import DELTA
from ml.anomaly.verdicts import Verdicts, heeded, said_of
from ml.registry.service_models import ServiceModels
from ml.training.detectors import describe_deltas
from simulation.scenario import Scenario
from simulation.world import Rows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY_US = 86_400_000_000
AFTER_US = DAY_US
"""What a fault left may be seen for so long after its end."""
HISTORY = 14
"""Days until when nobody looks at anything."""
NEW_LABELS = 30
"""What people say is learnt whenever there is so much more of it: every second day (the service learns at once)."""
BUDGETS = {"48 alarms a day": 48 / 3_000, "8 alarms a day": 8 / 3_000}


@dataclass(frozen=True)
class World:
    """Differences of one world by time (n, k), and the truth of each: the fault's name, empty where there is none.

    ``kind`` is the kind of each named fault, ``moved`` counts movements by day.
    """

    facts: pl.DataFrame
    matrix: Matrix
    fault: NDArray[np.str_]
    kind: dict[str, str]
    sku: NDArray[np.str_]
    moments: NDArray[np.int64]
    day: NDArray[np.int64]
    signed: Floats
    expected: Floats
    moved: dict[int, int]
    troubled: Flags
    """Rows of a SKU that a fault touches, at a moment while it lasts or within ``AFTER_US`` of its end."""
    left_by: NDArray[np.str_]
    """The fault that touched a row's figure and, though cured, has left it wrong ever since; none of the ``faulty``."""

    @property
    def faulty(self) -> Flags:
        """Rows that a fault touched."""
        return np.asarray(self.fault != "", dtype=np.bool_)

    @property
    def left(self) -> Flags:
        """Rows whose figure is wrong because of a fault that is cured."""
        return np.asarray(self.left_by != "", dtype=np.bool_)


def world_of(scenario: Scenario) -> World:
    """A scenario's world, through the ledger and the reconciliation."""
    facts = facts_of(scenario)
    frame = facts.deltas
    moments = frame["as_of"].dt.epoch("us").to_numpy()
    expected = (frame["expected"].fill_null(0) + frame["in_flight"].fill_null(0)).to_numpy()
    sku = frame["sku"].to_numpy().astype(str)
    return World(
        facts=frame,
        matrix=describe_deltas(frame),
        fault=np.array(facts.fault_of_delta),
        kind={str(row["fault_id"]): str(row["subclass"]) for row in facts.faults},
        sku=sku,
        moments=moments,
        day=(moments - moments[0]) // DAY_US,
        signed=frame["reported"].fill_null(0).to_numpy() - expected,
        expected=expected,
        moved=dict(Counter(((facts.movements["occurred_at"].to_numpy() - moments[0]) // DAY_US).tolist())),
        troubled=_troubled(facts.faults, sku, moments),
        left_by=np.array(facts.left_by),
    )


def _troubled(faults: Rows, sku: NDArray[np.str_], moments: NDArray[np.int64]) -> Flags:
    found = np.zeros(len(sku), dtype=bool)
    for fault in faults:
        began, ended = (moment and to_microseconds(moment) for moment in (fault["started_at"], fault["ended_at"]))
        during = (moments >= began) & (moments <= (moments[-1] if ended is None else ended + AFTER_US))
        found |= during & np.isin(sku, str(fault["skus"]).split())
    return found


@dataclass
class Run:
    """What a world looked like day by day: the score by the day's model, alarms, p-values, and why (see ``live``)."""

    score: Floats
    alarm: Flags
    p: Floats
    top: NDArray[np.str_]
    """The first reason's feature, empty where there is none."""
    chance: Floats
    """Of a fault, as it was thought when the row was scored."""


def live(world: World, models: ServiceModels, seed: int, feedback: bool) -> Run:
    """Let the service score day by day; from ``HISTORY`` on people look at its strangest rows and at eight others.

    What they say of faults and of alarms holds of later rows of the figure (``ml.anomaly.verdicts``); its score does
    not change by that. Rows of faults that they confirmed have no p-value.
    """
    n = len(world.day)
    run = Run(
        np.full(n, np.nan),
        np.zeros(n, dtype=bool),
        np.full(n, np.nan),
        np.full(n, "", dtype="<U40"),
        np.full(n, np.nan),
    )
    looked, confirmed = np.zeros(n, dtype=bool), np.empty(0, dtype=np.str_)
    scorer, learnt_from = RollingScorer(DELTA, models.delta_detector, seed=seed), 0
    verdicts = Verdicts()
    for day in range(int(world.day[-1]) + 1):
        here = np.flatnonzero(world.day == day)
        known = np.isin(world.fault[here], confirmed)
        scored = scorer.advance(world.matrix[here], world.moments[here], ~known)
        chance = (scored.curve or models.delta_fault_curve).probability(scored.score)
        run.chance[here] = chance
        told = verdicts.tell(world.facts[here], world.matrix[here])
        run.score[here], run.alarm[here] = scored.score, heeded(scored.anomalous, chance, told)
        run.p[here] = np.where(known, np.nan, scored.p_value)
        run.top[here] = [told[0].feature if told else "" for told in scored.reasons]
        if day < HISTORY or not feedback:
            continue
        most = round(BUDGETS["48 alarms a day"] * len(here))
        seen = here[to_look_at(scored.score, most, seed * 1_000 + day)]
        looked[seen] = True
        heard = seen[world.faulty[seen] | run.alarm[seen]]
        verdicts.hear(said_of(world.facts[heard], world.matrix[heard], world.faulty[heard]))
        confirmed = np.unique(world.fault[looked & world.faulty])
        if looked.sum() >= learnt_from + NEW_LABELS:
            learnt_from = int(looked.sum())
            scorer.teach(world.matrix[looked], world.faulty[looked])
    return run


def found(world: World, score: Floats, share: float, test: Flags, judged: bool) -> tuple[set[str], set[str]]:
    """The faults among the alarms of the test, and all faults of the test.

    A share of each day's rows raises alarms, the strangest first and one a SKU; what is left of a day's share is kept
    for later. A row of a fault that an earlier alarm found, or that this left wrong, is no alarm: it joins the case
    that is open. Where alarms are ``judged``, one that was false is none again while its difference stays the same.
    """
    seen: set[str] = set()
    allowed, verdicts = 0.0, Verdicts()
    for day in np.unique(world.day[test]):
        of_day = np.flatnonzero(world.day == day)
        known = np.isin(world.fault[of_day], list(seen)) | np.isin(world.left_by[of_day], list(seen))
        here = of_day[~known & (verdicts.tell(world.facts[of_day], world.matrix[of_day]) >= 0)]
        allowed += share * len(of_day)
        order = here[np.argsort(-score[here], kind="stable")]
        _, first = np.unique(world.sku[order], return_index=True)
        alarms = order[np.sort(first)][: int(allowed)]
        allowed -= len(alarms)
        seen |= set(world.fault[alarms]) - {""}
        if judged:
            false = alarms[~world.faulty[alarms]]
            verdicts.hear(said_of(world.facts[false], world.matrix[false], world.faulty[false]))
    there = set(world.fault[test & world.faulty])
    return there & seen, there
