"""The last control number that was given out for each channel that speaks EDI."""

import sqlalchemy as sa
from alembic import op

revision = "core_0013"
down_revision = "core_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interchange_number",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last_number BETWEEN 1 AND 999999999", name="interchange_number_fits"),
        sa.PrimaryKeyConstraint("channel"),
    )
