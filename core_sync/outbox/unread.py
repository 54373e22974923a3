"""Tell of what cannot be read: a listing that a channel chokes on, or a channel that takes pushes and shows nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from core_sync.channels.port import ReadFailed
from core_sync.failures.record import NewFailure, record_failure, record_failures, resolve_subjects
from core_sync.outbox.failures import exchanged
from core_sync.outbox.listing import Listing
from core_sync.outbox.looked import OPERATION, Watched


def tell_of_channel(
    connection: Connection, channel: str, beyond: Sequence[Watched], error: ReadFailed, at: datetime
) -> None:
    """The channel could not be read, and the listings in ``beyond`` should have been seen by now: one failure."""
    if beyond:
        message = f"{channel} cannot be read: {error.why}; {len(beyond)} listings that it accepted are not confirmed"
        subject = _channel_subject(channel)
        record_failure(connection, _failure(subject, channel, None, message, error, at, unconfirmed=len(beyond)))


def tell_of_listings(connection: Connection, unread: Mapping[Listing, ReadFailed], at: datetime) -> None:
    """The channel answers, but not about these."""
    failures = []
    for listing, error in unread.items():
        message = f"{listing.channel} cannot be read about {listing.sku}: {error.why}"
        failures.append(_failure(_subject(listing), listing.channel, listing.sku, message, error, at))
    record_failures(connection, failures)


def readable(connection: Connection, channel: str, listings: Sequence[Listing], at: datetime) -> None:
    """The channel answered about ``listings``: whatever was said of them, or of it as a whole, is over."""
    subjects = [_channel_subject(channel), *(_subject(listing) for listing in listings)] if listings else []
    resolve_subjects(connection, subjects, at, "the channel can be read again")


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
