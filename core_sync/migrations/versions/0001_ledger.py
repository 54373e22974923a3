"""The ledger: sources, positions, entries, open items, held events."""

import sqlalchemy as sa
from alembic import op

revision = "core_0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("source_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("opening", sa.Text(), nullable=False),
        sa.Column("winner", sa.Text(), nullable=False),
        sa.Column("tolerance", WHOLE, nullable=False),
        sa.CheckConstraint("opening IN ('zero', 'unknown')", name="opening_known"),
        sa.PrimaryKeyConstraint("source_id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "position",
        sa.Column("position_id", KEY, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("on_hand", WHOLE, nullable=False),
        sa.Column("allocated", WHOLE, nullable=False),
        sa.Column("quality_hold", WHOLE, nullable=False),
        sa.Column("in_transit", WHOLE, nullable=False),
        sa.Column("relative", sa.Boolean(), nullable=False),
        sa.Column("last_event_at", WHOLE, nullable=True),
        sa.Column("last_recorded_at", WHOLE, nullable=True),
        sa.Column("last_count_at", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("position_id"),
        sa.UniqueConstraint("sku", "location", "lot", name="position_key"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("position_id", WHOLE, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("on_hand_delta", WHOLE, nullable=False),
        sa.Column("allocated_delta", WHOLE, nullable=False),
        sa.Column("quality_hold_delta", WHOLE, nullable=False),
        sa.Column("in_transit_delta", WHOLE, nullable=False),
        sa.Column("to_position_id", WHOLE, nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("reservation_id", sa.Text(), nullable=True),
        sa.Column("unit_price", WHOLE, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("map_version", WHOLE, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["position_id"],
            ["position.position_id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.source_id"],
        ),
        sa.ForeignKeyConstraint(
            ["to_position_id"],
            ["position.position_id"],
        ),
        sa.PrimaryKeyConstraint("entry_id"),
        sa.UniqueConstraint("source_id", "event_id", name="ledger_entry_identity"),
    )
    op.create_index(
        "ledger_entry_by_destination",
        "ledger_entry",
        ["to_position_id"],
        unique=False,
        sqlite_where=sa.text("to_position_id IS NOT NULL"),
        postgresql_where=sa.text("to_position_id IS NOT NULL"),
    )
    op.create_index(
        "ledger_entry_by_document",
        "ledger_entry",
        ["document", "line", "position_id"],
        unique=False,
        sqlite_where=sa.text("document IS NOT NULL"),
        postgresql_where=sa.text("document IS NOT NULL"),
    )
    op.create_index("ledger_entry_by_position", "ledger_entry", ["position_id", "occurred_at"], unique=False)
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
        sa.ForeignKeyConstraint(
            ["position_id"],
            ["position.position_id"],
        ),
        sa.PrimaryKeyConstraint("item_id"),
        sa.UniqueConstraint("position_id", "kind", "reference", name="open_item_key"),
    )
    op.create_index(
        "open_item_expiring",
        "open_item",
        ["kind", "expires_at"],
        unique=False,
        sqlite_where=sa.text("open_quantity > 0"),
        postgresql_where=sa.text("open_quantity > 0"),
    )
    op.create_table(
        "held_event",
        sa.Column("held_id", KEY, nullable=False),
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("position_id", WHOLE, nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("quantity_asked", WHOLE, nullable=True),
        sa.Column("quantity_there", WHOLE, nullable=True),
        sa.Column("lacks", sa.Text(), nullable=True),
        sa.Column("lacked", sa.Text(), nullable=True),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("decided_at", WHOLE, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("row", WHOLE, nullable=True),
        sa.CheckConstraint(
            "status IN ('parked', 'refused', 'suspected_duplicate', 'applied', 'dismissed')", name="held_status_known"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.source_id"],
        ),
        sa.PrimaryKeyConstraint("held_id"),
        sa.UniqueConstraint("source_id", "event_id", name="held_event_identity"),
    )
    op.create_index("held_event_lacking", "held_event", ["status", "lacks", "lacked"], unique=False)
    op.create_index("held_event_waiting", "held_event", ["status", "position_id"], unique=False)
    op.create_table(
        "corrected_telling",
        sa.Column("source_id", WHOLE, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.source_id"]),
        sa.PrimaryKeyConstraint("source_id", "event_id", "content"),
    )

    for table in APPEND_ONLY:
        _refuse_changes(table)


APPEND_ONLY = ("ledger_entry",)


def _refuse_changes(table: str) -> None:
    """Entries are corrected by entries: the database itself refuses updates and deletes."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
