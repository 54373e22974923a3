"""Whether what does not come is missed: expectations against the truth of simulated warehouses.

    python -m benchmarks.expectations [--seeds N] [--first-seed N] [--days N] [--json]

Worlds with warehouses closed at night and on weekends; shipments that are not confirmed, sources that fall silent,
returns nobody decides, transfers that do not arrive, none of which anybody reports. Events reach the ledger as they
were recorded, and a round of expectations is done every fifteen minutes of the world's time, from an empty database
on: nothing is learned beforehand. Beside it, on the same worlds, fixed deadlines by the clock. The same worlds
without a fault tell what is raised for nothing. The figures are from a simulation.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import text

from api.jobs.told_world import MASTER_DATA
from core_sync.clock import from_microseconds, now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.expectations.round import expect
from core_sync.intake.load import load_files
from core_sync.interchange.events import read_events
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from simulation.distributor import simulate
from simulation.scenario import EXPECTING, UNDISTURBED, Scenario
from simulation.world import World
from simulation.write import write_world

STEP = timedelta(minutes=15)

EXPECTED_OF = {
    "late_confirmation": "pick_to_ship", "stuck_return": "return_to_decision", "lost_transfer": "transfer_to_arrival",
    "silent_source": "source_speaks",
}  # fmt: skip
"""Which kind of expectation each kind of fault breaks."""

FIXED = {
    "pick_to_ship": timedelta(hours=4), "return_to_decision": timedelta(hours=30),
    "transfer_to_arrival": timedelta(hours=30), "source_speaks": timedelta(minutes=60),
}  # fmt: skip
"""Deadlines by the clock that a person would set: a little above what working hours need."""


@dataclass(frozen=True)
class Breach:
    """Something told to be missing: of which document, or of which source and place, and when it was told."""

    kind: str
    document: str
    system: str
    location: str
    told_at: datetime


@dataclass(frozen=True)
class Found:
    """What one way of expecting found in one world: its breaches, and the first true one of each fault."""

    breaches: Sequence[Breach]
    first: Mapping[str, Breach]
    false: Sequence[Breach]


def main() -> None:
    """Print recall, delay and false breaches over some worlds, each beside fixed deadlines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seeds", type=int, default=3, help="worlds, each with and without faults")
    parser.add_argument("--first-seed", type=int, default=50_001, help="seed of the first world")
    parser.add_argument("--days", type=int, default=EXPECTING.days, help="length of each world")
    said = parser.parse_args()
    seeds = range(said.first_seed, said.first_seed + said.seeds)
    disturbed = [one_world(replace(EXPECTING, seed=seed, days=said.days)) for seed in seeds]
    undisturbed = [one_world(replace(UNDISTURBED, seed=seed, days=said.days)) for seed in seeds]
    for row in figures(disturbed, undisturbed, said.days):
        print(json.dumps(row) if said.json else f"{row['measure']:58} {row['value']} {row['unit']} "
              f"({row['against']}: {row['against_value']})")  # fmt: skip


def one_world(scenario: Scenario) -> tuple[World, Found, Found]:
    """A world, what expectations found in it, and what fixed deadlines would have."""
    world = simulate(scenario)
    with TemporaryDirectory() as name:
        write_world(world, Path(name), ".parquet")
        events = [one for one in read_events(Path(name) / "events.parquet") if isinstance(one, Event)]
        database = Database(f"sqlite:///{name}/stock.db")
        upgrade(database)
        learned = played(database, Path(name), events, scenario)
        database.close()
    return world, judged(world, learned), judged(world, list(by_fixed_deadlines(events, scenario.end)))


def played(database: Database, folder: Path, events: Sequence[Event], scenario: Scenario) -> list[Breach]:
    """Play the world into the ledger as it was recorded, a round of expectations each step; what was told."""
    ledger = Ledger(database)
    for table in MASTER_DATA:
        load_files(ledger, table, [folder / f"{table}.parquet"], now())
    at, done = scenario.start, 0
    recorded = [recorded_at(event) for event in events]
    while at < scenario.end:
        at += STEP
        stop = done
        while stop < len(events) and recorded[stop] <= at:
            stop += 1
        if stop > done:
            ledger.apply(events[done:stop], recorded[done:stop])
        done = stop
        expect(database, at)
    with database.reading() as connection:
        return [
            Breach(row.operation.removeprefix("expect."), row.document or "", row.system or "", row.location or "",
                   from_microseconds(row.recorded_at))
            for row in connection.execute(text(_TOLD))
        ]  # fmt: skip


def recorded_at(event: Event) -> datetime:
    """When we heard of ``event``."""
    return datetime.fromisoformat(event.attributes["recorded_at"])


def by_fixed_deadlines(events: Sequence[Event], end: datetime) -> Iterator[Breach]:
    """What fixed deadlines by the clock tell of the same stream."""
    begun_by = {"pick": "pick_to_ship", "return_received": "return_to_decision", "transfer_out": "transfer_to_arrival"}
    met_by = {"ship": "pick_to_ship", "restock": "return_to_decision", "scrap": "return_to_decision",
              "transfer_in": "transfer_to_arrival"}  # fmt: skip
    open_: dict[tuple[str, str, str, str], Event] = {}
    heard: dict[str, datetime] = {}
    for event in events:
        at = recorded_at(event)
        if event.source == "wms":
            for place in (event.location, ""):
                last = heard.get(place)
                if last is not None and at - last > FIXED["source_speaks"]:
                    yield Breach("source_speaks", "", "wms", place, last + FIXED["source_speaks"])
                heard[place] = at
        kind = str(event.type)
        if kind in begun_by:
            open_.setdefault((begun_by[kind], event.document, event.line, event.sku), event)
        elif kind in met_by or kind == "order_cancelled":
            what = met_by.get(kind, "pick_to_ship")
            begun = open_.pop((what, event.document, event.line, event.sku), None)
            if begun is not None and at - begun.occurred_at > FIXED[what]:
                yield Breach(what, event.document, "wms", begun.location, begun.occurred_at + FIXED[what])
    for (what, document, _, _), begun in open_.items():
        if end - begun.occurred_at > FIXED[what]:
            yield Breach(what, document, "wms", begun.location, begun.occurred_at + FIXED[what])


def judged(world: World, breaches: Sequence[Breach]) -> Found:
    """Which breaches are of a fault, and which are false; that a supplier is late is true too."""
    first: dict[str, Breach] = {}
    false = []
    late = late_deliveries(world)
    for breach in sorted(breaches, key=lambda one: one.told_at):
        of = [fault for fault in world.truth["faults"] if is_of(breach, fault)]
        if not of and breach.document not in late:
            false.append(breach)
        for fault in of:
            if breach.kind == EXPECTED_OF[str(fault["subclass"])]:
                first.setdefault(str(fault["fault_id"]), breach)
    return Found(breaches, first, false)


def late_deliveries(world: World) -> set[str]:
    """Documents of purchases that came more than a day after they were promised, or have not come by then."""
    due = {(row["sku"], row["ordered_at"]): row["due_at"] for row in world.truth["promises"]}
    late = {
        (row["sku"], row["ordered_at"])
        for row in world.tables["deliveries"]
        if (row["sku"], row["ordered_at"]) in due
        and (row["received_at"] or world.scenario.end) > due[row["sku"], row["ordered_at"]] + timedelta(days=1)
    }
    announced = (row for row in world.tables["events"] if row["type"] == "inbound_announced")
    return {str(row["document"]) for row in announced if (row["sku"], row["time"]) in late}


def is_of(breach: Breach, fault: Mapping[str, Any]) -> bool:
    """Whether a fault kept back what is missed: at the time, for that document, or of that source and place."""
    if fault["missing_at"] is None or not fault["missing_at"] <= breach.told_at:
        return False
    if fault["ended_at"] is not None and breach.told_at > fault["ended_at"] + STEP + timedelta(minutes=15):
        return False
    if breach.kind == "source_speaks":
        return fault["subclass"] == "silent_source" and fault["location"] in (breach.location, "")
    return breach.document in str(fault["documents"]).split()


def figures(
    disturbed: Sequence[tuple[World, Found, Found]], undisturbed: Sequence[tuple[World, Found, Found]], days: int
) -> Iterator[dict[str, Any]]:
    """The printed lines, each beside fixed deadlines."""
    by_way = [[learned for _, learned, _ in disturbed], [fixed for _, _, fixed in disturbed]]
    for kind in EXPECTED_OF:
        faults = [(n, f) for n, (world, _, _) in enumerate(disturbed) for f in world.truth["faults"]
                  if f["subclass"] == kind and f["missing_at"] is not None]  # fmt: skip
        yield _line(f"{kind}: faults", len(faults), "faults")
        yield _line(f"{kind}: recall", *_units("share", [_recall(faults, found) for found in by_way]))
        lasting = [(n, fault) for n, fault in faults if _lasted(fault, disturbed[n][0]) >= FIXED[EXPECTED_OF[kind]]]
        hours = FIXED[EXPECTED_OF[kind]].total_seconds() / 3600
        name = f"{kind}: recall of the {len(lasting)} missing for {hours:g} h or more"
        yield _line(name, *_units("share", [_recall(lasting, found) for found in by_way]))
        late = [_delays(faults, found) for found in by_way]
        for name, at in (("median", 0.5), ("p90", 0.9)):
            yield _line(f"{kind}: {name} delay after it went missing", *_units("h", [_at(one, at) for one in late]))
    for name, worlds in (("worlds with faults", disturbed), ("worlds without faults", undisturbed)):
        for when, first_day in (("", 0), (" after two weeks", 14)):
            if days > first_day:
                learned = _false_a_day([(world, found) for world, found, _ in worlds], first_day)
                fixed = _false_a_day([(world, found) for world, _, found in worlds], first_day)
                yield _line(f"false breaches a day{when}, {name}", learned, "breaches/day", fixed)


def _false_a_day(worlds: Sequence[tuple[World, Found]], first_day: int) -> float:
    told = sum(
        one.told_at >= world.scenario.start + timedelta(days=first_day)
        for world, found in worlds
        for one in found.false
    )
    return round(told / sum(world.scenario.days - first_day for world, _ in worlds), 3)


def _lasted(fault: Mapping[str, Any], world: World) -> timedelta:
    missing: timedelta = (fault["ended_at"] or world.scenario.end) - fault["missing_at"]
    return missing


def _recall(faults: Sequence[tuple[int, Mapping[str, Any]]], found: Sequence[Found]) -> float:
    seen = sum(str(fault["fault_id"]) in found[number].first for number, fault in faults)
    return round(seen / len(faults), 4) if faults else 0.0


def _delays(faults: Sequence[tuple[int, Mapping[str, Any]]], found: Sequence[Found]) -> list[float]:
    """Hours by the clock between the moment at which the first thing went missing and its being told."""
    told = [(found[n].first.get(str(fault["fault_id"])), fault) for n, fault in faults]
    return sorted((one.told_at - fault["missing_at"]).total_seconds() / 3600 for one, fault in told if one is not None)


def _at(hours: Sequence[float], share: float) -> float | None:
    if not hours:
        return None
    return round(median(hours) if share == 0.5 else hours[min(len(hours) - 1, int(share * len(hours)))], 2)


def _units(unit: str, both: Sequence[float | None]) -> tuple[float | None, str, float | None]:
    return both[0], unit, both[1]


def _line(measure: str, value: float | None, unit: str, against_value: float | None = None) -> dict[str, Any]:
    against = "fixed deadlines by the clock" if against_value is not None else None
    ratio = round(value / against_value, 3) if value is not None and against_value else None
    return {"measure": measure, "value": value, "unit": unit, "against": against, "against_value": against_value,
            "ratio": ratio}  # fmt: skip


_TOLD = "SELECT operation, document, system, location, recorded_at FROM failure WHERE kind = 'expectation'"

if __name__ == "__main__":
    main()
