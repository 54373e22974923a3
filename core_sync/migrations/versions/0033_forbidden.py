"""How many listings in a row a channel forbids: few are their own trouble, many the channel's."""

import sqlalchemy as sa
from alembic import op

revision = "core_0033"
down_revision = "core_0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("channel_control", sa.Column("forbidden", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("channel_control", sa.Column("forbidden_sku", sa.String(), nullable=True))
