"""What a channel charges for what is short, what a cancel rate beyond its limit costs, and tiers of customers."""

import sqlalchemy as sa
from alembic import op

revision = "core_0040"
down_revision = "core_0039"
branch_labels = None
depends_on = None

CHARGES = ("chargeback", "chargeback_share", "cancel_limit", "cancel_days", "cancel_cost", "suspension_days")


def upgrade() -> None:
    for name in CHARGES:
        op.add_column("channel", sa.Column(name, sa.BigInteger()))
    op.create_table(
        "customer_tier",
        sa.Column("tier", sa.Text(), primary_key=True),
        sa.Column("retention_value", sa.BigInteger()),
    )
    op.create_table(
        "account",
        sa.Column("account", sa.Text(), primary_key=True),
        sa.Column("tier", sa.Text(), nullable=False),
    )
