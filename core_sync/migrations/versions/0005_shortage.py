"""Below how many units each is promised on one channel only."""

import sqlalchemy as sa
from alembic import op

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("channel_rule") as table:  # SQLite cannot add a constraint: it writes the table anew
        table.add_column(sa.Column("shortage_below", sa.BigInteger(), nullable=True))
        table.create_check_constraint("shortage_not_negative", "shortage_below >= 0")
