"""Runs and their steps, autonomy, work for people."""

import sqlalchemy as sa
from alembic import op

revision = "remediation_0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("status IN ('awaiting_approval', 'approved', 'running', 'waiting')")


def upgrade() -> None:
    op.create_table(
        "action_run",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("autonomy", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", WHOLE, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", WHOLE, nullable=True),
        sa.Column("started_at", WHOLE, nullable=True),
        sa.Column("finished_at", WHOLE, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('proposed', 'awaiting_approval', 'approved', 'running', 'waiting', "
            "'succeeded', 'failed', 'rejected', 'undone')",
            name="run_status_known",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["exception_case.case_id"]),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(
        "action_run_live", "action_run", ["case_id", "action"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
    )
    op.create_index("action_run_by_status", "action_run", ["status", "action"])
    op.create_table(
        "action_step",
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("started_at", WHOLE, nullable=False),
        sa.Column("finished_at", WHOLE, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["action_run.run_id"]),
        sa.PrimaryKeyConstraint("step_id"),
        sa.UniqueConstraint("run_id", "name", name="action_step_once"),
    )
    op.create_table(
        "autonomy_rule",
        sa.Column("rule_id", KEY, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("max_units", WHOLE, nullable=False),
        sa.Column("max_money", WHOLE, nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", WHOLE, nullable=False),
        sa.CheckConstraint("level IN ('off', 'shadow', 'suggest', 'approve', 'auto')", name="level_known"),
        sa.PrimaryKeyConstraint("rule_id"),
    )
    op.create_index("autonomy_rule_newest", "autonomy_rule", ["action", "rule_id"])
    op.create_table(
        "work_item",
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("run_id", WHOLE, nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", WHOLE, nullable=False),
        sa.Column("done_at", WHOLE, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'done')", name="work_item_status_known"),
        sa.ForeignKeyConstraint(["run_id"], ["action_run.run_id"]),
        sa.ForeignKeyConstraint(["case_id"], ["exception_case.case_id"]),
        sa.PrimaryKeyConstraint("item_id"),
        sa.UniqueConstraint("run_id", "kind", name="work_item_once"),
    )
    op.create_index("work_item_by_case", "work_item", ["case_id"])
