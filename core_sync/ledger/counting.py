"""On hand is what the last count found plus what moved since; a count that was taken back found nothing.

Deltas in the ledger say what changed when an entry was written: nothing, where a later count contained the movement
already. What a movement does by itself is told by its type and quantity, and serves where counts come and go.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from core_sync.ledger.effects import EFFECTS, SIGN, Flag
from core_sync.ledger.events import EventType
from core_sync.ledger.own_ids import sql_reversal_id


@dataclass(frozen=True, slots=True)
class Count:
    """A count that stands: when it was made, as which entry it was told, how many units it found."""

    occurred_at: int
    entry_id: int
    quantity: int

    def is_after(self, occurred_at: int, entry_id: int) -> bool:
        """Whether it counts for more than one made or told then: of two made at one moment, the one told later."""
        return (self.occurred_at, self.entry_id) > (occurred_at, entry_id)


def standing_count(connection: Connection, position: int, but_for: int) -> Count | None:
    """The last count of ``position`` that was not taken back, leaving aside the entry ``but_for``."""
    row = connection.execute(text(_STANDING), {"position": position, "but_for": but_for}).one_or_none()
    return Count(*row) if row is not None else None


def on_hand_since(connection: Connection, position: int, count: Count | None) -> int:
    """Units on hand at ``position`` by ``count`` and what moved after it; by all movements where there is none."""
    bound = {"position": position, "moment": count.occurred_at if count else None}
    moved = connection.execute(text(_MOVED), bound).scalar_one()
    return int(moved or 0) + (count.quantity if count else 0)


def _types(sign: int) -> str:
    """Types of which one unit moves on hand by ``sign``, for SQL."""
    return ", ".join(f"'{type}'" for type, effect in EFFECTS.items() if effect(1, 0)[0] == sign)


OWN_ON_HAND = f"""{SIGN} * (CASE
    WHEN l.type = '{EventType.RESTOCK}' THEN l.quantity - ABS(l.quality_hold_delta)
    WHEN l.type IN ({_types(1)}) THEN l.quantity WHEN l.type IN ({_types(-1)}) THEN -l.quantity ELSE 0 END)"""
"""SQL: what the entry ``l`` does to on hand by itself, in whole units; a count does nothing by itself."""

STANDS = f"""l.type = '{EventType.COUNT}' AND l.flags & {Flag.REVERSAL} = 0 AND NOT EXISTS (
    SELECT 1 FROM ledger_entry r JOIN source s ON s.source_id = l.source_id
    WHERE r.position_id = l.position_id AND r.occurred_at = l.occurred_at AND r.flags & {Flag.REVERSAL} <> 0
    AND r.event_id = {sql_reversal_id("s.name", "l.event_id")})"""
"""SQL: whether the entry ``l`` is a count that was not taken back."""

_STANDING = f"""SELECT l.occurred_at, l.entry_id, l.quantity FROM ledger_entry l
    WHERE l.position_id = :position AND l.entry_id <> :but_for AND {STANDS}
    ORDER BY l.occurred_at DESC, l.entry_id DESC LIMIT 1"""

_MOVED = f"""SELECT SUM({OWN_ON_HAND}) FROM ledger_entry l WHERE l.position_id = :position
    AND (CAST(:moment AS BIGINT) IS NULL OR l.occurred_at > :moment)"""
