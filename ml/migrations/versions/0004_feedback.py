"""What people say of what was found strange, what they accept, and the rows drawn for audits."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0004"
down_revision = "ml_0003"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "judgement",
        sa.Column("judgement_id", KEY, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("case_id", WHOLE, nullable=True),
        sa.Column("audit_id", WHOLE, nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sku", "location", "channel", "kind")),
        sa.Column("until", WHOLE, nullable=True),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", WHOLE, nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_at", WHOLE, nullable=True),
        sa.CheckConstraint("said IN ('true', 'false', 'expected')", name="judgement_known"),
        sa.CheckConstraint("(said = 'expected') = (until IS NOT NULL)", name="expected_has_an_end"),
        sa.PrimaryKeyConstraint("judgement_id"),
    )
    op.create_index("judgement_by_case", "judgement", ["case_id"])
    op.create_index("judgement_by_audit", "judgement", ["audit_id"])
    op.create_index("judgement_until", "judgement", ["until"])
    op.create_table(
        "judged_fact",
        sa.Column("judgement_id", WHOLE, sa.ForeignKey("judgement.judgement_id"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact_id", WHOLE, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("described", sa.Text(), nullable=False),
        sa.Column("probability_before", sa.Float(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("judgement_id", "kind", "fact_id"),
    )
    op.create_index("judged_fact_by_fact", "judged_fact", ["kind", "fact_id"])
    op.create_table(
        "audit",
        sa.Column("audit_id", KEY, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("draw", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fact_id", WHOLE, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("system", "sku", "location", "channel", "state")),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("expected", WHOLE, nullable=True),
        sa.Column("actual", WHOLE, nullable=True),
        sa.Column("described", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id"),
        sa.UniqueConstraint("kind", "fact_id", name="audit_once_a_fact"),
    )
    op.create_index("audit_by_day", "audit", ["day", "draw"])
    op.create_table(
        "accepted_alarms",
        sa.Column("accepted_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("a_day", sa.Float(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", WHOLE, nullable=False),
        sa.CheckConstraint("share IS NULL OR a_day IS NULL", name="accepted_in_one_way"),
        sa.PrimaryKeyConstraint("accepted_id"),
    )
    op.create_index("accepted_alarms_newest", "accepted_alarms", ["kind", "accepted_id"])
    op.create_table(
        "scored_day",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("scored", WHOLE, nullable=False),
        sa.Column("strange", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("kind", "day"),
    )
    op.add_column("anomaly", sa.Column("described", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("anomaly", sa.Column("told", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("anomaly", sa.Column("suppressed_by", WHOLE, nullable=True))
    where = sa.text("suppressed_by IS NOT NULL")
    op.create_index("anomaly_suppressed", "anomaly", ["suppressed_by"], sqlite_where=where, postgresql_where=where)
