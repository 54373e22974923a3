"""Times of day by which orders must be ready."""

import sqlalchemy as sa
from alembic import op

revision = "core_0037"
down_revision = "core_0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cut_off",
        sa.Column("cut_off", sa.Text(), primary_key=True),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text()),
        sa.Column("location", sa.Text()),
    )
