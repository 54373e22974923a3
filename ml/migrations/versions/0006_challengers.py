"""Challengers: who answers beside the live model, and what they would have said."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0006"
down_revision = "ml_0005"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "model_challenger",
        sa.Column("challenger_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("after_failure", WHOLE, nullable=False),
        sa.Column("named_at", WHOLE, nullable=False),
        sa.Column("named_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("challenger_id"),
    )
    op.create_index("model_challenger_newest", "model_challenger", ["name", "challenger_id"])
    op.create_table(
        "challenger_diagnosis",
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("failure_id", WHOLE, nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("subclass", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("made_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("model_version", "failure_id"),
    )
