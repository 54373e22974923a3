"""Carry runs out on DBOS: what a crash cuts off goes on at the next start.

DBOS keeps its own file (or schema), never the stock database: the two must not share a writer. Recovery
is bound to the executor's id and the application's version, so both are pinned. A step is taken at
least once; ``steps.py`` and the actions' own keys make the second time harmless.
"""

import logging
import sqlite3
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from core_sync.clock import to_microseconds
from remediation.actions.port import Told
from remediation.runs import store
from remediation.runs.claim import claim
from remediation.runs.steps import carry_out
from remediation.world import World

APPLICATION = "stocktriage"
EXECUTOR = "stocktriage-remediation"
RUN_VERSION = "1"
"""Changes only when the steps of a run change: runs begun under another version are not resumed."""

_world: list[World] = []


@DBOS.workflow(name="carry_out_run")
def _carry_out(run_id: int) -> str:
    def remember(name: str, take: Any) -> Told:
        told: Told = DBOS.run_step({"name": name}, take)
        return told

    return carry_out(_world[0], run_id, remember)


class DurableRunner:
    """Runs on DBOS. One a process, because DBOS is; ``launch`` before the first ``start``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None

    def launch(self, world: World) -> None:
        """Open the runs' own database, take up what was cut off, and be ready."""
        _world[:] = [world]
        logging.getLogger("dbos").setLevel(logging.WARNING)
        config: DBOSConfig = {
            "name": APPLICATION,
            "executor_id": EXECUTOR,
            "application_version": RUN_VERSION,
            "console_log_level": "WARNING",
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        if make_url(self._url).get_backend_name() == "sqlite":
            self._engine = _sqlite_engine(self._url)
            config["system_database_engine"] = self._engine
        else:
            config["system_database_url"] = self._url
        DBOS(config=config)
        DBOS.launch()
        self.pick_up(world)

    def start(self, world: World, run_id: int) -> None:
        """Begin an approved run; returns at once."""
        if claim(world, run_id):
            _begin(world, run_id)

    def pick_up(self, world: World) -> None:
        """Begin what other processes approved, and what was claimed and never begun."""
        with world.database.reading() as connection:
            approved, running = store.runs_in(connection, "approved"), store.runs_in(connection, "running")
        for run_id in running:
            _begin(world, run_id)
        for run_id in approved:
            self.start(world, run_id)

    def wait(self, world: World, run_id: int) -> str:
        """Wait until the run ends or waits for its effect; returns that status."""
        return str(DBOS.retrieve_workflow(_name(world, run_id)).get_result())

    def close(self) -> None:
        """Stop; what is under way goes on at the next launch."""
        DBOS.destroy()
        _world.clear()
        if self._engine is not None:
            self._engine.dispose()


def _begin(world: World, run_id: int) -> None:
    """A name that was begun before is not begun again, so this may be repeated."""
    with SetWorkflowID(_name(world, run_id)):
        DBOS.start_workflow(_carry_out, run_id)


def _name(world: World, run_id: int) -> str:
    """Names the run beyond this stock database, which may be replaced beside the runs' own file."""
    with world.database.reading() as connection:
        run = store.read_run(connection, run_id)
    return f"run-{run_id}-{to_microseconds(run.requested_at)}"


def _sqlite_engine(url: str) -> Engine:
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
