"""Push what is due, and keep what came of it. No transaction is open while a channel is spoken to.

A push whose answer did not come is settled by reading back. After the first listing of a channel
that gets no answer, the channel's others go back unharmed until the next round.
"""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Protocol

from sqlalchemy import Connection, text

from core_sync.channels.http import NOT_SENT
from core_sync.channels.port import STALE, Accepted, Channel, PushAnswer, PushRequest, ReadFailed, Rejected, Unknown
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure
from core_sync.outbox.due import DuePush, take_due
from core_sync.outbox.intend import Listing
from core_sync.outbox.rules import Next, after

OPERATION = "push_inventory"


class Connectors(Protocol):
    """Channels by name; None where none is configured."""

    def get(self, name: str) -> Channel | None:
        """The connector of channel ``name``."""
        ...


@dataclass
class Pushed:
    """What came of one round, by listing."""

    accepted: list[Listing] = field(default_factory=list)
    retried_later: list[Listing] = field(default_factory=list)
    failed: list[Listing] = field(default_factory=list)
    given_back: list[Listing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Attempt:
    push: DuePush
    answer: PushAnswer
    latency_ms: float


def push_due(
    database: Database,
    connectors: Connectors,
    at: datetime,
    *,
    limit: int = 200,
    only: Collection[Listing] | None = None,
    jitter: Callable[[], float] = random.random,
) -> Pushed:
    """One round: lease, push in order, record. ``only`` narrows it to the listings named."""
    with database.transaction() as connection:
        due = take_due(connection, at, limit, only)
    pushed = Pushed()
    silent: set[str] = set()
    for push in due:
        channel = connectors.get(push.listing.channel)
        if channel is None or push.listing.channel in silent:
            with database.transaction() as connection:
                _give_back(connection, push)
            pushed.given_back.append(push.listing)
            continue
        attempt = _try(channel, push)
        if _is_silent(attempt.answer):
            silent.add(push.listing.channel)
        with database.transaction() as connection:
            then = _record(connection, attempt, at, jitter())
        {"accepted": pushed.accepted, "pending": pushed.retried_later}.get(then.state, pushed.failed).append(
            push.listing
        )
    return pushed


def _try(channel: Channel, push: DuePush) -> _Attempt:
    request = PushRequest(push.listing.sku, push.quantity, push.shown_quantity, push.idempotency_key)
    started = perf_counter()
    [answer] = channel.push([request])
    if isinstance(answer, Rejected) and answer.code == STALE:
        [answer] = channel.push([replace(request, shown_quantity=answer.shown_quantity)])
    latency_ms = (perf_counter() - started) * 1000
    if isinstance(answer, Unknown) and _shows(channel, push):
        answer = Accepted(None)
    return _Attempt(push, answer, latency_ms)


def _shows(channel: Channel, push: DuePush) -> bool:
    try:
        return channel.read([push.listing.sku]).get(push.listing.sku) == push.quantity
    except ReadFailed:
        return False


def _is_silent(answer: PushAnswer) -> bool:
    return isinstance(answer, Unknown) or (isinstance(answer, Rejected) and answer.code == NOT_SENT)


def _give_back(connection: Connection, push: DuePush) -> None:
    connection.execute(
        text(
            "UPDATE push_intent SET state = 'pending', attempts = attempts - 1, leased_until = NULL "
            "WHERE intent_id = :intent_id AND state = 'sent'"
        ),
        {"intent_id": push.intent_id},
    )


def _record(connection: Connection, attempt: _Attempt, at: datetime, jitter: float) -> Next:
    """Keep the attempt; move the listing on unless its value changed, or it was held, meanwhile."""
    push, answer = attempt.push, attempt.answer
    then = after(answer, push.attempt, jitter)
    moment = to_microseconds(at)
    message, code, status = _told(answer)
    connection.execute(
        text(
            "INSERT INTO push_attempt (intent_id, at, quantity, answer, http_status, error_code, message, latency_ms) "
            "VALUES (:intent_id, :at, :quantity, :answer, :status, :code, :message, :latency_ms)"
        ),
        {
            "intent_id": push.intent_id,
            "at": moment,
            "quantity": push.quantity,
            "answer": type(answer).__name__.lower(),
            "status": status,
            "code": code,
            "message": message,
            "latency_ms": attempt.latency_ms,
        },
    )
    connection.execute(
        text(
            "UPDATE push_intent SET state = :state, leased_until = NULL, not_before = :not_before, "
            "accepted_at = CASE WHEN :state = 'accepted' THEN :at ELSE accepted_at END "
            "WHERE intent_id = :intent_id AND state = 'sent' AND intended_at = :intended_at"
        ),
        {
            "intent_id": push.intent_id,
            "intended_at": push.intended_at,
            "state": then.state,
            "at": moment,
            "not_before": to_microseconds(at + timedelta(seconds=then.wait_s)) if then.wait_s else None,
        },
    )
    if not isinstance(answer, Accepted):
        record_failure(connection, _failure(attempt, at))
    return then


def _told(answer: PushAnswer) -> tuple[str | None, str | None, int | None]:
    match answer:
        case Accepted(reference):
            return reference, None, None
        case Rejected(reason, code, status):
            return reason, code, status
        case Unknown(why, code, status):
            return why, code, status


def _failure(attempt: _Attempt, at: datetime) -> NewFailure:
    push = attempt.push
    message, code, status = _told(attempt.answer)
    return NewFailure(
        kind="push",
        subject=push.listing.subject,
        message=message or "",
        occurred_at=at,
        recorded_at=at,
        system=push.listing.channel,
        channel=push.listing.channel,
        operation=OPERATION,
        sku=push.listing.sku,
        http_status=status,
        error_code=code,
        attempts=push.attempt,
        latency_ms=attempt.latency_ms,
        event_lag_s=max(0.0, (at - from_microseconds(push.intended_at)).total_seconds()),
        quantity=push.quantity,
        evidence={"answer": type(attempt.answer).__name__.lower(), "shown_quantity": push.shown_quantity},
    )
