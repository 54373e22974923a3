"""Keep what a look at a channel found. Each word counts only for the value that was looked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.channels.port import ChannelLimits, Rejected
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failure, record_failures, resolve_subjects
from core_sync.outbox.failures import exchanged
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import GiveUp, RetryAt, after

OPERATION = "read_back"
ACCEPTED_NOT_APPLIED = "ACCEPTED_NOT_APPLIED"
LATE_WRITE = "LATE_WRITE"
"""Code of a failure: a push that had no answer was applied after the one that followed it."""

FIRST_LOOK_S = 1.0
LONGEST_LOOK_S = 300.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A listing that is looked at; ``is_awaited``: accepted and not seen yet, else seen and in doubt."""

    intent_id: int
    listing: Listing
    quantity: int
    revision: int
    is_awaited: bool
    accepted_at: int
    receipt: str | None
    doubt_quantity: int | None
    doubt_until: int | None
    behind_since: int | None = None

    def age_s(self, at: datetime) -> float:
        """Seconds since the channel accepted the figure."""
        return (at - from_microseconds(self.accepted_at)).total_seconds()

    def row(self, at: datetime, **more: Any) -> dict[str, Any]:
        """What every statement of this file binds."""
        key = {"intent_id": self.intent_id, "revision": self.revision, "quantity": self.quantity}
        return {**key, "at": to_microseconds(at), **more}


def watched(
    connection: Connection, channel: str, at: datetime, limit: int, skus: Sequence[str] | None = None
) -> list[Watched]:
    """The listings of ``channel`` that are longest due for a look; those of ``skus`` whenever they are due."""
    on_sqlite = connection.dialect.name == "sqlite"
    bound: dict[str, object] = {"channel": channel, "at": to_microseconds(at), "limit": limit}
    which = "i.recheck_at <= :at"
    if skus is not None:
        named = "json_each(:skus)" if on_sqlite else "json_array_elements_text(CAST(:skus AS json))"
        which = f"i.state = 'accepted' AND i.sku IN (SELECT value FROM {named})"
        bound |= {"skus": msgspec.json.encode(list(skus)).decode(), "limit": len(skus)}
    rows = connection.execute(text(_WATCHED.format(which=which)), bound)
    return [
        Watched(intent_id, Listing(channel, sku), quantity, revision, state == "accepted", accepted_at or 0, *rest)
        for intent_id, sku, quantity, revision, state, accepted_at, *rest in rows
    ]


def next_look_at(connection: Connection, channel: str) -> datetime | None:
    """When a listing of ``channel`` is due for a look next; None where none is watched."""
    first = connection.execute(text(_NEXT), {"channel": channel}).scalar_one()
    return None if first is None else from_microseconds(int(first))


def seen(connection: Connection, agreeing: Sequence[Watched], at: datetime) -> None:
    """The channel shows them; one that an earlier push may still spoil is looked at once more."""
    if not agreeing:
        return
    moment = to_microseconds(at)
    rows = []
    for one in agreeing:
        doubted = one.doubt_quantity is not None and one.doubt_quantity != one.quantity
        again = one.doubt_until if doubted and (one.doubt_until or 0) > moment else None
        rows.append(one.row(at, again=again))
    connection.execute(text(_SEEN), rows)
    connection.execute(text(_VISIBLE), rows)
    resolve_subjects(
        connection, [one.listing.subject for one in agreeing], at, "the channel shows the promised quantity"
    )


def seen_otherwise(connection: Connection, doubted: Sequence[Watched], told: Mapping[str, int], at: datetime) -> None:
    """Seen before, and now another figure: pushed again where it is the one of a push that came late.

    Any other figure is the channel's own doing, a sale for one; the events of that come by themselves.
    """
    for one in doubted:
        shown = told.get(one.listing.sku)
        if shown is None:
            continue
        row = one.row(at, shown=shown)
        if shown != one.doubt_quantity:
            connection.execute(text(_NO_MORE_DOUBT), row)
        elif connection.execute(text(_SPOILED), row).rowcount:
            why = f"{one.listing.channel} showed {one.quantity} of {one.listing.sku}, then {shown} of an earlier push"
            record_failure(connection, _failure(one, LATE_WRITE, why, shown, at))


def not_yet(
    connection: Connection, waiting: Sequence[Watched], told: Mapping[str, int], limits: ChannelLimits, at: datetime
) -> None:
    """Look again: ever more seldom, and in any case when the time is over."""
    rows = []
    for one in waiting:
        left = limits.visible_within_s - one.age_s(at)
        pause = min(left, max(FIRST_LOOK_S, one.age_s(at)))
        rows.append(_again(one, told, at, pause))
    if rows:
        connection.execute(text(_AGAIN), rows)


def overdue(
    connection: Connection, late: Sequence[Watched], told: Mapping[str, int], limits: ChannelLimits, at: datetime
) -> None:
    """Accepted and not shown in time: a failure each; looked at again, for it may come late."""
    if not late:
        return
    pause = min(LONGEST_LOOK_S, max(FIRST_LOOK_S, limits.visible_within_s / 2))
    connection.execute(text(_AGAIN), [_again(one, told, at, pause) for one in late])
    failures = []
    for one in late:
        shown = told.get(one.listing.sku)
        why = f"{one.listing.channel} accepted {one.quantity} of {one.listing.sku} and still shows {shown}"
        failures.append(_failure(one, ACCEPTED_NOT_APPLIED, why, shown, at))
    record_failures(connection, failures)


def refused(connection: Connection, one: Watched, answer: Rejected, at: datetime) -> None:
    """The channel queued it and refused it later."""
    then = after(answer, 1, at, 1.0)
    values = {"state": "pending", "not_before": to_microseconds(at), "dead_letter": None}
    match then:
        case RetryAt(when):
            values["not_before"] = to_microseconds(when)
        case GiveUp(why):
            values |= {"state": "failed", "dead_letter": why.value}
    if connection.execute(text(_REFUSED), one.row(at, **values)).rowcount:
        failure = _failure(one, answer.code, answer.reason, None, at, **exchanged(answer.exchange))
        record_failure(connection, failure)


def put_off(connection: Connection, page: Sequence[Watched], until: datetime) -> None:
    """Look at them again at ``until``: the channel could not be read."""
    connection.execute(text(_PUT_OFF), [one.row(until) for one in page])


def _again(one: Watched, told: Mapping[str, int], at: datetime, pause_s: float) -> dict[str, Any]:
    again = to_microseconds(at + timedelta(seconds=pause_s))
    return one.row(at, again=again, shown=told.get(one.listing.sku))


def _failure(one: Watched, code: str, message: str, shown: int | None, at: datetime, **evidence: Any) -> NewFailure:
    return NewFailure(
        kind="push",
        subject=one.listing.subject,
        message=message,
        occurred_at=at,
        recorded_at=at,
        system=one.listing.channel,
        channel=one.listing.channel,
        operation=OPERATION,
        sku=one.listing.sku,
        error_code=code,
        event_lag_s=one.age_s(at),
        quantity=one.quantity,
        evidence={"shown_quantity": shown, "receipt": one.receipt, **evidence},
    )


_WATCHED = """
SELECT i.intent_id, i.sku, i.quantity, i.revision, i.state, i.accepted_at, i.receipt, i.doubt_quantity, i.doubt_until,
       i.behind_since
FROM push_intent i
WHERE i.channel = :channel AND i.recheck_at IS NOT NULL AND i.state IN ('accepted', 'visible') AND {which}
ORDER BY i.recheck_at, i.intent_id LIMIT :limit
"""

_NEXT = "SELECT min(recheck_at) FROM push_intent WHERE channel = :channel AND recheck_at IS NOT NULL"

# Where the value changed meanwhile the listing is pending again; what it shows is worth knowing all the same.
_SEEN = """
UPDATE push_intent SET shown_quantity = :quantity, told_quantity = :quantity, visible_at = :at
WHERE intent_id = :intent_id
"""

_VISIBLE = """
UPDATE push_intent SET state = 'visible', behind_since = NULL, receipt = NULL, recheck_at = :again,
    doubt_quantity = CASE WHEN CAST(:again AS bigint) IS NULL THEN NULL ELSE doubt_quantity END
WHERE intent_id = :intent_id AND revision = :revision AND state IN ('accepted', 'visible')
"""

_AGAIN = """
UPDATE push_intent SET recheck_at = :again, shown_quantity = coalesce(CAST(:shown AS bigint), shown_quantity)
WHERE intent_id = :intent_id AND revision = :revision AND state = 'accepted'
"""

_NO_MORE_DOUBT = """
UPDATE push_intent SET recheck_at = NULL, doubt_quantity = NULL, shown_quantity = :shown, told_quantity = :shown,
    visible_at = :at
WHERE intent_id = :intent_id AND revision = :revision AND state = 'visible'
"""

_SPOILED = """
UPDATE push_intent SET state = 'pending', recheck_at = NULL, doubt_quantity = NULL, shown_quantity = :shown,
    told_quantity = :shown, visible_at = :at, behind_since = :at, revision = revision + 1, attempts = 0,
    not_before = NULL
WHERE intent_id = :intent_id AND revision = :revision AND state = 'visible'
"""

_REFUSED = """
UPDATE push_intent SET state = :state, not_before = :not_before, dead_letter = :dead_letter, recheck_at = NULL,
    receipt = NULL, told_quantity = NULL
WHERE intent_id = :intent_id AND revision = :revision AND state = 'accepted'
"""

_PUT_OFF = """
UPDATE push_intent SET recheck_at = :at WHERE intent_id = :intent_id AND revision = :revision AND recheck_at IS NOT NULL
"""
