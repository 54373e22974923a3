"""Indexes in the order in which a batch of events reads: open items by reference, parked events by position."""

import sqlalchemy as sa
from alembic import op

revision = "core_0008"
down_revision = "core_0007"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PARKED = sa.text("status = 'parked'")
OPEN = sa.text("open_quantity > 0")


def upgrade() -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for column in ("document", "line"):
        op.add_column("held_event", sa.Column(column, sa.Text(), nullable=True))
        told = f"json_extract(payload, '$.{column}')" if on_sqlite else f"CAST(payload AS json) ->> '{column}'"
        op.execute(f"UPDATE held_event SET {column} = NULLIF({told}, '')")
    op.drop_index("held_event_waiting", "held_event")
    op.create_index("held_event_waiting", "held_event", ["position_id"], sqlite_where=PARKED, postgresql_where=PARKED)
    op.create_index(
        "held_event_by_document", "held_event", ["document", "line"], sqlite_where=PARKED, postgresql_where=PARKED
    )
    if on_sqlite:
        _rebuild_open_items()
    else:
        op.drop_constraint("open_item_key", "open_item")
        op.create_unique_constraint("open_item_key", "open_item", ["reference", "kind", "position_id"])
        for table in ("position", "open_item"):
            # Rows that change with every batch stay on their page, so that no index changes with them.
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 70)")
    op.create_index(
        "open_item_by_position", "open_item", ["position_id", "kind"], sqlite_where=OPEN, postgresql_where=OPEN
    )


def _rebuild_open_items() -> None:
    """SQLite changes no constraint of a table that is there: the rows move to a new one."""
    op.drop_index("open_item_expiring", "open_item")
    op.rename_table("open_item", "open_item_before")
    op.create_table(
        "open_item",
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("position_id", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("placed_quantity", WHOLE, nullable=False),
        sa.Column("open_quantity", WHOLE, nullable=False),
        sa.Column("placed_at", WHOLE, nullable=False),
        sa.Column("expires_at", WHOLE, nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("cancelled_at", WHOLE, nullable=True),
        sa.CheckConstraint("kind IN ('reservation', 'transit', 'hold')", name="open_item_kind_known"),
        sa.CheckConstraint("open_quantity >= 0", name="open_item_not_negative"),
        sa.ForeignKeyConstraint(["position_id"], ["position.position_id"]),
        sa.PrimaryKeyConstraint("item_id"),
        sa.UniqueConstraint("reference", "kind", "position_id", name="open_item_key"),
    )
    op.execute("INSERT INTO open_item SELECT * FROM open_item_before")
    op.drop_table("open_item_before")
    op.create_index("open_item_expiring", "open_item", ["kind", "expires_at"], sqlite_where=OPEN)
