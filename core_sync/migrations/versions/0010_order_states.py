"""What is known of orders that stock is reserved for."""

import sqlalchemy as sa
from alembic import op

revision = "core_0010"
down_revision = "core_0009"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "order_state",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("cancelled_at", WHOLE, nullable=True),
        sa.Column("shipped_units", WHOLE, nullable=False),
        sa.Column("shipped_at", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("document", "sku"),
    )
    op.create_table(
        "orders_read",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("entry_id", WHOLE, nullable=False),
        sa.CheckConstraint("only_row = 1", name="one_reading"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.execute("INSERT INTO orders_read VALUES (1, 0)")
