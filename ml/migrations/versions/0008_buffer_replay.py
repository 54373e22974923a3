"""The last weeks replayed with every way to hold back, kept until there is more to play."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0008"
down_revision = "ml_0007"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "buffer_replay",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("played_at", WHOLE, nullable=False),
        sa.Column("until", WHOLE, nullable=False),
        sa.Column("newest_entry", WHOLE, nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
    )
