"""Storage of remediation: runs and their steps, autonomy, work for people."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole

LIVE = "status IN ('awaiting_approval', 'approved', 'running', 'waiting')"


class ActionRun(SQLModel, table=True):
    """One action for one case, from its plan to its outcome; at most one live run an action and case."""

    __tablename__ = "action_run"
    __table_args__ = (
        CheckConstraint(
            "status IN ('proposed', 'awaiting_approval', 'approved', 'running', 'waiting', "
            "'succeeded', 'failed', 'rejected', 'undone')",
            name="run_status_known",
        ),
        Index(
            "action_run_live",
            "case_id",
            "action",
            unique=True,
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
        Index("action_run_by_status", "status", "action"),
    )

    run_id: int | None = key()
    case_id: int = whole(foreign_key="exception_case.case_id")
    action: str
    status: str
    autonomy: str
    plan: str
    choice: str | None = None
    why: str | None = None
    """Why it waits for approval or was only proposed."""
    requested_by: str
    requested_at: int = moment()
    decided_by: str | None = None
    decided_at: int | None = moment(None)
    started_at: int | None = moment(None)
    finished_at: int | None = moment(None)
    outcome: str | None = None


class ActionStep(SQLModel, table=True):
    """One step of a run, once; ``attempts`` above one means that a crash lay between."""

    __tablename__ = "action_step"
    __table_args__ = (UniqueConstraint("run_id", "name", name="action_step_once"),)

    step_id: int | None = key()
    run_id: int = whole(foreign_key="action_run.run_id")
    name: str
    status: str
    attempts: int = 1
    result: str | None = None
    started_at: int = moment()
    finished_at: int | None = moment(None)


class AutonomyRule(SQLModel, table=True):
    """How far one kind of action may go by itself, who said so and why; the newest rule holds."""

    __tablename__ = "autonomy_rule"
    __table_args__ = (
        CheckConstraint("level IN ('off', 'shadow', 'suggest', 'approve', 'auto')", name="level_known"),
        Index("autonomy_rule_newest", "action", "rule_id"),
    )

    rule_id: int | None = key()
    action: str
    level: str
    max_units: int = whole()
    max_money: int = whole()
    per_hour: int
    owner: str
    reason: str
    set_at: int = moment()


class WorkItem(SQLModel, table=True):
    """Something that a person must do: correct master data, ask the warehouse, look closer."""

    __tablename__ = "work_item"
    __table_args__ = (
        UniqueConstraint("run_id", "kind", name="work_item_once"),
        CheckConstraint("status IN ('open', 'done')", name="work_item_status_known"),
        Index("work_item_by_case", "case_id"),
    )

    item_id: int | None = key()
    run_id: int = whole(foreign_key="action_run.run_id")
    case_id: int = whole(foreign_key="exception_case.case_id")
    kind: str
    title: str
    detail: str = "{}"
    reference: str | None = None
    status: str = "open"
    opened_at: int = moment()
    done_at: int | None = moment(None)
    done_by: str | None = None
