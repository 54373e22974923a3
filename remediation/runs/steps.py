"""The steps of a run: check, run, verify, conclude. Each is kept when it ends and not taken twice.

A crash between a step's effect and our note of it makes the step begin again; actions see to it that
the second time changes nothing (``actions/port.py``).
"""

from collections.abc import Callable
from enum import StrEnum

from core_sync.cases.rules import Status
from core_sync.cases.timeline import add_entry
from core_sync.channels.port import ReadFailed
from core_sync.clock import to_microseconds
from core_sync.errors import StocktriageError
from core_sync.failures.record import resolve_failures
from remediation.actions.catalog import carrier
from remediation.actions.port import Told, Verification, Verified
from remediation.outcomes import close_if_cause_gone, show_status
from remediation.runs import store
from remediation.world import World


class Step(StrEnum):
    """What a run goes through, in this order."""

    CHECK = "check"
    RUN = "run"
    VERIFY = "verify"
    CONCLUDE = "conclude"


Remember = Callable[[str, Callable[[], Told]], Told]
"""Runs a step by its name, or gives back what it came to when it ran before."""


def carry_out(world: World, run_id: int, remember: Remember) -> str:
    """Take every step of the run; returns the status it ends in (``waiting`` where it must be verified later)."""
    for step in Step:
        told = remember(step.value, _taking(world, run_id, step))
        if "ended" in told:
            return str(told["ended"])
    raise AssertionError("the last step ends every run")


def directly(_name: str, take: Callable[[], Told]) -> Told:
    """Remember nothing beyond what the steps themselves keep."""
    return take()


def verify_again(world: World, run_id: int) -> str:
    """Look again at a run that waits for its effect to show; returns its status afterwards."""
    with world.database.reading() as connection:
        run = store.read_run(connection, run_id)
    verification = carrier(run.plan).verify(world, run.order)
    if verification.verdict is Verified.NOT_YET:
        return run.status
    return _conclude(world, run, verification)


def _taking(world: World, run_id: int, step: Step) -> Callable[[], Told]:
    return lambda: take_step(world, run_id, step)


def take_step(world: World, run_id: int, step: Step) -> Told:
    """Take one step, unless it ended before. What goes wrong in the trade's terms ends the run as failed."""
    with world.database.transaction() as connection:
        run = store.read_run(connection, run_id)
        known = store.step_result(connection, run_id, step.value)
        if known is not None:
            return known
        store.begin_step(connection, run_id, step.value, world.clock())
    try:
        told = _TAKERS[step](world, run)
    except (StocktriageError, ReadFailed) as error:
        told = {"ended": _fail(world, run, str(error))}
    with world.database.transaction() as connection:
        store.end_step(connection, run_id, step.value, told, world.clock())
    return told


def _check(world: World, run: store.Run) -> Told:
    refusal = carrier(run.plan).refusal(world, run.order)
    return {} if refusal is None else {"ended": _fail(world, run, refusal)}


def _run(world: World, run: store.Run) -> Told:
    told = carrier(run.plan).run(world, run.order)
    with world.database.transaction() as connection:
        show_status(connection, run.case_id, Status.IN_PROGRESS, run.order.actor, world.clock())
        add_entry(connection, run.case_id, run.order.actor, "action run", world.clock(), run.plan.summary, after=told)
    return told


def _verify(world: World, run: store.Run) -> Told:
    verification = carrier(run.plan).verify(world, run.order)
    return {"verdict": verification.verdict.value, "seen": verification.seen}


def _take_conclusion(world: World, run: store.Run) -> Told:
    with world.database.reading() as connection:
        told = store.step_result(connection, run.run_id, Step.VERIFY.value)
    assert told is not None  # the step before this one
    return {"ended": _conclude(world, run, Verification(Verified(told["verdict"]), told["seen"]))}


_TAKERS: dict[Step, Callable[[World, store.Run], Told]] = {
    Step.CHECK: _check,
    Step.RUN: _run,
    Step.VERIFY: _verify,
    Step.CONCLUDE: _take_conclusion,
}


def _conclude(world: World, run: store.Run, verification: Verification) -> str:
    match verification.verdict:
        case Verified.NOT_YET:
            return _wait(world, run, verification.seen)
        case Verified.FAILED:
            return _fail(world, run, verification.seen)
        case Verified.AGREES:
            return _succeed(world, run, verification.seen)


def _succeed(world: World, run: store.Run, seen: str) -> str:
    carrier(run.plan).finish(world, run.order)
    at, actor = world.clock(), run.order.actor
    with world.database.transaction() as connection:
        store.move(
            connection,
            run.run_id,
            "conclude",
            ("running", "waiting", "succeeded"),
            "succeeded",
            outcome=seen,
            finished_at=to_microseconds(at),
        )
        add_entry(
            connection, run.case_id, actor, "action verified", at, seen, after={"run": run.run_id, "action": run.action}
        )
        resolve_failures(connection, run.plan.failures, at, f"{run.action}: {seen}")
        close_if_cause_gone(connection, run.case_id, at, "stocktriage", f"{run.action}: {seen}")
    return "succeeded"


def _wait(world: World, run: store.Run, seen: str) -> str:
    with world.database.transaction() as connection:
        store.move(connection, run.run_id, "wait", ("running", "waiting"), "waiting", outcome=seen)
        show_status(connection, run.case_id, Status.WAITING, run.order.actor, world.clock())
        add_entry(
            connection, run.case_id, run.order.actor, "action waits", world.clock(), seen, after={"run": run.run_id}
        )
    return "waiting"


def _fail(world: World, run: store.Run, reason: str) -> str:
    at = world.clock()
    with world.database.transaction() as connection:
        store.move(
            connection,
            run.run_id,
            "fail",
            ("running", "waiting", "failed"),
            "failed",
            outcome=reason,
            finished_at=to_microseconds(at),
        )
        add_entry(connection, run.case_id, run.order.actor, "action failed", at, reason, after={"run": run.run_id})
    return "failed"
