"""Stock that is in every book and on no shelf: how soon its missing sales are noticed, and how often for nothing.

    python -m benchmarks.unsold [--seeds N] [--first-seed N] [--days N] [--json]

Simulated warehouses of eight weeks in which nobody finds the stock of a SKU for up to three weeks, and the same
worlds without a fault. Events reach the ledger as they were recorded, and expectations are looked at every six hours of
the world's time, from an empty database on. Beside it, on the same worlds, a rule of thumb: no sale for seven days of
a SKU in stock. The figures are from a simulation; silent sources are measured by ``benchmarks.expectations``.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import text

from api.jobs.told_world import MASTER_DATA
from benchmarks.expectations import recorded_at
from benchmarks.rig.figures import Figure, show
from core_sync.clock import from_microseconds, now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.expectations.round import expect
from core_sync.intake.load import load_files
from core_sync.interchange.events import read_events
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from simulation.distributor import simulate
from simulation.scenario import UNSOLD, Scenario
from simulation.world import World
from simulation.write import write_world

STEP = timedelta(hours=6)
LEARNING = timedelta(days=21)
"""False alarms and faults are counted from here on: before, too little is known to expect anything."""
THUMB = timedelta(days=7)
AFTERWARDS = timedelta(days=3)
"""A SKU found again needs a sale to close what was told; alarms this long after the cure are still of the fault."""
RULE = "no sale for seven days"


@dataclass(frozen=True)
class Told:
    """A SKU (or a location) that was told, and when."""

    name: str
    at: datetime


@dataclass(frozen=True)
class Played:
    """One world and what was told of it: by expectations, by the rule of thumb, and of quiet days."""

    world: World
    unsold: Sequence[Told]
    by_thumb: Sequence[Told]
    quiet: Sequence[Told]


def play(scenario: Scenario) -> Played:
    """Play the world into a ledger as it was recorded, looking every ``STEP``."""
    world = simulate(scenario)
    by_thumb: list[Told] = []
    with TemporaryDirectory() as name:
        write_world(world, Path(name), ".parquet")
        events = [one for one in read_events(Path(name) / "events.parquet") if isinstance(one, Event)]
        database = Database(f"sqlite:///{name}/stock.db")
        upgrade(database)
        ledger = Ledger(database)
        for table in MASTER_DATA:
            load_files(ledger, table, [Path(name) / f"{table}.parquet"], now())
        recorded = [recorded_at(event) for event in events]
        at, done = scenario.start, 0
        open_: set[str] = set()
        while at < scenario.end:
            at += STEP
            stop = done
            while stop < len(events) and recorded[stop] <= at:
                stop += 1
            if stop > done:
                ledger.apply(events[done:stop], recorded[done:stop])
            done = stop
            expect(database, at)
            slow = _by_thumb(database, at)
            by_thumb += [Told(sku, at) for sku in sorted(slow - open_)]
            open_ = slow
        with database.reading() as connection:
            told = connection.execute(text(_TOLD)).all()
        database.close()
    by_kind: dict[str, list[Told]] = {"expect.stock_sells": [], "expect.place_ships": []}
    for row in told:
        if row.operation in by_kind:
            by_kind[row.operation].append(Told(row.sku or row.location, from_microseconds(row.recorded_at)))
    return Played(world, by_kind["expect.stock_sells"], by_thumb, by_kind["expect.place_ships"])


def _by_thumb(database: Database, at: datetime) -> set[str]:
    bound = {"since": int((at - THUMB).timestamp() * 1e6)}
    with database.reading() as connection:
        return set(connection.execute(text(_NOT_SOLD), bound).scalars())


def of_fault(told: Told, fault: Mapping[str, Any], end: datetime) -> bool:
    """Whether what was told is of ``fault``."""
    until = (fault["ended_at"] or end) + AFTERWARDS
    return bool(told.name == fault["sku"] and fault["missing_at"] <= told.at <= until)


def faults_of(world: World) -> list[Mapping[str, Any]]:
    """Stock that nobody found, from the end of learning on."""
    begun = world.scenario.start + LEARNING
    return [
        one for one in world.truth["faults"]
        if one["subclass"] == "phantom_stock" and one["missing_at"] is not None and one["missing_at"] >= begun
    ]  # fmt: skip


def false_a_month(played: Sequence[Played], told: Sequence[Sequence[Told]]) -> float:
    """False alarms for each SKU and month of 30 days."""
    false, months = 0, 0.0
    for one, alarms in zip(played, told, strict=True):
        scenario = one.world.scenario
        months += scenario.skus * (scenario.end - scenario.start - LEARNING) / timedelta(days=30)
        every = [f for f in one.world.truth["faults"] if f["subclass"] == "phantom_stock" and f["missing_at"]]
        false += sum(
            alarm.at >= scenario.start + LEARNING and not any(of_fault(alarm, fault, scenario.end) for fault in every)
            for alarm in alarms
        )
    return false / months


def delays(played: Sequence[Played], told: Sequence[Sequence[Told]]) -> tuple[float, float, list[float]]:
    """Recall of all faults, of those of SKUs that sell a line a day or more, and days until each was told."""
    found: list[float] = []
    all_, quick, quick_found = 0, 0, 0
    for one, alarms in zip(played, told, strict=True):
        a_day = lines_a_day(one.world)
        for fault in faults_of(one.world):
            first = min((alarm.at for alarm in alarms if of_fault(alarm, fault, one.world.scenario.end)), default=None)
            sells = a_day.get(str(fault["sku"]), 0.0) >= 1.0
            all_, quick = all_ + 1, quick + sells
            if first is not None:
                quick_found += sells
                found.append((first - fault["missing_at"]) / timedelta(days=1))
    return len(found) / max(1, all_), quick_found / max(1, quick), found


def lines_a_day(world: World) -> dict[str, float]:
    """Lines shipped a day by SKU."""
    counts: dict[str, float] = {}
    for event in world.tables["events"]:
        if event["type"] == "ship":
            counts[event["sku"]] = counts.get(event["sku"], 0.0) + 1 / world.scenario.days
    return counts


def figures(seeds: int, first: int, days: int) -> Iterator[Figure]:
    """Every line, each beside the rule of thumb."""
    scenario = replace(UNSOLD, days=days)
    disturbed = [play(replace(scenario, seed=first + number)) for number in range(seeds)]
    clean = replace(scenario, constants=replace(scenario.constants, fault_multiplier=0.0))
    undisturbed = [play(replace(clean, seed=first + number)) for number in range(seeds)]
    ours, thumb = [one.unsold for one in disturbed], [one.by_thumb for one in disturbed]
    yield Figure("phantom stock: faults", float(sum(len(faults_of(one.world)) for one in disturbed)), "faults")
    recall, of_quick, found = delays(disturbed, ours)
    their_recall, their_quick, their_found = delays(disturbed, thumb)
    yield _beside("phantom stock: recall", recall, "share", their_recall)
    yield _beside("phantom stock: recall of SKUs that sell a line a day", of_quick, "share", their_quick)
    for name, share in (("median", 0.5), ("p90", 0.9)):
        values = [float(np.quantile(one, share)) if one else float("nan") for one in (found, their_found)]
        yield _beside(f"phantom stock: {name} delay", values[0], "days", values[1])
    for told, worlds in (("with", disturbed), ("without", undisturbed)):
        values = [false_a_month(worlds, [one.unsold for one in worlds]),
                  false_a_month(worlds, [one.by_thumb for one in worlds])]  # fmt: skip
        yield _beside(f"false alarms a SKU-month, worlds {told} faults", values[0], "alarms/SKU-month", values[1])
    quiet = sum(len(one.quiet) for one in undisturbed) / sum(one.world.scenario.days for one in undisturbed)
    yield Figure("quiet days told without a fault", quiet, "a day")


def _beside(measure: str, value: float, unit: str, against: float) -> Figure:
    return Figure(measure, value, unit, RULE, against, value / against if against else None)


_TOLD = "SELECT operation, sku, location, recorded_at FROM failure WHERE kind = 'expectation'"

_NOT_SOLD = """
SELECT p.sku FROM position p GROUP BY p.sku
HAVING SUM(p.on_hand - p.allocated - p.quality_hold) > 0 AND NOT EXISTS (
    SELECT 1 FROM position o JOIN ledger_entry l ON l.position_id = o.position_id
    WHERE o.sku = p.sku AND l.type = 'ship' AND l.occurred_at >= :since)
"""


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="worlds, each with and without faults")
    parser.add_argument("--first-seed", type=int, default=60_001, help="seed of the first world")
    parser.add_argument("--days", type=int, default=UNSOLD.days, help="length of each world")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.seeds, told.first_seed, told.days), told.json)


if __name__ == "__main__":
    main()
