"""What open cases expect to lose on a listing, for the order of pushes."""

import sqlalchemy as sa
from alembic import op

revision = "core_0030"
down_revision = "core_0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("push_intent", sa.Column("at_stake", sa.BigInteger(), nullable=False, server_default="0"))
