"""What systems tell of their orders, and as of when."""

import sqlalchemy as sa
from alembic import op

revision = "core_0021"
down_revision = "core_0020"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "told_order",
        sa.Column("order_id", KEY, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placed_at", WHOLE, nullable=True),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.CheckConstraint("state IN ('open', 'shipped', 'cancelled')", name="order_state_known"),
        sa.PrimaryKeyConstraint("order_id"),
        sa.UniqueConstraint("system", "document", name="told_order_key"),
    )
    op.create_index("told_order_by_document", "told_order", ["document"], unique=False)
    op.create_table(
        "order_list",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("system"),
    )
    op.add_column("expectations_read", sa.Column("order_id", WHOLE, nullable=False, server_default="0"))
