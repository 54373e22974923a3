"""Order lines by channel and day, and how many of them we cancelled: counted once, as entries come in.

A reservation is an order line, and so is a shipment that draws on none. A cancellation counts as ours unless its reason
names the customer or buyer: that is how marketplaces count it. It is of the channel of its order where it names none
itself. A line belongs to the tier its account has when it is counted, and an allotment of an account is no order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.kpis.daily import DAY_US
from core_sync.ledger.effects import SIGN

NO_TIER = ""
"""The tier of lines whose customer has none, or names itself nowhere."""


def count_orders(connection: Connection, first: int, last: int) -> None:
    """Count the order lines among the ledger entries after ``first`` up to ``last``."""
    connection.execute(text(_ADD), {"first": first, "last": last})


@dataclass(frozen=True, slots=True)
class Shipped:
    """Units that were shipped, those of them whose margin is known, and that margin in ten-thousandths."""

    units: int = 0
    valued_units: int = 0
    margin: int = 0

    def __add__(self, more: "Shipped") -> "Shipped":
        return Shipped(
            self.units + more.units, self.valued_units + more.valued_units, self.margin + more.margin
        )  # fmt: skip


@dataclass(frozen=True)
class Ordered:
    """What was ordered on a channel in some days: lines, those we cancelled, lines by tier, shipped by currency.

    ``days`` are from the first with an order on (of those asked for) to the last asked for.
    """

    days: int = 0
    lines: int = 0
    cancelled: int = 0
    by_tier: Mapping[str, int] = field(default_factory=dict)
    shipped: Mapping[str, Shipped] = field(default_factory=dict)


def ordered(connection: Connection, at: datetime, days: int, channels: Iterable[str]) -> Mapping[str, Ordered]:
    """What was ordered on each of ``channels`` in the last ``days`` days, the one of ``at`` included."""
    today = to_microseconds(at) // DAY_US
    found: dict[str, Ordered] = {}
    for channel in channels:
        rows = connection.execute(text(_READ), {"channel": channel, "since": today - days + 1, "until": today}).all()
        by_tier: dict[str, int] = {}
        shipped: dict[str, Shipped] = {}
        for row in rows:
            by_tier[row.tier] = by_tier.get(row.tier, 0) + int(row.lines)
            more = Shipped(int(row.units), int(row.valued_units), int(row.margin))
            shipped[row.currency] = shipped.get(row.currency, Shipped()) + more
        found[channel] = Ordered(
            days=today + 1 - min((int(row.first) for row in rows), default=today + 1),
            lines=sum(by_tier.values()),
            cancelled=sum(int(row.cancelled) for row in rows),
            by_tier=by_tier,
            shipped=shipped,
        )
    return found


_ADD = f"""
INSERT INTO order_day (channel, tier, currency, day, lines, cancelled, units, valued_units, margin)
SELECT t.channel, t.tier, t.currency, t.day, SUM(t.sign * t.line), SUM(t.sign * t.cancelled), SUM(t.sign * t.units),
       SUM(CASE WHEN t.margin IS NULL THEN 0 ELSE t.sign * t.units END), SUM(COALESCE(t.sign * t.units * t.margin, 0))
FROM (
  SELECT CASE WHEN l.channel IS NOT NULL OR l.type <> 'order_cancelled' THEN l.channel ELSE (
           SELECT r.channel FROM ledger_entry r WHERE r.document = l.document AND r.channel IS NOT NULL
           ORDER BY r.entry_id LIMIT 1) END AS channel,
         COALESCE(a.tier, '') AS tier, COALESCE(s.currency, '') AS currency, l.occurred_at / {DAY_US} AS day,
         {SIGN} AS sign,
         CASE WHEN l.type = 'reserve' OR (l.type = 'ship' AND l.allocated_delta = 0) THEN 1 ELSE 0 END AS line,
         CASE WHEN l.type = 'order_cancelled' AND LOWER(COALESCE(l.reason, '')) NOT LIKE '%customer%'
               AND LOWER(COALESCE(l.reason, '')) NOT LIKE '%buyer%' THEN 1 ELSE 0 END AS cancelled,
         CASE WHEN l.type = 'ship' THEN l.quantity ELSE 0 END AS units, s.unit_price - s.unit_cost AS margin
  FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
  LEFT JOIN sku s ON s.sku = p.sku LEFT JOIN account a ON a.account = l.account
  WHERE l.entry_id > :first AND l.entry_id <= :last AND l.type IN ('reserve', 'ship', 'order_cancelled')
    AND COALESCE(l.reservation_id, '') NOT LIKE 'allotment:%'
) t
WHERE t.channel IS NOT NULL GROUP BY t.channel, t.tier, t.currency, t.day
ON CONFLICT (channel, tier, currency, day) DO UPDATE SET
  lines = order_day.lines + excluded.lines, cancelled = order_day.cancelled + excluded.cancelled,
  units = order_day.units + excluded.units, valued_units = order_day.valued_units + excluded.valued_units,
  margin = order_day.margin + excluded.margin
"""

_READ = """
SELECT tier, currency, SUM(lines) AS lines, SUM(cancelled) AS cancelled, SUM(units) AS units,
       SUM(valued_units) AS valued_units, SUM(margin) AS margin, MIN(day) AS first
FROM order_day WHERE channel = :channel AND day >= :since AND day <= :until GROUP BY tier, currency
"""
