"""What was done to many cases at once, so that it can be undone as a whole."""

import sqlalchemy as sa
from alembic import op

revision = "core_0027"
down_revision = "core_0026"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bulk_deed",
        sa.Column("bulk_id", KEY, nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("undone_at", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("bulk_id"),
    )
    op.create_table(
        "bulk_entry",
        sa.Column("bulk_id", WHOLE, nullable=False),
        sa.Column("entry_id", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["bulk_id"], ["bulk_deed.bulk_id"]),
        sa.ForeignKeyConstraint(["entry_id"], ["case_entry.entry_id"]),
        sa.PrimaryKeyConstraint("bulk_id", "entry_id"),
    )
