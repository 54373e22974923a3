"""Looks at drift, and trainings that the service begins by itself."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0007"
down_revision = "ml_0006"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drift_look",
        sa.Column("look_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("looked_at", WHOLE, nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("look_id"),
    )
    op.create_index("drift_look_newest", "drift_look", ["name", "look_id"])
    op.create_table(
        "retraining",
        sa.Column("retraining_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("after", WHOLE, nullable=False),
        sa.Column("labels", WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_at", WHOLE, nullable=False),
        sa.Column("ended_at", WHOLE, nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("retraining_id"),
        sa.UniqueConstraint("name", "after", name="retraining_follows_one"),
    )
