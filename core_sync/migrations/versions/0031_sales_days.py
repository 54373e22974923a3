"""Lines shipped by day, by which stock that does not sell and days that are too quiet are known."""

import sqlalchemy as sa
from alembic import op

revision = "core_0031"
down_revision = "core_0030"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
DAY_US = 86_400_000_000


def upgrade() -> None:
    op.create_table(
        "sales_day",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("day", WHOLE, nullable=False),
        sa.Column("lines", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("sku", "location", "day"),
    )
    op.create_index("sales_day_by_day", "sales_day", ["day"])
    op.add_column("expectations_read", sa.Column("sales_looked_at", WHOLE, nullable=False, server_default="0"))
    for sku, location in (("p.sku", "''"), ("''", "p.location"), ("''", "''")):
        op.execute(
            f"INSERT INTO sales_day (sku, location, day, lines) "
            f"SELECT {sku}, {location}, l.occurred_at / {DAY_US}, COUNT(*) "
            "FROM ledger_entry l JOIN position p ON p.position_id = l.position_id "
            "WHERE l.type = 'ship' AND l.entry_id <= (SELECT MAX(activity_entry_id) FROM expectations_read) "
            "GROUP BY 1, 2, 3"
        )
