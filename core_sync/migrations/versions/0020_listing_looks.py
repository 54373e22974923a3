"""When each listing was last looked at."""

import sqlalchemy as sa
from alembic import op

revision = "core_0020"
down_revision = "core_0019"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "listing_look",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("intent_id", WHOLE, nullable=False),
        sa.Column("looked_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("channel", "sku"),
    )
    op.create_index("listing_look_order", "listing_look", ["channel", "looked_at", "sku"], unique=False)
    op.create_index("listing_look_newest", "listing_look", ["intent_id"], unique=False)
