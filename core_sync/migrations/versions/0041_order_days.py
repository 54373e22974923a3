"""Order lines by channel, tier and day, and those that were cancelled, by which a cancel rate is known."""

import sqlalchemy as sa
from alembic import op

revision = "core_0041"
down_revision = "core_0040"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
DAY_US = 86_400_000_000
REVERSAL = 64

COUNTED = f"""
INSERT INTO order_day (channel, tier, currency, day, lines, cancelled, units, valued_units, margin)
SELECT t.channel, '', t.currency, t.day, SUM(t.sign * t.line), SUM(t.sign * t.cancelled), SUM(t.sign * t.units),
       SUM(CASE WHEN t.margin IS NULL THEN 0 ELSE t.sign * t.units END), SUM(COALESCE(t.sign * t.units * t.margin, 0))
FROM (
  SELECT CASE WHEN l.channel IS NOT NULL OR l.type <> 'order_cancelled' THEN l.channel ELSE (
           SELECT r.channel FROM ledger_entry r WHERE r.document = l.document AND r.channel IS NOT NULL
           ORDER BY r.entry_id LIMIT 1) END AS channel,
         COALESCE(s.currency, '') AS currency, l.occurred_at / {DAY_US} AS day,
         CASE WHEN l.flags & {REVERSAL} = 0 THEN 1 ELSE -1 END AS sign,
         CASE WHEN l.type = 'reserve' OR (l.type = 'ship' AND l.allocated_delta = 0) THEN 1 ELSE 0 END AS line,
         CASE WHEN l.type = 'order_cancelled' AND LOWER(COALESCE(l.reason, '')) NOT LIKE '%customer%'
               AND LOWER(COALESCE(l.reason, '')) NOT LIKE '%buyer%' THEN 1 ELSE 0 END AS cancelled,
         CASE WHEN l.type = 'ship' THEN l.quantity ELSE 0 END AS units, s.unit_price - s.unit_cost AS margin
  FROM ledger_entry l JOIN position p ON p.position_id = l.position_id LEFT JOIN sku s ON s.sku = p.sku
  WHERE l.type IN ('reserve', 'ship', 'order_cancelled') AND COALESCE(l.reservation_id, '') NOT LIKE 'allotment:%'
    AND l.entry_id <= (SELECT MAX(activity_entry_id) FROM expectations_read)
) t
WHERE t.channel IS NOT NULL GROUP BY t.channel, t.currency, t.day
"""


def upgrade() -> None:
    op.create_table(
        "order_day",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("day", WHOLE, nullable=False),
        sa.Column("lines", WHOLE, nullable=False),
        sa.Column("cancelled", WHOLE, nullable=False),
        sa.Column("units", WHOLE, nullable=False),
        sa.Column("valued_units", WHOLE, nullable=False),
        sa.Column("margin", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("channel", "tier", "currency", "day"),
    )
    op.create_index("order_day_by_day", "order_day", ["day"])
    op.execute(COUNTED)
