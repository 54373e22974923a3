"""Carry runs out at once, in the caller's own thread: for the command line and for tests."""

from remediation.runs.claim import claim
from remediation.runs.steps import carry_out, directly
from remediation.world import World


class InlineRunner:
    """Returns when the run has ended or waits. What a crash cuts off, ``resume`` of any runner takes up."""

    def start(self, world: World, run_id: int) -> None:
        """Carry the run out, unless another process has taken it."""
        if claim(world, run_id):
            carry_out(world, run_id, directly)
