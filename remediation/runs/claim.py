"""Taking an approved run, so that one process alone carries it out."""

from core_sync.clock import to_microseconds
from core_sync.errors import VerbRefused
from remediation.runs import store
from remediation.world import World


def claim(world: World, run_id: int) -> bool:
    """Whether this caller is the one to carry the run out."""
    try:
        with world.database.transaction() as connection:
            begun = to_microseconds(world.clock())
            store.move(connection, run_id, "start", ("approved",), "running", started_at=begun)
    except VerbRefused:
        return False
    return True
