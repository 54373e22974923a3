"""Accepted oversell rates, and how what an oversell counts follows the realised ones."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0005"
down_revision = "ml_0004"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "buffer_target",
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("oversell_rate", sa.Float(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", WHOLE, nullable=False),
        sa.CheckConstraint("oversell_rate > 0 AND oversell_rate < 1", name="target_is_a_rate"),
        sa.PrimaryKeyConstraint("target_id"),
    )
    op.create_index("buffer_target_newest", "buffer_target", ["channel", "sku", "target_id"])
    op.create_table(
        "buffer_step",
        sa.Column("step_id", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("since", WHOLE, nullable=True),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("asked", WHOLE, nullable=False),
        sa.Column("oversold", WHOLE, nullable=False),
        sa.Column("target", sa.Float(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("step_id"),
        sa.UniqueConstraint("channel", "since", name="buffer_step_follows_one"),
    )
    op.create_index("buffer_step_newest", "buffer_step", ["channel", "step_id"])
