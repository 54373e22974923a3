"""Leases that fence, one order of pushes, breaker and budget of channels, what shadow would have sent."""

import sqlalchemy as sa
from alembic import op

revision = "core_0014"
down_revision = "core_0013"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DUE = sa.text("state IN ('pending', 'sent')")
LOOKED_AT = sa.text("recheck_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("push_intent") as table:
        table.add_column(sa.Column("revision", WHOLE, nullable=False, server_default="1"))
        table.add_column(sa.Column("told_quantity", WHOLE, nullable=True))
        table.add_column(sa.Column("urgency", WHOLE, nullable=False, server_default="0"))
        table.add_column(sa.Column("lease", WHOLE, nullable=False, server_default="0"))
        table.add_column(sa.Column("leased_by", sa.Text(), nullable=True))
        table.add_column(sa.Column("behind_since", WHOLE, nullable=True))
        table.add_column(sa.Column("receipt", sa.Text(), nullable=True))
        table.add_column(sa.Column("recheck_at", WHOLE, nullable=True))
        table.add_column(sa.Column("doubt_quantity", WHOLE, nullable=True))
        table.add_column(sa.Column("doubt_until", WHOLE, nullable=True))
        table.add_column(sa.Column("dead_letter", sa.Text(), nullable=True))
        table.add_column(sa.Column("shadowed_revision", WHOLE, nullable=True))
        table.drop_index("push_intent_waiting")
    op.execute("UPDATE push_intent SET behind_since = intended_at WHERE state <> 'visible'")
    op.execute("UPDATE push_intent SET recheck_at = accepted_at WHERE state = 'accepted'")
    op.execute("UPDATE push_intent SET dead_letter = 'refused' WHERE state = 'failed'")
    _partial_index("push_intent_due", ["channel", "urgency", "intent_id"], DUE)
    _partial_index("push_intent_recheck", ["channel", "recheck_at"], LOOKED_AT)
    op.create_table(
        "channel_control",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("troubles", sa.Integer(), nullable=False),
        sa.Column("trouble_since", WHOLE, nullable=True),
        sa.Column("open_until", WHOLE, nullable=True),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("paused_until", WHOLE, nullable=True),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("tokens_at", WHOLE, nullable=True),
        sa.Column("answered_at", WHOLE, nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.create_table(
        "shadow_update",
        sa.Column("update_id", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("shown_quantity", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("update_id"),
    )
    op.create_index("shadow_update_order", "shadow_update", ["at"], unique=False)


def _partial_index(name: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, "push_intent", columns, unique=False, sqlite_where=where, postgresql_where=where)
