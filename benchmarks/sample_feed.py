"""The sample distributor's truth against the feed: what a Monday morning would have shown.

``python -m benchmarks.sample_feed --json``: a simulated distributor goes through the real path (files,
ledger, reconciliation, triage), then the open cases are compared with the faults, of which some are cured by then. The
figures are from a simulation; they rank versions and predict nothing at a customer.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, text

from api.jobs.simulated_facts import load_world
from api.wiring import ROOMS
from core_sync.clock import from_microseconds
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.ledger.ledger import Ledger
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from remediation.service import recommendation
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT, REPORTING_CURRENCY, SAMPLE, Scenario
from simulation.world import World
from simulation.write import write_world

TOP = 20


@dataclass(frozen=True)
class OpenCase:
    """An open case as the feed ranks it, and the ids its signals bear in the simulated world.

    ``stands_on`` are those of signals that are open: a case that came back keeps what was over before, too.
    """

    case_id: int
    root_cause: str
    abstained: bool
    touched: frozenset[str]
    stands_on: frozenset[str]


def main() -> None:
    """Print the comparison for the sample, and for worlds with other constants and wordings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--seeds", type=int, default=1, help="worlds with other constants to add")
    said = parser.parse_args()
    worlds = [("sample", SAMPLE)] + [
        (f"held-out seed {HELD_OUT.seed + n}", replace(HELD_OUT, seed=HELD_OUT.seed + n)) for n in range(said.seeds)
    ]
    for name, scenario in worlds:
        for measure in compare(scenario):
            told = {"world": name, **measure}
            print(json.dumps(told) if said.json else f"{name:24} {told['measure']:38} {told['value']}")


def compare(scenario: Scenario) -> list[dict[str, Any]]:
    """Precision and recall of cases, root-cause accuracy, share of the loss ahead in the top of the feed."""
    world = simulate(scenario)
    with TemporaryDirectory() as name:
        write_world(world, Path(name), ".parquet")
        database = Database(f"sqlite:///{name}/stock.db")
        upgrade(database, *ROOMS[1:])
        load_world(Ledger(database), Path(name), ".parquet")
        triage(database, shipped_models(), recommendation, REPORTING_CURRENCY, scenario.end)
        with database.reading() as connection:
            cases = open_cases(connection)
        database.close()
    return figures(cases, world)


def figures(cases: list[OpenCase], world: World) -> list[dict[str, Any]]:
    """The measures of one world.

    A case is right where a fault of the world touched it, and current where that fault is still open: a case
    on a fault that people have cured since tells the truth too late.
    """
    faults = [fault for fault in world.truth["faults"] if fault["open_at_end"]]
    every = {str(fault["fault_id"]): touched_by(fault) for fault in world.truth["faults"]}
    causes = {str(fault["fault_id"]): str(fault["root_cause"]) for fault in world.truth["faults"]}
    of_case = {case.case_id: [fault for fault, keys in every.items() if keys & case.touched] for case in cases}
    right = [case for case in cases if of_case[case.case_id]]
    found = {fault for matched in of_case.values() for fault in matched}
    judged = [case for case in right if not case.abstained]
    top = {fault for case in cases[:TOP] for fault in of_case[case.case_id]}
    ahead = {str(fault["fault_id"]): float(str(fault["loss_ahead"])) for fault in faults}
    total = sum(ahead.values())
    current = [case for case in cases if ahead.keys() & set(of_case[case.case_id])]
    accurate = [case for case in right if case.root_cause in {causes[f] for f in of_case[case.case_id]}]
    accurate_judged = [case for case in judged if case in accurate]
    return [
        _measure("open cases", len(cases), "cases"),
        _measure("open faults", len(faults), "faults"),
        _measure("case precision", _share(len(right), len(cases)), "share"),
        _measure("case precision, faults still open", _share(len(current), len(cases)), "share"),
        _measure("case recall", _share(sum(f in found for f in ahead), len(ahead)), "share"),
        _measure("root cause accuracy", _share(len(accurate), len(right)), "share"),
        _measure("root cause accuracy when not abstained", _share(len(accurate_judged), len(judged)), "share"),
        _measure(f"share of true loss in top {TOP}", _share(sum(ahead[f] for f in top & ahead.keys()), total), "share"),
        _measure("true loss ahead", round(total, 2), REPORTING_CURRENCY),
    ]


def open_cases(connection: Connection) -> list[OpenCase]:
    """The feed's order: rank first."""
    cases = connection.execute(
        text(
            "SELECT case_id, root_cause, abstained FROM exception_case WHERE status <> 'resolved' "
            "ORDER BY rank_value DESC, case_id DESC"
        )
    ).all()
    touched: dict[int, set[str]] = {}
    stands_on: dict[int, set[str]] = {}
    for case_id, ended_at, ids in _signals(connection):
        touched.setdefault(case_id, set()).update(ids)
        if ended_at is None:
            stands_on.setdefault(case_id, set()).update(ids)
    return [
        OpenCase(
            case_id, cause, bool(abstained), frozenset(touched.get(case_id, ())), frozenset(stands_on.get(case_id, ()))
        )
        for case_id, cause, abstained in cases
    ]


def _signals(connection: Connection) -> Iterator[tuple[int, int | None, list[str]]]:
    """The case of each signal, when the signal was over, and the ids that it bears in the simulated world."""
    for case_id, ended_at, told_id, subject in connection.execute(text(_FAILURES)):
        is_event = subject and subject.startswith("event:")  # EVENT, or EVENT#DIGEST for one told again otherwise
        event = [subject.split(":", 2)[2].split("#")[0]] if is_event else []
        yield case_id, ended_at, [str(told_id), *event]
    for row in connection.execute(text(_ANOMALIES)):
        moment = from_microseconds(row.occurred_at).strftime("%Y-%m-%dT%H:%MZ")
        key = f"{row.system}|{row.sku}|{row.location}|{row.state}|{moment}"
        yield row.case_id, row.settled_at, [row.event_id if row.kind == "movement" else key]


def touched_by(fault: Mapping[str, object]) -> frozenset[str]:
    """Every id that a fault left its trace on."""
    return frozenset(
        key for column in ("event_ids", "failure_ids", "snapshot_keys") for key in str(fault[column]).split()
    )


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _measure(name: str, value: float, unit: str) -> dict[str, Any]:
    return {"measure": name, "value": value, "unit": unit, "against": None, "against_value": None, "ratio": None}


_FAILURES = """
SELECT s.case_id, f.resolved_at, f.id, f.subject FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id
WHERE s.kind = 'failure'
"""

_ANOMALIES = """
SELECT s.case_id, a.settled_at, a.kind, a.system, a.sku, a.location, a.state, a.occurred_at, l.event_id
FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
LEFT JOIN ledger_entry l ON a.kind = 'movement' AND l.entry_id = a.fact_id
WHERE s.kind = 'anomaly'
"""

if __name__ == "__main__":
    main()
