"""Let go of what is old: tries of pushes, and updates noted in shadow. What an open failure rests on is kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database

PART = 5_000
"""Rows of each kind that one call lets go of: nobody who writes meanwhile waits long."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """How many rows went."""

    attempts: int
    shadow_updates: int


def let_go(database: Database, at: datetime, keep: timedelta) -> LetGo:
    """Delete up to ``PART`` tries and as many shadow updates that are older than ``keep``, the oldest first.

    Tries of a listing that has an open failure, or whose value was given up, are kept as long as that is so.
    """
    bound = {"before": to_microseconds(at - keep), "most": PART}
    with database.transaction() as connection:
        attempts = connection.execute(text(_ATTEMPTS), bound).rowcount
        updates = connection.execute(text(_UPDATES), bound).rowcount
    return LetGo(max(attempts, 0), max(updates, 0))


_ATTEMPTS = """
DELETE FROM push_attempt WHERE attempt_id IN (
    SELECT a.attempt_id FROM push_attempt a JOIN push_intent i ON i.intent_id = a.intent_id
    WHERE a.at < :before AND i.state <> 'failed'
      AND NOT EXISTS (SELECT 1 FROM failure f
                      WHERE f.subject = 'push:' || i.channel || ':' || i.sku AND f.resolved_at IS NULL)
    ORDER BY a.attempt_id LIMIT :most)
"""

_UPDATES = """
DELETE FROM shadow_update WHERE update_id IN (
    SELECT update_id FROM shadow_update WHERE at < :before ORDER BY at LIMIT :most)
"""
