"""Master data, with effective dates."""

import sqlalchemy as sa
from alembic import op

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "master_data_version",
        sa.Column("only_row", sa.Integer(), nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.CheckConstraint("only_row = 1", name="one_row"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.execute("INSERT INTO master_data_version VALUES (1, 0)")
    op.create_table(
        "sku",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("base_uom", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("unit_price", WHOLE, nullable=True),
        sa.Column("unit_cost", WHOLE, nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("supplier", sa.Text(), nullable=True),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column("lot_controlled", sa.Boolean(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("sku"),
    )
    op.create_table(
        "unit_of_measure",
        sa.Column("unit_id", KEY, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("uom", sa.Text(), nullable=False),
        sa.Column("numerator", WHOLE, nullable=False),
        sa.Column("denominator", WHOLE, nullable=False),
        sa.CheckConstraint("numerator > 0 AND denominator > 0", name="factor_positive"),
        sa.PrimaryKeyConstraint("unit_id"),
        sa.UniqueConstraint("sku", "uom", name="unit_of_measure_key"),
    )
    op.create_table(
        "alias",
        sa.Column("version", KEY, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("external_sku", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("valid_from", WHOLE, nullable=True),
        sa.Column("valid_to", WHOLE, nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index("alias_lookup", "alias", ["system", "external_sku"], unique=False)
    op.create_table(
        "location",
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("stock_control", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("external_location", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.CheckConstraint("stock_control IN ('strict', 'lenient')", name="stock_control_known"),
        sa.PrimaryKeyConstraint("location"),
    )
    op.create_table(
        "safety_stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("sku", "location"),
    )
    op.create_table(
        "rate",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.Column("per_reporting_unit", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("currency", "as_of"),
    )
    op.create_table(
        "channel",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("oversell_penalty", WHOLE, nullable=True),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('shadow', 'pilot', 'live')", name="mode_known"),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "channel_rule",
        sa.Column("version", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("share_ten_thousandths", sa.Integer(), nullable=False),
        sa.Column("buffer", WHOLE, nullable=False),
        sa.Column("valid_from", WHOLE, nullable=False),
        sa.Column("valid_until", WHOLE, nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("buffer >= 0", name="buffer_not_negative"),
        sa.CheckConstraint("share_ten_thousandths BETWEEN 0 AND 10000", name="share_is_a_ratio"),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_index("channel_rule_lookup", "channel_rule", ["channel", "sku", "version"], unique=False)
    op.create_table(
        "supplier",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("supplier"),
    )
    op.create_table(
        "delivery",
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("ordered_at", WHOLE, nullable=False),
        sa.Column("promised_at", WHOLE, nullable=True),
        sa.Column("received_at", WHOLE, nullable=True),
        sa.Column("ordered_quantity", WHOLE, nullable=False),
        sa.Column("received_quantity", WHOLE, nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
        sa.UniqueConstraint("content"),
    )
    op.create_index("delivery_by_supplier", "delivery", ["supplier", "sku"], unique=False)
