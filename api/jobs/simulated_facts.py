"""A simulated distributor taken through the real path, with the truth beside each fact.

What is trained on comes out of the same ledger, the same reconciliation and the same frames that
serve live: nothing is computed twice in two ways.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from api.jobs.told_world import MASTER_DATA, tell_by_snapshot
from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.intake.ingest import ingest_files
from core_sync.intake.load import load_files
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from ml.triage.frames import deltas_since, movements_since, newest_ids
from simulation.distributor import simulate
from simulation.scenario import Scenario
from simulation.world import Rows, World


@dataclass(frozen=True)
class SimulatedFacts:
    """Deltas and movements with a truth flag for each row (n,), failures with their true ``root_cause``.

    ``fault_of_delta`` names the fault that touched each delta, empty for a sound one; ``left_by`` the fault, cured by
    then, that had touched the figure and left it wrong until now; ``faults`` tells of each.
    """

    deltas: pl.DataFrame
    fault_of_delta: list[str]
    left_by: list[str]
    faults: Rows
    movements: pl.DataFrame
    faulty_movements: NDArray[np.bool_]
    failures: list[dict[str, object]]

    @property
    def faulty_deltas(self) -> NDArray[np.bool_]:
        """Which deltas a fault touched (n,)."""
        return np.array([fault != "" for fault in self.fault_of_delta], dtype=bool)


def load_world(ledger: Ledger, folder: Path, extension: str = ".csv") -> None:
    """Take the interchange files of a simulated world into the database, as they were recorded, and reconcile."""
    for table in MASTER_DATA:
        load_files(ledger, table, [folder / f"{table}{extension}"], now())
    ingest_files(ledger, [folder / f"events{extension}"], now, as_recorded=True)
    for table in ("snapshots", "failures"):
        load_files(ledger, table, [folder / f"{table}{extension}"], now())
    reconcile(ledger.database, now())


def facts_of(scenario: Scenario) -> SimulatedFacts:
    """Simulate ``scenario`` and take it through the real path in a throw-away database, as it was told."""
    world = simulate(scenario)
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/facts.db")
        upgrade(database)
        tell_by_snapshot(Ledger(database), world, folder)
        with database.reading() as connection:
            newest = newest_ids(connection)
            deltas = deltas_since(connection, 0, newest["delta"])
            movements = movements_since(connection, 0, newest["movement"])
            entries = connection.exec_driver_sql("SELECT entry_id, event_id FROM ledger_entry").all()
        database.close()
    return SimulatedFacts(
        deltas,
        _fault_of_delta(deltas, world, "snapshot_keys"),
        _fault_of_delta(deltas, world, "left_keys"),
        world.truth["faults"],
        movements,
        _faulty_movements(movements, dict(entries), world),
        labelled_failures(world),
    )


def labelled_failures(world: World) -> list[dict[str, object]]:
    """The failures that a fault caused, each with its true ``root_cause`` and ``subclass``."""
    causes = {
        failure: (fault["root_cause"], fault["subclass"] if fault["subclass"] != fault["root_cause"] else None)
        for fault in world.truth["faults"]
        for failure in str(fault["failure_ids"]).split()
    }
    return [
        row | dict(zip(("root_cause", "subclass"), causes[str(row["id"])], strict=True))
        for row in world.tables["failures"]
        if str(row["id"]) in causes
    ]


def _fault_of_delta(deltas: pl.DataFrame, world: World, column: str) -> list[str]:
    keys = {key: str(fault["fault_id"]) for fault in world.truth["faults"] for key in str(fault[column]).split()}
    told = [
        f"{row['system']}|{row['sku']}|{row['location']}|{row['state']}|{_minute(row['as_of'])}"
        for row in deltas.iter_rows(named=True)
    ]
    return [keys.get(key, "") for key in told]


def _faulty_movements(movements: pl.DataFrame, events: dict[int, str], world: World) -> NDArray[np.bool_]:
    faulty = _touched_events(world.truth["faults"])
    return np.array([events[entry] in faulty for entry in movements["entry_id"].to_list()], dtype=bool)


def _touched_events(faults: Rows) -> set[str]:
    return {event for fault in faults for event in str(fault["event_ids"]).split()}


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
