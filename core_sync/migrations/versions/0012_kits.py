"""What kits are made of."""

import sqlalchemy as sa
from alembic import op

revision = "core_0012"
down_revision = "core_0011"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kit_component",
        sa.Column("version", KEY, nullable=False),
        sa.Column("kit", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("valid_from", WHOLE, nullable=True),
        sa.Column("valid_to", WHOLE, nullable=True),
        sa.CheckConstraint("quantity > 0", name="component_quantity_positive"),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index("kit_lookup", "kit_component", ["kit"])
