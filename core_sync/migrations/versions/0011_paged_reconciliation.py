"""Comparisons remember how far they are done; deltas say whose figure wins and how much may differ."""

import sqlalchemy as sa
from alembic import op

revision = "core_0011"
down_revision = "core_0010"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
DUE = sa.text("done_up_to < told_up_to")


def upgrade() -> None:
    op.drop_index("snapshot_order", "snapshot")
    op.create_index("snapshot_order", "snapshot", ["system", "as_of", "snapshot_id"], unique=False)
    for name in ("tolerated", "told_up_to", "done_up_to"):
        op.add_column("reconciliation", sa.Column(name, WHOLE, nullable=False, server_default="0"))
    op.create_index(
        "reconciliation_due",
        "reconciliation",
        ["as_of", "system"],
        unique=False,
        sqlite_where=DUE,
        postgresql_where=DUE,
    )
    op.create_index("reconciliation_by_time", "reconciliation", ["as_of"], unique=False)
    op.add_column("delta", sa.Column("winner", sa.Text(), nullable=False, server_default=""))
    op.add_column("delta", sa.Column("winning_quantity", WHOLE, nullable=True))
    op.add_column("delta", sa.Column("tolerance", WHOLE, nullable=False, server_default="0"))
    op.add_column("delta", sa.Column("within_tolerance", sa.Boolean(), nullable=False, server_default=sa.false()))
    # What was compared stays so; a snapshot that nobody had compared yet is due.
    op.execute(
        """UPDATE reconciliation SET told_up_to = coalesce((SELECT max(s.snapshot_id) FROM snapshot s
        WHERE s.system = reconciliation.system AND s.as_of = reconciliation.as_of), 0)"""
    )
    op.execute("UPDATE reconciliation SET done_up_to = told_up_to")
    op.execute(
        """INSERT INTO reconciliation (system, as_of, compared, differing, tolerated, told_up_to, done_up_to,
            recorded_at)
        SELECT s.system, s.as_of, 0, 0, 0, max(s.snapshot_id), 0, max(s.recorded_at) FROM snapshot s
        WHERE NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.system = s.system AND r.as_of = s.as_of)
        GROUP BY s.system, s.as_of"""
    )
