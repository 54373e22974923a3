"""Which version of a channel's rule a rollback put in force again, so that the next one goes further back."""

import sqlalchemy as sa
from alembic import op

revision = "core_0042"
down_revision = "core_0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_rule", sa.Column("put_back", sa.BigInteger()))
