"""Which listings a case is about, and which show something else than what we promise."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from core_sync.outbox.backlog import backlog
from core_sync.outbox.listing import Listing
from remediation.case_view import CaseView

_WHOLE_CHANNEL = ("outage", "rate_limit")
"""Subclasses of a time-out that hit every listing of a channel, whoever told of which."""

BACKLOG_MAX = 500
"""Waiting listings of a channel that one action names; the others are pushed when their turn comes."""

_PROMISED = "SELECT channel, sku, quantity FROM push_intent"

# What a channel was seen to show later than its last snapshot is newer than that.
_BEHIND = """
SELECT i.channel, i.sku
FROM channel c
JOIN snapshot s ON s.system = coalesce(c.system, c.channel) AND s.location = '' AND s.state = 'available'
  AND s.as_of = (SELECT max(n.as_of) FROM snapshot n WHERE n.system = coalesce(c.system, c.channel))
JOIN push_intent i ON i.channel = c.channel AND i.sku = s.sku
WHERE i.quantity <> CASE WHEN i.visible_at > s.as_of THEN i.shown_quantity ELSE s.quantity END
ORDER BY i.channel, i.sku
"""


@dataclass(frozen=True, slots=True)
class ToPush:
    """The listings to push again, and the failures that are gone once they show what is promised.

    ``queued`` are those of ``listings`` that only wait their turn: the trouble held them up, the case is not of them.
    """

    listings: tuple[Listing, ...]
    failures: tuple[int, ...]
    queued: frozenset[Listing] = frozenset()


def promised(connection: Connection) -> Mapping[Listing, int]:
    """What each listing is to show."""
    return {Listing(channel, sku): quantity for channel, sku, quantity in connection.execute(text(_PROMISED))}


def listings_behind(connection: Connection) -> list[Listing]:
    """Listings that, by their channel's last report, do not show what is promised."""
    return [Listing(channel, sku) for channel, sku in connection.execute(text(_BEHIND))]


def listings_to_push(connection: Connection, case: CaseView) -> ToPush:
    """What a push of the case's listings can mend.

    A failure that names a listing is that listing's. One that names a SKU and no channel is about the channels
    that show something else for the SKU. Trouble of a whole channel is about everything there that waits to be pushed,
    up to ``BACKLOG_MAX`` in the order in which it goes out, or is behind by the channel's last report.
    """
    known = promised(connection)
    listings = {listing for listing in case.listings if listing in known}
    behind = listings_behind(connection)
    queued: set[Listing] = set()
    if case.subclass in _WHOLE_CHANNEL:
        named = {listing.channel for listing in listings} | set(case.channels)
        listings |= {listing for listing in behind if listing.channel in named}
        for channel in sorted(named):
            queued |= set(backlog(connection, channel, BACKLOG_MAX))
    mended = []
    for signal in case.failures:
        listing = case.listing_of(signal)
        found = {listing} & (listings | queued) if listing is not None else set()
        if listing is None and signal.channel is None and signal.tells_of_a_push:
            found = {one for one in behind if one.sku == signal.sku}
            listings |= found
        if found:
            mended.append(signal.failure_id)
    return ToPush(tuple(sorted(listings | queued)), tuple(mended), frozenset(queued - listings))
