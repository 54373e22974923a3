"""Remediation's front: recommend, preview, request, approve, reject, look again, undo.

A request goes through the policy: it is forbidden, only told, waits for approval, or runs by itself.
"""

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from core_sync.cases.timeline import add_entry
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from remediation.actions.catalog import action, carrier
from remediation.actions.catalog import recommend as recommend_for
from remediation.actions.port import Plan, Told
from remediation.case_view import CaseView, view_case
from remediation.policy.autonomy import autonomy_of, runs_last_hour
from remediation.policy.rules import Autonomy, Decision, Verdict, decide
from remediation.runs import store
from remediation.runs.steps import verify_again
from remediation.runs.store import Run
from remediation.world import World

MIGRATIONS = Path(__file__).parent / "migrations"
"""To be handed to ``core_sync.database.migrate.upgrade``."""

POLICY_ACTOR = "stocktriage"
"""Who asks where no person does."""

_STATUS_OF = {
    Verdict.ONLY_TOLD: "proposed",
    Verdict.NEEDS_APPROVAL: "awaiting_approval",
    Verdict.ALLOWED: "approved",
}


def recommend(case: CaseView) -> str:
    """The kind of action that removes the case's cause."""
    return recommend_for(case.root_cause)


def recommendation(connection: Connection, root_cause: str) -> tuple[str, str]:
    """For a root cause: the kind of action, and the rung of the autonomy ladder it stands on."""
    kind = recommend_for(root_cause)
    return kind, autonomy_of(connection, kind).level.value


def preview(database: Database, case_id: int, at: datetime, kind: str | None = None) -> Plan:
    """What the recommended action (or that of ``kind``) would do; nothing is changed.

    Raises:
        NotFound: there is no such case, or no such kind of action.
    """
    with database.reading() as connection:
        case = view_case(connection, case_id)
        return action(kind or recommend(case)).plan(connection, case, at)


def request(
    world: World, case_id: int, actor: str, at: datetime, kind: str | None = None, choice: str | None = None
) -> int:
    """Ask for the recommended action (or that of ``kind``); returns the run, the live one if there is one already.

    Raises:
        NotFound: there is no such case, or no such kind of action.
        VerbRefused: that kind of action is switched off, or the case is resolved.
    """
    with world.database.transaction() as connection:
        case = view_case(connection, case_id)
        if case.status == "resolved":
            raise VerbRefused("act on", f"case {case_id}", "it is resolved")
        kind = kind or recommend(case)
        live = store.live_run(connection, case_id, kind)
        if live is not None:
            return live.run_id
        autonomy, plan = autonomy_of(connection, kind), action(kind).plan(connection, case, at)
        run_id, status = _request(connection, plan, autonomy, actor, choice, at)
    if status == "approved":
        world.runner.start(world, run_id)
    return run_id


def approve(world: World, run_id: int, actor: str, at: datetime, choice: str | None = None) -> None:
    """Let the run go, with the approver's ``choice`` where the plan offers several.

    Raises:
        NotFound: there is no such run.
        VerbRefused: it does not wait for approval.
    """
    with world.database.transaction() as connection:
        run = store.read_run(connection, run_id)
        store.move(
            connection,
            run_id,
            "approve",
            ("awaiting_approval",),
            "approved",
            choice=choice or run.choice,
            decided_by=actor,
            decided_at=to_microseconds(at),
        )
        told = {"run": run_id, "choice": choice}
        add_entry(connection, run.case_id, actor, "action approved", at, run.plan.summary, after=told)
    world.runner.start(world, run_id)


def reject(database: Database, run_id: int, actor: str, reason: str, at: datetime) -> None:
    """The run shall not be.

    Raises:
        NotFound: there is no such run.
        VerbRefused: it does not wait for approval.
    """
    with database.transaction() as connection:
        run = store.read_run(connection, run_id)
        decided = {"decided_by": actor, "decided_at": to_microseconds(at), "outcome": reason}
        store.move(connection, run_id, "reject", ("awaiting_approval",), "rejected", **decided)
        add_entry(
            connection, run.case_id, actor, "action rejected", at, reason, after={"run": run_id, "action": run.action}
        )


def runs_of(database: Database, case_id: int) -> list[Run]:
    """Every run of the case, the newest first."""
    with database.reading() as connection:
        return store.runs_of_case(connection, case_id)


def settle(world: World) -> int:
    """Look again at every run whose effect had not shown yet; returns how many ended. For the worker's round."""
    with world.database.reading() as connection:
        waiting = store.runs_in(connection, "waiting")
    return sum(verify_again(world, run_id) != "waiting" for run_id in waiting)


def undo(world: World, run_id: int, actor: str, at: datetime) -> Told:
    """Take back what the run did.

    Raises:
        NotFound: there is no such run.
        VerbRefused: it did nothing yet, or it cannot be taken back.
    """
    with world.database.reading() as connection:
        run = store.read_run(connection, run_id)
    if run.status not in ("succeeded", "waiting"):
        raise VerbRefused("undo", f"run {run_id}", f"it is {run.status}")
    told = carrier(run.plan).undo(world, run.order)
    with world.database.transaction() as connection:
        store.move(connection, run_id, "undo", ("succeeded", "waiting"), "undone")
        add_entry(connection, run.case_id, actor, "action undone", at, run.plan.summary, after={"run": run_id, **told})
    return told


def _request(
    connection: Connection, plan: Plan, autonomy: Autonomy, actor: str, choice: str | None, at: datetime
) -> tuple[int, str]:
    paced = runs_last_hour(connection, plan.action, at)
    decision = decide(autonomy, plan, paced, by_policy=actor == POLICY_ACTOR)
    if decision.verdict is Verdict.NEEDS_APPROVAL and plan.hand_over:
        decision = Decision(Verdict.ALLOWED, "nothing is changed, so nothing waits for approval")
    if decision.verdict is Verdict.FORBIDDEN:
        raise VerbRefused("act on", f"case {plan.case_id}", decision.why)
    status = _STATUS_OF[decision.verdict]
    run_id = store.add_run(
        connection,
        plan,
        status=status,
        autonomy=autonomy.level.value,
        why=decision.why,
        actor=actor,
        choice=choice,
        at=at,
    )
    told = {"run": run_id, "action": plan.action, "status": status}
    add_entry(connection, plan.case_id, actor, "action requested", at, f"{plan.summary}: {decision.why}", after=told)
    return run_id, status
