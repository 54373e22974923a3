"""Mode shadow: what would have been pushed is worked out and compared with what the channel shows, never sent.

A pilot channel is in shadow for all but its own SKUs. Each value that would have been pushed is noted once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.channels.port import Channel
from core_sync.channels.read_around import read_around
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.outbox.dispatch import LIMIT, Connectors
from core_sync.outbox.due import PILOT


@dataclass(frozen=True, slots=True)
class ShadowDay:
    """What one channel in shadow was not sent on one UTC day.

    Args:
        updates: values that would have been pushed; ``zeros`` of them to 0, ``decreases`` to fewer than it showed.
        compared: those for which the channel could be read; ``differing``: where it showed another figure.
        units_too_many: units it showed beyond the promise, over all compared; ``units_too_few``: units it held back.
        variance: mean square of shown less promised, over all compared.
    """

    channel: str
    day: str
    updates: int
    zeros: int
    decreases: int
    compared: int
    differing: int
    units_too_many: int
    units_too_few: int
    variance: float | None


def compare_channel(database: Database, connectors: Connectors, name: str, at: datetime, limit: int = LIMIT) -> int:
    """Note up to ``limit`` updates that ``name`` would have been pushed; returns how many that were.

    A channel that is not connected, or gives no answer, is compared with nothing.
    """
    with database.reading() as connection:
        waiting = _waiting(connection, name, limit)
    if not waiting:
        return 0
    shown = _shown(connectors.get(name), [row.sku for row in waiting])
    rows = [
        {
            "intent_id": row.intent_id,
            "revision": row.revision,
            "channel": name,
            "sku": row.sku,
            "at": to_microseconds(at),
            "quantity": row.quantity,
            "shown": shown.get(row.sku),
        }
        for row in waiting
    ]
    with database.transaction() as connection:
        connection.execute(text(_NOTED), rows)
        connection.execute(text(_UPDATE), rows)
    return len(rows)


def shadow_days(connection: Connection, since: datetime, until: datetime) -> list[ShadowDay]:
    """What channels in shadow were not sent from ``since`` to ``until``, by channel and UTC day."""
    rows = connection.execute(text(_DAYS), {"since": to_microseconds(since), "until": to_microseconds(until)})
    return [
        ShadowDay(
            row.channel,
            datetime.fromtimestamp(row.day * 86_400, tz=since.tzinfo).date().isoformat(),
            row.updates,
            row.zeros,
            row.decreases,
            row.compared,
            row.differing,
            int(row.too_many or 0),
            int(row.too_few or 0),
            None if row.variance is None else float(row.variance),
        )
        for row in rows
    ]


def _waiting(connection: Connection, channel: str, limit: int) -> Sequence[Any]:
    statement = text(_WAITING.format(pilot=PILOT[connection.dialect.name]))
    return connection.execute(statement, {"channel": channel, "limit": limit}).all()


def _shown(channel: Channel | None, skus: Sequence[str]) -> dict[str, int]:
    if channel is None:
        return {}
    return {sku: shown for part in read_around(channel.read, skus).parts for sku, shown in part.items()}


_WAITING = """
SELECT i.intent_id, i.sku, i.quantity, i.revision FROM push_intent i JOIN channel c ON c.channel = i.channel
WHERE i.channel = :channel AND i.state IN ('pending', 'sent')
  AND (c.mode = 'shadow' OR c.mode = 'pilot' AND NOT ({pilot}))
  AND (i.shadowed_revision IS NULL OR i.shadowed_revision <> i.revision)
ORDER BY i.urgency, i.intent_id LIMIT :limit
"""

_NOTED = "UPDATE push_intent SET shadowed_revision = :revision WHERE intent_id = :intent_id"

_UPDATE = """
INSERT INTO shadow_update (channel, sku, at, quantity, shown_quantity) VALUES (:channel, :sku, :at, :quantity, :shown)
"""

_DAYS = """
SELECT channel, at / 86400000000 AS day, count(*) AS updates,
       sum(CASE WHEN quantity = 0 THEN 1 ELSE 0 END) AS zeros,
       sum(CASE WHEN quantity < shown_quantity THEN 1 ELSE 0 END) AS decreases,
       count(shown_quantity) AS compared,
       sum(CASE WHEN shown_quantity <> quantity THEN 1 ELSE 0 END) AS differing,
       sum(CASE WHEN shown_quantity > quantity THEN shown_quantity - quantity ELSE 0 END) AS too_many,
       sum(CASE WHEN shown_quantity < quantity THEN quantity - shown_quantity ELSE 0 END) AS too_few,
       avg((shown_quantity - quantity) * (shown_quantity - quantity) * 1.0) AS variance
FROM shadow_update WHERE at >= :since AND at < :until
GROUP BY channel, at / 86400000000 ORDER BY day, channel
"""
