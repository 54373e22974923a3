"""Look at every listing of every channel once a day, the longest not looked at first, a few each round.

What was just pushed is read back by the outbox, and what systems send is compared as it comes; this looks at all the
rest, for what nobody told. What a channel shows is stored as its snapshot, and reconciled like any other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from sqlalchemy import Connection, text

from core_sync.availability.promises import channel_names
from core_sync.channels.port import ReadFailed, Reading
from core_sync.channels.read_around import ReadAround, read_around
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.outbox import unread
from core_sync.outbox.control import read_control
from core_sync.outbox.dispatch import Connectors
from core_sync.outbox.intend import now_listed
from core_sync.outbox.listing import Listing
from core_sync.snapshots.store import Figure, store_figures

CYCLE = timedelta(days=1)
"""Within this time every listing is looked at once."""

ROUND = timedelta(seconds=60)
"""How long one round's share of a cycle is."""

BLIND = timedelta(hours=1)
"""How long none of a channel's listings can be looked at before that is told."""

FAILURES_MAX = 32
"""Failures of one round, see ``read_around``: channels are swept one after the other, so that none may take long."""

OVERLAP = 10_000
"""Listings looked for again among the new ones: on PostgreSQL one may be committed after a later number."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many listings a round looked at, and on how many channels no look was possible."""

    listings: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a channel was looked at within the last cycle; ``oldest_at``: when the longest unseen was."""

    channel: str
    listings: int
    covered: int
    oldest_at: datetime | None

    @property
    def share(self) -> float:
        """Share of the listings that was looked at within the cycle; 1 where there are none."""
        return self.covered / self.listings if self.listings else 1.0


def sweep(database: Database, connectors: Connectors, at: datetime, rows: int | None = None) -> Swept:
    """One round on every channel: at most ``rows`` listings of each, else as many as a day's cycle asks for."""
    listings = blind = 0
    began = monotonic()
    _take_in_new(database)
    with database.reading() as connection:
        names = channel_names(connection)
    for name in names:
        channel = connectors.get(name)
        with database.reading() as connection:
            skus = [] if channel is None else _longest_unseen(connection, name, rows)
        if channel is None or not skus:
            continue
        now = at + timedelta(seconds=monotonic() - began)
        seen = read_around(channel.read, skus, partial(_others, database, name, skus), FAILURES_MAX)
        database.write(partial(_keep, channel=name, skus=skus, seen=seen, at=now))
        blind += seen.out is not None
        listings += len(skus) - len(seen.alone) - len(seen.not_asked)
    return Swept(listings, blind)


def coverage(connection: Connection, at: datetime) -> list[Coverage]:
    """How much of each channel was looked at within the last cycle."""
    rows = connection.execute(text(_COVERAGE), {"since": to_microseconds(at - CYCLE)})
    return [
        Coverage(row.channel, row.listings, int(row.covered), from_microseconds(row.oldest) if row.oldest else None)
        for row in rows
    ]


def _take_in_new(database: Database) -> None:
    """Note listings that are new since the last round, as never looked at."""
    with database.reading() as connection:
        newest: int = connection.execute(text("SELECT COALESCE(MAX(intent_id), 0) FROM push_intent")).scalar_one()
        known: int = connection.execute(text("SELECT COALESCE(MAX(intent_id), 0) FROM listing_look")).scalar_one()
    if newest > known:
        with database.transaction() as connection:
            connection.execute(text(_TAKE_IN), {"after": max(0, known - OVERLAP)})


def _longest_unseen(connection: Connection, channel: str, rows: int | None) -> list[str]:
    """SKUs of ``channel`` to look at now; none while it answers nobody."""
    if read_control(connection, channel).breaker.is_open:
        return []
    if rows is None:
        whole: int = connection.execute(text(_HOW_MANY), {"channel": channel}).scalar_one()
        rows = math.ceil(whole * (ROUND / CYCLE))
    return list(connection.execute(text(_LONGEST_UNSEEN), {"channel": channel, "most": rows}).scalars())


def _keep(connection: Connection, channel: str, skus: Sequence[str], seen: ReadAround[Reading], at: datetime) -> None:
    """Store what was seen, and which of ``skus`` were looked at; one that is not listed there shows nothing.

    One that the channel chokes on is told of, and has its turn again after all the others.
    """
    left = set(seen.not_asked) if seen.out is None else {*seen.not_asked, *seen.alone}
    asked = [sku for sku in skus if sku not in left]
    figures = [
        Figure(channel, sku, "", "available", shown, part.as_of.get(sku, at))
        for part in seen.parts
        for sku, shown in part.items()
    ]
    store_figures(connection, figures, at)
    if seen.out is None:
        unread.tell_of_listings(connection, {Listing(channel, sku): error for sku, error in seen.alone.items()}, at)
    else:
        _tell_of_blindness(connection, channel, seen.out, at)
    read = [Listing(channel, sku) for sku in asked if sku not in seen.alone]
    unread.readable(connection, channel, read, at, as_a_whole=seen.is_well)
    now_listed(connection, channel, [figure.sku for figure in figures])
    looked = [{"channel": channel, "sku": sku, "at": to_microseconds(at)} for sku in sorted(asked)]
    if looked:
        connection.execute(text(_LOOKED), looked)


def _tell_of_blindness(connection: Connection, channel: str, error: ReadFailed, at: datetime) -> None:
    """Nothing was read this round: told once that has lasted, for a channel may be away for a moment."""
    newest, first = connection.execute(text(_NEWEST_LOOK), {"channel": channel}).one()
    if (newest or first) <= to_microseconds(at - BLIND):
        since = f"since {from_microseconds(newest):%Y-%m-%d %H:%M} UTC" if newest else "ever"
        unread.tell_of_channel(connection, channel, f"none of its listings was looked at {since}", error, at)


def _others(database: Database, channel: str, skus: Sequence[str]) -> list[str]:
    """A few listings of ``channel`` other than ``skus``, other ones each time, to see whether it can be read."""
    with database.reading() as connection:
        bound = {"channel": channel, "most": len(skus) + unread.WITNESSES}
        found = connection.execute(text(_ANY), bound).scalars()
        return [sku for sku in found if sku not in skus][: unread.WITNESSES]


_TAKE_IN = """
INSERT INTO listing_look (channel, sku, intent_id, looked_at)
SELECT i.channel, i.sku, i.intent_id, 0 FROM push_intent i WHERE i.intent_id > :after
ON CONFLICT (channel, sku) DO NOTHING
"""

_HOW_MANY = "SELECT COUNT(*) FROM listing_look WHERE channel = :channel"

_LONGEST_UNSEEN = """
SELECT sku FROM listing_look WHERE channel = :channel ORDER BY looked_at, sku LIMIT :most
"""

_LOOKED = """
UPDATE listing_look SET looked_at = :at WHERE channel = :channel AND sku = :sku AND looked_at < :at
"""

_NEWEST_LOOK = """
SELECT MAX(l.looked_at), MIN(i.intended_at) FROM listing_look l JOIN push_intent i ON i.intent_id = l.intent_id
WHERE l.channel = :channel
"""

_ANY = "SELECT sku FROM listing_look WHERE channel = :channel ORDER BY random() LIMIT :most"

_COVERAGE = """
SELECT channel, COUNT(*) AS listings, SUM(CASE WHEN looked_at > :since THEN 1 ELSE 0 END) AS covered,
       MIN(looked_at) AS oldest
FROM listing_look GROUP BY channel ORDER BY channel
"""
