"""The sample distributor of a first start: simulated, and ending at the present."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import text

from api.jobs.sample_charges import load_charges
from api.jobs.sample_peers import mark_simulated
from api.jobs.simulated_facts import load_world
from simulation.distributor import simulate
from simulation.scenario import SAMPLE, ending_at
from simulation.write import write_world

if TYPE_CHECKING:
    from api.wiring import World


def is_empty(world: "World") -> bool:
    """Whether nothing was ever told to this database."""
    with world.database.reading() as connection:
        told = connection.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM ledger_entry) OR EXISTS (SELECT 1 FROM sku) "
                "OR EXISTS (SELECT 1 FROM failure) OR EXISTS (SELECT 1 FROM held_event)"
            )
        ).scalar_one()
    return not told


def fill_with_sample(world: "World") -> None:
    """Take the sample distributor through the same path as real files."""
    scenario = ending_at(SAMPLE, world.clock())
    with TemporaryDirectory() as name, world.ledger() as ledger:
        folder = Path(name)
        write_world(simulate(scenario), folder, ".csv")
        load_world(ledger, folder, ".csv")
        load_charges(ledger, folder)
    with world.database.transaction() as connection:
        mark_simulated(connection)
