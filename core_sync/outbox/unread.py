"""Tell of what cannot be read: a listing that a channel chokes on, or a channel that takes pushes and shows nothing."""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.channels.port import ReadFailed
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure, record_failures, resolve_subjects
from core_sync.outbox.failures import exchanged
from core_sync.outbox.listing import Listing
from core_sync.outbox.looked import OPERATION

SEEN_LAST = 10
WITNESSES = 3
"""Listings of those seen last that are asked for, to tell whether a channel can be read at all."""


def tell_of_channel(
    connection: Connection, channel: str, what: str, error: ReadFailed, at: datetime, **evidence: object
) -> None:
    """The channel as a whole could not be read; ``what`` says what is not known because of that: one failure."""
    message = f"{channel} cannot be read: {error.why}; {what}"
    record_failure(connection, _failure(_channel_subject(channel), channel, None, message, error, at, **evidence))


def tell_of_listings(connection: Connection, unread: Mapping[Listing, ReadFailed], at: datetime) -> None:
    """The channel answers, but not about these."""
    failures = []
    for listing, error in unread.items():
        message = f"{listing.channel} cannot be read about {listing.sku}: {error.why}"
        failures.append(_failure(_subject(listing), listing.channel, listing.sku, message, error, at))
    record_failures(connection, failures)


def readable(
    connection: Connection, channel: str, listings: Sequence[Listing], at: datetime, *, as_a_whole: bool
) -> None:
    """The channel answered about ``listings``, and maybe ``as_a_whole``: what was said of them and of it is over."""
    subjects = [_subject(listing) for listing in listings] + ([_channel_subject(channel)] if as_a_whole else [])
    resolve_subjects(connection, subjects, at, "the channel can be read again")


def seen_lately(database: Database, channel: str, besides: Collection[str]) -> list[str]:
    """A few of the SKUs that the channel was seen to show last, other than ``besides``; other ones each time."""
    with database.reading() as connection:
        found = connection.execute(text(_SEEN_LAST), {"channel": channel, "most": len(besides) + SEEN_LAST})
        others = [sku for (sku,) in found if sku not in besides][:SEEN_LAST]
    return random.sample(others, min(WITNESSES, len(others)))


_SEEN_LAST = """
SELECT sku FROM push_intent WHERE channel = :channel AND visible_at IS NOT NULL ORDER BY visible_at DESC LIMIT :most
"""


def _channel_subject(channel: str) -> str:
    return f"read:{channel}"


def _subject(listing: Listing) -> str:
    return f"read:{listing.channel}:{listing.sku}"


def _failure(
    subject: str, channel: str, sku: str | None, message: str, error: ReadFailed, at: datetime, **evidence: object
) -> NewFailure:
    return NewFailure(
        kind="push" if sku is not None else "channel",
        subject=subject,
        message=message,
        occurred_at=at,
        recorded_at=at,
        system=channel,
        channel=channel,
        operation=OPERATION,
        sku=sku,
        http_status=error.http_status,
        error_code=error.code,
        evidence={**evidence, **exchanged(error.exchange)},
    )
