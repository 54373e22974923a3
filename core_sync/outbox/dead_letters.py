"""Values that were given up: listed, and replayed by class once their cause is mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds
from core_sync.outbox.intend import requeue
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import DeadLetter


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters: of one channel, one class, one code or one SKU; what is None selects all."""

    channel: str | None = None
    why: DeadLetter | None = None
    error_code: str | None = None
    sku: str | None = None

    @property
    def bound(self) -> dict[str, Any]:
        """What the statements of this file bind."""
        why = self.why.value if self.why is not None else None
        return {"channel": self.channel, "why": why, "code": self.error_code, "sku": self.sku}


@dataclass(frozen=True, slots=True)
class Letter:
    """One listing whose value was given up, with the last answer to it."""

    channel: str
    sku: str
    quantity: int
    shown_quantity: int | None
    dead_letter: str
    error_code: str | None
    http_status: int | None
    message: str | None
    attempts: int
    behind_since: datetime | None
    last_try_at: datetime | None


def dead_letters(connection: Connection, which: Selection = Selection(), limit: int | None = None) -> Iterator[Letter]:
    """Dead letters, those that are behind longest first."""
    statement = text(_LETTERS + ("LIMIT :limit" if limit is not None else ""))
    for row in connection.execute(statement, {**which.bound, "limit": limit} if limit is not None else which.bound):
        yield Letter(
            row.channel,
            row.sku,
            row.quantity,
            row.shown_quantity,
            row.dead_letter,
            row.error_code,
            row.http_status,
            row.message,
            row.attempts,
            None if row.behind_since is None else from_microseconds(row.behind_since),
            None if row.at is None else from_microseconds(row.at),
        )


def replay(connection: Connection, which: Selection) -> int:
    """Make dead letters due again, with the values they should show by now; returns how many that were."""
    return requeue(connection, [Listing(one.channel, one.sku) for one in dead_letters(connection, which)])


_LETTERS = """
SELECT i.channel, i.sku, i.quantity, i.shown_quantity, i.dead_letter, i.attempts, i.behind_since, a.error_code,
       a.http_status, a.message, a.at
FROM push_intent i
LEFT JOIN push_attempt a
  ON a.attempt_id = (SELECT max(n.attempt_id) FROM push_attempt n WHERE n.intent_id = i.intent_id)
WHERE i.state = 'failed'
  AND (CAST(:channel AS text) IS NULL OR i.channel = :channel) AND (CAST(:why AS text) IS NULL OR i.dead_letter = :why)
  AND (CAST(:sku AS text) IS NULL OR i.sku = :sku) AND (CAST(:code AS text) IS NULL OR a.error_code = :code)
ORDER BY i.behind_since, i.intent_id
"""
