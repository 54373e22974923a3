"""Failures of pushes, with their evidence: of one listing, or of a channel that answers nobody.

While a channel is out there is one failure, the channel's; those of listings that led there are part of it.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.channels.port import Accepted, Exchange, PushAnswer, Rejected
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failure, resolve_subject, resolve_subjects
from core_sync.outbox.breaker import Breaker
from core_sync.outbox.due import DuePush
from core_sync.outbox.rules import LOSS_MAX

PUSH = "push_inventory"
"""The operation of a push."""

_KIND = "push"


def channel_subject(channel: str) -> str:
    """The subject under which the outage of ``channel`` is kept."""
    return f"channel:{channel}"


def told(answer: PushAnswer) -> tuple[str, str | None, int | None]:
    """What an answer says: its words, its code and its status."""
    match answer:
        case Accepted(reference):
            return reference or "", None, None
        case Rejected(reason, code, status):
            return reason, code, status
    return answer.why, answer.code, answer.http_status


def push_failure(push: DuePush, answer: PushAnswer, attempt: int, latency_ms: float, at: datetime) -> NewFailure:
    """What is kept of a push that failed on try number ``attempt``."""
    message, code, status = told(answer)
    return NewFailure(
        kind=_KIND,
        subject=push.listing.subject,
        message=message,
        occurred_at=at,
        recorded_at=at,
        system=push.listing.channel,
        channel=push.listing.channel,
        operation=PUSH,
        sku=push.listing.sku,
        http_status=status,
        error_code=code,
        attempts=attempt,
        latency_ms=latency_ms,
        event_lag_s=max(0.0, (at - from_microseconds(push.intended_at)).total_seconds()),
        quantity=push.quantity,
        evidence={
            "answer": type(answer).__name__.lower(),
            "shown_quantity": push.told_quantity,
            **exchanged(answer.exchange),
        },
    )


def exchanged(exchange: Exchange | None) -> dict[str, Any]:
    """The request and the response behind an answer, as evidence."""
    return {"exchange": asdict(exchange)} if exchange is not None else {}


def tell_of_channel(
    connection: Connection, channel: str, before: Breaker, now: Breaker, trouble: PushAnswer | None, at: datetime
) -> None:
    """Open, tell again or close the failure of a channel that is out; ``trouble`` is its last answer that was none."""
    if before.is_open and not now.is_open:
        resolve_subject(connection, channel_subject(channel), at, "the channel answers again")
    if not now.is_open or trouble is None:
        return
    if not before.is_open:
        _fold(connection, channel, now.since or at, at)
    message, code, status = told(trouble)
    backlog, zeros = connection.execute(text(_BACKLOG), {"channel": channel, "zero": LOSS_MAX}).one()
    record_failure(
        connection,
        NewFailure(
            kind="channel",
            subject=channel_subject(channel),
            message=f"{channel} answers no push since {now.since or at:%Y-%m-%d %H:%M:%S} UTC: {message}",
            occurred_at=now.since or at,
            recorded_at=at,
            system=channel,
            channel=channel,
            operation=PUSH,
            http_status=status,
            error_code=code,
            attempts=now.troubles,
            evidence={"backlog": backlog, "backlog_zeros": zeros or 0, **exchanged(trouble.exchange)},
        ),
    )


def _fold(connection: Connection, channel: str, since: datetime, at: datetime) -> None:
    """Close the failures of listings that were the first signs of the outage."""
    rows = connection.execute(text(_SIGNS), {"channel": channel, "since": to_microseconds(since), "push": PUSH})
    resolve_subjects(connection, list(rows.scalars()), at, f"part of the outage of {channel}")


_BACKLOG = """
SELECT count(*), sum(CASE WHEN urgency <= :zero THEN 1 ELSE 0 END) FROM push_intent
WHERE channel = :channel AND state IN ('pending', 'sent')
"""

_SIGNS = f"""
SELECT subject FROM failure
WHERE resolved_at IS NULL AND kind = '{_KIND}' AND channel = :channel AND operation = :push AND occurred_at >= :since
  AND subject IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM push_intent i
                  WHERE i.channel = failure.channel AND i.sku = failure.sku AND i.state = 'failed')
"""
