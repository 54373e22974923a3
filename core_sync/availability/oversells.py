"""What channels sold that was not there, as the ledger tells it.

An order claims units when it reserves them, or when it ships what was never reserved. Those of them for which nothing
was free at that moment (on hand less allocated and on hold, over all locations) are oversold. What counts is when
things occurred, so a sale elsewhere that was told late still takes its unit first. Shipments that wait for stock claim
too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.ledger.effects import Flag


@dataclass(frozen=True, slots=True)
class Claimed:
    """Units that a channel's orders ``asked`` for in a span, and those of them that were ``oversold``."""

    asked: int
    oversold: int

    @property
    def rate(self) -> float | None:
        """Oversold units per unit asked; None where nothing was."""
        return self.oversold / self.asked if self.asked else None


NOTHING = Claimed(0, 0)


def claimed_units(connection: Connection, since: datetime, until: datetime) -> Mapping[str, Claimed]:
    """By channel, what orders that occurred from ``since`` to before ``until`` claimed.

    SKUs of which only movements are known, not the stock, are left out.
    """
    bound = {"since": to_microseconds(since), "until": to_microseconds(until), "reversal": int(Flag.REVERSAL)}
    found: dict[str, Claimed] = {}
    waiting = _WAITING_SQLITE if connection.dialect.name == "sqlite" else _WAITING_POSTGRESQL
    for statement in (_APPLIED, waiting):
        for channel, asked, oversold in connection.execute(text(statement), bound):
            before = found.get(channel, NOTHING)
            found[channel] = Claimed(before.asked + int(asked), before.oversold + int(oversold))
    return found


_APPLIED = """
WITH sold AS (
    SELECT DISTINCT p.sku FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
    WHERE l.channel IS NOT NULL AND l.type IN ('reserve', 'ship') AND l.occurred_at >= :since AND l.occurred_at < :until
), free AS (
    SELECT s.sku, SUM(p.on_hand - p.allocated - p.quality_hold) AS units
    FROM sold s JOIN position p ON p.sku = s.sku GROUP BY s.sku
    HAVING SUM(CASE WHEN p.relative THEN 1 ELSE 0 END) = 0
), moved AS (
    SELECT f.sku, l.channel, l.type, l.flags, l.occurred_at,
           l.on_hand_delta - l.allocated_delta - l.quality_hold_delta AS change,
           f.units - COALESCE(SUM(l.on_hand_delta - l.allocated_delta - l.quality_hold_delta) OVER (
               PARTITION BY f.sku ORDER BY l.occurred_at DESC, l.entry_id DESC
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS units_left
    FROM free f JOIN position p ON p.sku = f.sku JOIN ledger_entry l ON l.position_id = p.position_id
    WHERE l.occurred_at >= :since
)
SELECT channel, SUM(-change), SUM(CASE WHEN units_left >= 0 THEN 0 WHEN -units_left < -change THEN -units_left
                                       ELSE -change END)
FROM moved
WHERE channel IS NOT NULL AND type IN ('reserve', 'ship') AND change < 0 AND (flags & :reversal) = 0
  AND occurred_at < :until
GROUP BY channel
"""
"""``units_left`` is what was free after each entry: what is free now, less all that happened after it."""

_WAITING = """
SELECT {channel} AS channel, SUM(h.quantity_asked),
       SUM(CASE WHEN h.quantity_there <= 0 THEN h.quantity_asked ELSE h.quantity_asked - h.quantity_there END)
FROM held_event h
WHERE h.status = 'parked' AND h.lacks IS NULL AND h.state = 'on_hand' AND h.occurred_at >= :since
  AND h.occurred_at < :until AND {type} IN ('reserve', 'ship') AND {channel} IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM open_item i WHERE i.document = h.document AND i.kind = 'reservation')
GROUP BY 1
"""
_WAITING_SQLITE = _WAITING.format(
    channel="json_extract(h.payload, '$.channel')", type="json_extract(h.payload, '$.type')"
)
_WAITING_POSTGRESQL = _WAITING.format(channel="(h.payload::json ->> 'channel')", type="(h.payload::json ->> 'type')")
