"""What waits to be pushed, in the order in which it goes out, and what each listing is believed to show meanwhile."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.outbox.listing import Listing


class LastKnown(NamedTuple):
    """What a channel was last known to show, and since when (microseconds since 1970)."""

    quantity: int
    as_of: int


def backlog(connection: Connection, channel: str, most: int) -> list[Listing]:
    """Up to ``most`` listings that wait to be pushed to ``channel``, the first to go first."""
    rows = connection.execute(text(_BACKLOG), {"channel": channel, "most": most})
    return [Listing(channel, sku) for (sku,) in rows]


def last_known(connection: Connection, skus: Collection[str]) -> dict[tuple[str, str], LastKnown]:
    """What each channel last accepted or was seen to show of ``skus``, by (channel, SKU); unknown ones are left out."""
    statement = _LAST_KNOWN.format(
        wanted=wanted_skus(connection), pinned="CROSS" if connection.dialect.name == "sqlite" else ""
    )
    rows = connection.execute(text(statement), {"skus": as_json(skus)})
    return {
        (channel, sku): LastKnown(quantity, as_of) for channel, sku, quantity, as_of in rows if quantity is not None
    }


_BACKLOG = """
SELECT sku FROM push_intent WHERE channel = :channel AND state IN ('pending', 'sent')
ORDER BY urgency, intent_id LIMIT :most
"""

# What was accepted and then seen to be otherwise shows what was seen. On SQLite the wanted SKUs come first.
_LAST_KNOWN = """
SELECT i.channel, i.sku,
       CASE WHEN i.state = 'accepted' THEN coalesce(i.shown_quantity, i.told_quantity)
            ELSE coalesce(i.told_quantity, i.shown_quantity) END AS quantity,
       CASE WHEN coalesce(i.accepted_at, 0) > coalesce(i.visible_at, 0) THEN coalesce(i.accepted_at, 0)
            ELSE coalesce(i.visible_at, 0) END AS as_of
FROM channel c {pinned} JOIN ({wanted}) w ON true {pinned} JOIN push_intent i ON i.channel = c.channel AND i.sku = w.sku
"""
