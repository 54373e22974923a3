"""What must follow what: what is open, what was observed, when sources speak, what people have set."""

import sqlalchemy as sa
from alembic import op

revision = "core_0016"
down_revision = "core_0015"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WAITING = sa.text("NOT breached")


def upgrade() -> None:
    op.create_table(
        "open_expectation",
        sa.Column("expectation_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("since", WHOLE, nullable=False),
        sa.Column("breached", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"]),
        sa.PrimaryKeyConstraint("expectation_id"),
        sa.UniqueConstraint("kind", "document", "sku", "location", "line", name="open_expectation_key"),
    )
    op.create_index("open_expectation_by_document", "open_expectation", ["document"], unique=False)
    op.create_index(
        "open_expectation_due",
        "open_expectation",
        ["kind", "location", "source_id", "since"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "observed_pace",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("bin", sa.Integer(), nullable=False),
        sa.Column("seen", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"]),
        sa.PrimaryKeyConstraint("kind", "source_id", "location", "band", "period", "bin"),
    )
    op.create_table(
        "source_activity",
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("hour", WHOLE, nullable=False),
        sa.Column("slots", WHOLE, nullable=False),
        sa.CheckConstraint("clock IN ('occurred', 'recorded')", name="activity_clock_known"),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"]),
        sa.PrimaryKeyConstraint("source_id", "location", "clock", "hour"),
    )
    op.create_table(
        "source_rhythm",
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("last_heard_at", WHOLE, nullable=False),
        sa.Column("learned_at", WHOLE, nullable=True),
        sa.Column("rhythm", sa.Text(), nullable=True),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"]),
        sa.PrimaryKeyConstraint("source_id", "location"),
    )
    op.create_table(
        "expectation_limit",
        sa.Column("limit_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("limit_s", sa.Float(), nullable=True),
        sa.Column("learned", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("limit_id"),
    )
    op.create_index(
        "expectation_limit_lookup", "expectation_limit", ["kind", "source", "location", "limit_id"], unique=False
    )
    op.create_table(
        "expectations_read",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("activity_entry_id", WHOLE, nullable=False),
        sa.Column("entry_id", WHOLE, nullable=False),
        sa.CheckConstraint("only_row = 1", name="one_expectations_row"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.execute("INSERT INTO expectations_read VALUES (1, 0, 0)")
