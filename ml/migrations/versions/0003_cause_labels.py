"""Labels: what people and outcomes said a failure's root cause was."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0003"
down_revision = "ml_0002"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cause_label",
        sa.Column("label_id", KEY, nullable=False),
        sa.Column("failure_id", WHOLE, nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.Column("entry_id", WHOLE, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("subclass", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("told_at", WHOLE, nullable=False),
        sa.Column("ripe_at", WHOLE, nullable=False),
        sa.Column("taken_at", WHOLE, nullable=False),
        sa.Column("withdrawn_at", WHOLE, nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.CheckConstraint("source IN ('override', 'outcome')", name="cause_label_source_known"),
        sa.PrimaryKeyConstraint("label_id"),
        sa.UniqueConstraint("failure_id", "entry_id", name="cause_label_once_an_entry"),
    )
    op.create_index("cause_label_taken", "cause_label", ["taken_at"], unique=False)
    op.create_index("cause_label_by_entry", "cause_label", ["entry_id"], unique=False)
