"""What is measured day by day, when channels were first connected, and the figures frozen then."""

import sqlalchemy as sa
from alembic import op

revision = "core_0019"
down_revision = "core_0018"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "daily_measure",
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("seen", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("measure", "channel", "location", "day", "bin"),
    )
    op.create_table(
        "first_connection",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("connected_at", WHOLE, nullable=False),
        sa.Column("looked_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "kpi_baseline",
        sa.Column("kpi", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("since", WHOLE, nullable=False),
        sa.Column("until", WHOLE, nullable=False),
        sa.Column("frozen_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("kpi", "channel", "location"),
    )
