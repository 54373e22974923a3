"""Runs on DBOS: what a crash cuts off goes on, and nothing is done twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from remediation.runs.durable import DurableRunner
from remediation.service import approve, request, runs_of
from remediation.warehouses import ConfiguredWarehouses
from remediation.world import World
from tests.core_sync.stocked import Clock, a_location, a_sku, happens
from tests.remediation.cases import a_case, case_status, on_hand

DIES_AFTER_THE_EFFECT = """
import os, sys
from core_sync.database.engine import Database
from remediation.actions.catalog import ACTIONS
from remediation.runs.durable import DurableRunner
from tests.remediation.test_durable_runs import a_world

class DiesAfterTheEffect:
    def __init__(self, action):
        self.action = action
    def __getattr__(self, name):
        return getattr(self.action, name)
    def run(self, world, order):
        self.action.run(world, order)
        os.kill(os.getpid(), 9)

runner = DurableRunner(sys.argv[2])
world = a_world(Database(sys.argv[1]), runner)
for kind in tuple(ACTIONS):
    ACTIONS[kind] = DiesAfterTheEffect(ACTIONS[kind])
runner.launch(world)
from remediation.service import approve
approve(world, int(sys.argv[3]), "kim", world.clock())
runner.wait(world, int(sys.argv[3]))
"""


def a_world(database: Database, runner: DurableRunner) -> World:
    return World(database, Connections(database), ConfiguredWarehouses(database), Clock(), runner)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    a_sku(database, "MUG", "MUG-BLUE")
    a_location(database, "WH")
    yield database
    database.close()


def a_waiting_run(database: Database, runner: DurableRunner) -> tuple[int, int]:
    happens(database, "receipt", "MUG-BLU", 7, source="erp")
    case_id = a_case(database, Clock(), "sku_mapping")
    return case_id, request(a_world(database, runner), case_id, "kim", Clock()())


def test_an_approved_run_is_carried_out_on_dbos_and_a_crash_after_its_effect_does_it_no_second_time(
    database: Database, tmp_path: Path
) -> None:
    runs = f"sqlite:///{tmp_path}/runs.db"
    case_id, run_id = a_waiting_run(database, DurableRunner(runs))
    killed = subprocess.run(
        [sys.executable, "-c", DIES_AFTER_THE_EFFECT, database.url, runs, str(run_id)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (runs_of(database, case_id)[0].status, on_hand(database, "MUG-BLUE")) == ("running", (7, 0))

    runner = DurableRunner(runs)
    world = a_world(database, runner)
    runner.launch(world)
    try:
        assert runner.wait(world, run_id) == "succeeded"
        assert on_hand(database, "MUG-BLUE") == (7, 0)
        assert case_status(database, case_id) == "resolved"
        with database.reading() as connection:
            steps = connection.execute(text("SELECT name, attempts FROM action_step ORDER BY step_id")).all()
        assert [tuple(step) for step in steps] == [("check", 1), ("run", 2), ("verify", 1), ("conclude", 1)]
        with database.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM alias")).scalar_one() == 1
        _another_process_approves(database, world, runner)
    finally:
        runner.close()


def _another_process_approves(database: Database, world: World, runner: DurableRunner) -> None:
    """A run approved where no runner was at hand is picked up in the next round."""

    class Nobody:
        def start(self, world: World, run_id: int) -> None:
            """Another process will."""

    happens(database, "receipt", "MUGG", 3, source="erp")
    case_id = a_case(database, Clock(), "sku_mapping")
    outside = World(database, world.channels, world.warehouses, world.clock, Nobody())
    run_id = request(outside, case_id, "kim", Clock()())
    approve(outside, run_id, "kim", Clock()(), choice="MUG")
    assert runs_of(database, case_id)[0].status == "approved"
    runner.pick_up(world)
    assert runner.wait(world, run_id) == "succeeded"
    assert on_hand(database, "MUG") == (3, 0)
