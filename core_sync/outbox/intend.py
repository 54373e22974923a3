"""Intend what channels shall show, in the transaction that changed the stock behind it.

One row a listing: the last value wins. A listing on hold remembers what it should show and is not
pushed. Nothing here speaks to a channel; ``dispatch`` does, after the commit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, promised_quantities, wanted_skus
from core_sync.availability.selling import selling_channels
from core_sync.clock import to_microseconds


@dataclass(frozen=True, slots=True, order=True)
class Listing:
    """One SKU on one channel."""

    channel: str
    sku: str

    @property
    def subject(self) -> str:
        """The subject under which a failed push of this listing is kept."""
        return f"push:{self.channel}:{self.sku}"


_KNOWN = """
SELECT i.channel, i.sku, i.quantity
FROM ({wanted}) w {pinned} JOIN channel c {on_any}
{pinned} JOIN push_intent i ON i.channel = c.channel AND i.sku = w.sku
"""

_NEW = """
INSERT INTO push_intent (channel, sku, quantity, state, attempts, intended_at)
VALUES (:channel, :sku, :quantity, 'pending', 0, :at)
"""

# A value that changed starts afresh: attempts and back-off belonged to the old one.
_CHANGED = """
UPDATE push_intent
SET quantity = :quantity, intended_at = :at, attempts = 0, not_before = NULL,
    state = CASE WHEN state = 'held' THEN 'held' ELSE 'pending' END
WHERE channel = :channel AND sku = :sku
"""

_HOLD = """
UPDATE push_intent SET state = 'held', hold_reason = :reason, leased_until = NULL
WHERE channel = :channel AND sku = :sku
"""

_RELEASE = """
UPDATE push_intent
SET state = CASE WHEN shown_quantity = quantity THEN 'visible' ELSE 'pending' END,
    hold_reason = NULL, attempts = 0, not_before = NULL, intended_at = :at
WHERE channel = :channel AND sku = :sku AND state = 'held'
"""

_REQUEUE = """
UPDATE push_intent SET state = 'pending', attempts = 0, not_before = NULL, leased_until = NULL
WHERE channel = :channel AND sku = :sku AND state <> 'held'
"""


def refresh_intents(connection: Connection, skus: Collection[str], at: datetime) -> int:
    """Promise anew what channels may show of ``skus``, whose stock or rules changed; returns how many changed."""
    channels = selling_channels(connection) if skus else ()
    if not channels:
        return 0
    known = _known(connection, skus)
    moment = to_microseconds(at)
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for promised in promised_quantities(connection, skus, at, channels):
        before = known.get((promised.channel, promised.sku))
        if before != promised.quantity:
            row = {
                "channel": promised.channel,
                "sku": promised.sku,
                "quantity": promised.quantity,
                "at": moment,
            }
            (new if before is None else changed).append(row)
    for statement, rows in ((_NEW, new), (_CHANGED, changed)):
        if rows:
            connection.execute(text(statement), rows)
    return len(new) + len(changed)


def refresh_all_intents(connection: Connection, at: datetime) -> int:
    """Promise everything anew: after channels, shares, buffers or safety stocks changed."""
    stocked = connection.execute(text("SELECT DISTINCT sku FROM position")).scalars()
    return refresh_intents(connection, list(stocked), at)


def hold(connection: Connection, listings: Collection[Listing], reason: str) -> int:
    """Stop pushing ``listings`` until they are released; returns how many are held now."""
    return _each(connection, _HOLD, listings, reason=reason)


def release(connection: Connection, listings: Collection[Listing], at: datetime) -> int:
    """Push held ``listings`` again, with the value they should show by now; returns how many were held."""
    return _each(connection, _RELEASE, listings, at=to_microseconds(at))


def requeue(connection: Connection, listings: Collection[Listing]) -> int:
    """Make ``listings`` due at once, whatever their attempts and back-off; those on hold stay so."""
    return _each(connection, _REQUEUE, listings)


def _known(connection: Connection, skus: Collection[str]) -> dict[tuple[str, str], int]:
    on_sqlite = connection.dialect.name == "sqlite"
    statement = _KNOWN.format(
        wanted=wanted_skus(connection),
        # SQLite takes the order of a CROSS JOIN as given, and finds each listing by its index.
        pinned="CROSS" if on_sqlite else "",
        on_any="" if on_sqlite else "ON true",
    )
    listings = connection.execute(text(statement), {"skus": as_json(skus)})
    return {(channel, sku): quantity for channel, sku, quantity in listings}


def _each(connection: Connection, statement: str, listings: Collection[Listing], **bound: Any) -> int:
    if not listings:
        return 0
    rows = [{"channel": listing.channel, "sku": listing.sku, **bound} for listing in listings]
    return max(connection.execute(text(statement), rows).rowcount, 0)
