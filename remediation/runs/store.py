"""Runs and steps as they are kept; every change of status is guarded by the status before."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from remediation.actions.port import Order, Plan, Told


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands."""

    run_id: int
    case_id: int
    action: str
    status: str
    autonomy: str
    plan: Plan
    choice: str | None
    why: str | None
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    outcome: str | None

    @property
    def order(self) -> Order:
        """What the action needs to carry the run out; it answers in the name of whoever decided it."""
        return Order(self.run_id, self.plan, self.decided_by or self.requested_by, self.choice)


_RUN = (
    "SELECT run_id, case_id, action, status, autonomy, plan, choice, why, requested_by, requested_at, "
    "decided_by, decided_at, outcome FROM action_run"
)


def add_run(
    connection: Connection,
    plan: Plan,
    status: str,
    autonomy: str,
    why: str,
    actor: str,
    choice: str | None,
    at: datetime,
) -> int:
    """Keep a new run."""
    decided = status == "approved"
    run_id = connection.execute(
        text(
            "INSERT INTO action_run (case_id, action, status, autonomy, plan, choice, why, requested_by, requested_at, "
            "decided_by, decided_at) VALUES (:case_id, :action, :status, :autonomy, :plan, :choice, :why, :actor, :at, "
            ":decided_by, :decided_at) RETURNING run_id"
        ),
        {
            "case_id": plan.case_id,
            "action": plan.action,
            "status": status,
            "autonomy": autonomy,
            "plan": plan.to_json(),
            "choice": choice,
            "why": why,
            "actor": actor,
            "at": to_microseconds(at),
            "decided_by": actor if decided else None,
            "decided_at": to_microseconds(at) if decided else None,
        },
    ).scalar_one()
    return int(run_id)


def read_run(connection: Connection, run_id: int) -> Run:
    """The run ``run_id``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(f"{_RUN} WHERE run_id = :run_id"), {"run_id": run_id}).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return _run(row)


def runs_of_case(connection: Connection, case_id: int) -> list[Run]:
    """Every run of a case, the newest first."""
    rows = connection.execute(text(f"{_RUN} WHERE case_id = :case_id ORDER BY run_id DESC"), {"case_id": case_id})
    return [_run(row) for row in rows]


def live_run(connection: Connection, case_id: int, action: str) -> Run | None:
    """The run of ``action`` for the case that has not ended, if there is one."""
    row = connection.execute(
        text(
            f"{_RUN} WHERE case_id = :case_id AND action = :action "
            "AND status IN ('awaiting_approval', 'approved', 'running', 'waiting')"
        ),
        {"case_id": case_id, "action": action},
    ).one_or_none()
    return _run(row) if row is not None else None


def runs_in(connection: Connection, *statuses: str) -> list[int]:
    """Ids of the runs in one of ``statuses``, the oldest first."""
    rows = connection.execute(text("SELECT run_id, status FROM action_run ORDER BY run_id")).all()
    return [row.run_id for row in rows if row.status in statuses]


def move(connection: Connection, run_id: int, verb: str, before: tuple[str, ...], after: str, **also: Any) -> None:
    """Change a run's status, if it is one of ``before``; ``also`` names further columns to set.

    Raises:
        VerbRefused: it is in another status.
    """
    columns = "".join(f", {name} = :{name}" for name in also)
    marks = ", ".join(f":before_{n}" for n in range(len(before)))
    changed = connection.execute(
        text(f"UPDATE action_run SET status = :after{columns} WHERE run_id = :run_id AND status IN ({marks})"),
        {"run_id": run_id, "after": after, **also, **{f"before_{n}": status for n, status in enumerate(before)}},
    )
    if changed.rowcount != 1:
        raise VerbRefused(verb, f"run {run_id}", f"it is {read_run(connection, run_id).status}")


def step_result(connection: Connection, run_id: int, name: str) -> Told | None:
    """What step ``name`` came to, if it ended."""
    told = connection.execute(
        text("SELECT result FROM action_step WHERE run_id = :run_id AND name = :name AND status = 'done'"),
        {"run_id": run_id, "name": name},
    ).scalar_one_or_none()
    return msgspec.json.decode(told, type=dict[str, Any]) if told is not None else None


def begin_step(connection: Connection, run_id: int, name: str, at: datetime) -> None:
    """Note that a step begins; again after a crash."""
    connection.execute(
        text(
            "INSERT INTO action_step (run_id, name, status, attempts, started_at) "
            "VALUES (:run_id, :name, 'begun', 1, :at) "
            "ON CONFLICT (run_id, name) DO UPDATE SET attempts = action_step.attempts + 1"
        ),
        {"run_id": run_id, "name": name, "at": to_microseconds(at)},
    )


def end_step(connection: Connection, run_id: int, name: str, result: Told, at: datetime) -> None:
    """Note what a step came to."""
    connection.execute(
        text(
            "UPDATE action_step SET status = 'done', result = :result, finished_at = :at "
            "WHERE run_id = :run_id AND name = :name"
        ),
        {
            "run_id": run_id,
            "name": name,
            "result": msgspec.json.encode(result).decode(),
            "at": to_microseconds(at),
        },
    )


def _run(row: Row[Any]) -> Run:
    return Run(
        run_id=row.run_id,
        case_id=row.case_id,
        action=row.action,
        status=row.status,
        autonomy=row.autonomy,
        plan=Plan.from_json(row.plan),
        choice=row.choice,
        why=row.why,
        requested_by=row.requested_by,
        requested_at=from_microseconds(row.requested_at),
        decided_by=row.decided_by,
        decided_at=from_microseconds(row.decided_at) if row.decided_at is not None else None,
        outcome=row.outcome,
    )
