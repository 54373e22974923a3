"""Which listings are due, and leasing them: decreases overtake increases, zero first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.outbox.intend import Listing
from core_sync.outbox.rules import LEASE

_DUE = """
SELECT i.intent_id, i.channel, i.sku, i.quantity, i.shown_quantity, i.attempts, i.intended_at
FROM push_intent i JOIN channel c ON c.channel = i.channel
WHERE c.mode <> 'shadow' {only}
  AND (c.mode = 'live' OR {pilot} {on_request})
  AND (i.state = 'pending' AND (i.not_before IS NULL OR i.not_before <= :at)
       OR i.state = 'sent' AND i.leased_until <= :at)
ORDER BY CASE WHEN i.quantity = 0 THEN 0 WHEN i.quantity < i.shown_quantity THEN 1 ELSE 2 END,
         c.priority, i.intended_at, i.intent_id
LIMIT :limit {locking}
"""

_PILOT = {
    "sqlite": "i.sku IN (SELECT value FROM json_each(c.attributes, '$.pilot_skus'))",
    "postgresql": (
        "i.sku IN (SELECT value FROM json_array_elements_text("
        "coalesce(CAST(c.attributes AS json) -> 'pilot_skus', CAST('[]' AS json))))"
    ),
}

# A pilot channel that is pushed to on request takes a listing that somebody asked for, and no other.
_ON_REQUEST = {
    "sqlite": "OR coalesce(json_extract(c.attributes, '$.push_on_request'), 0) = 1",
    "postgresql": "OR coalesce(CAST(c.attributes AS json) ->> 'push_on_request', 'false') = 'true'",
}

_NAMED = {
    "sqlite": (
        "AND (i.channel, i.sku) IN "
        "(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:named))"
    ),
    "postgresql": (
        "AND (i.channel, i.sku) IN (SELECT value ->> 0, value ->> 1 FROM json_array_elements(CAST(:named AS json)))"
    ),
}

_TAKE = """
UPDATE push_intent SET state = 'sent', attempts = :attempt, leased_until = :until, sent_at = :at
WHERE intent_id = :intent_id
"""


@dataclass(frozen=True, slots=True)
class DuePush:
    """One listing that this dispatcher holds the lease of; ``attempt`` counts from 1 for this value."""

    intent_id: int
    listing: Listing
    quantity: int
    shown_quantity: int | None
    attempt: int
    intended_at: int

    @property
    def idempotency_key(self) -> str:
        """Names this value of this listing, whoever pushes it and how often."""
        return f"intent-{self.intent_id}-{self.intended_at}-{self.quantity}"


def take_due(
    connection: Connection, at: datetime, limit: int, only: Collection[Listing] | None = None
) -> list[DuePush]:
    """Lease up to ``limit`` due listings, of ``only`` where given.

    Channels in mode shadow have none. Those in mode pilot have their ``pilot_skus``; where their attributes say
    ``push_on_request``, whatever ``only`` names too.
    """
    moment = to_microseconds(at)
    dialect = connection.dialect.name
    statement = _DUE.format(
        only=_NAMED[dialect] if only is not None else "",
        pilot=_PILOT[dialect],
        on_request=_ON_REQUEST[dialect] if only is not None else "",
        locking="FOR UPDATE OF i SKIP LOCKED" if dialect == "postgresql" else "",
    )
    bound: dict[str, object] = {"at": moment, "limit": limit}
    if only is not None:
        bound["named"] = msgspec.json.encode([(listing.channel, listing.sku) for listing in only]).decode()
    due = [_due_push(row) for row in connection.execute(text(statement), bound)]
    if due:
        until = to_microseconds(at + LEASE)
        connection.execute(
            text(_TAKE),
            [{"intent_id": push.intent_id, "attempt": push.attempt, "until": until, "at": moment} for push in due],
        )
    return due


def _due_push(row: tuple[int, str, str, int, int | None, int, int]) -> DuePush:
    intent_id, channel, sku, quantity, shown, attempts, intended_at = row
    return DuePush(intent_id, Listing(channel, sku), quantity, shown, attempts + 1, intended_at)
