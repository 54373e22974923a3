"""Opinions: anomalies, diagnoses, what was scored, which models serve."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "anomaly",
        sa.Column("anomaly_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact_id", WHOLE, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        sa.Column("fault_probability", sa.Float(), nullable=False),
        sa.Column("expected", WHOLE, nullable=True),
        sa.Column("actual", WHOLE, nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("scored_at", WHOLE, nullable=False),
        sa.Column("settled_at", WHOLE, nullable=True),
        sa.Column("settlement", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('delta', 'movement')", name="anomaly_kind_known"),
        sa.PrimaryKeyConstraint("anomaly_id"),
        sa.UniqueConstraint("kind", "fact_id", name="anomaly_once_a_fact"),
    )
    op.create_index(
        "anomaly_open",
        "anomaly",
        ["sku"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "diagnosis",
        sa.Column("failure_id", WHOLE, nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("subclass", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("probabilities", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("made_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("failure_id"),
    )
    op.create_table(
        "model_release",
        sa.Column("release_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("released_at", WHOLE, nullable=False),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("release_id"),
    )
    op.create_index("model_release_newest", "model_release", ["name", "release_id"], unique=False)
    op.create_table(
        "scored_up_to",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact_id", WHOLE, nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind"),
    )
