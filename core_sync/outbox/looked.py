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
from core_sync.outbox.doubt import Doubt
from core_sync.outbox.failures import exchanged
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import GiveUp, RetryAt, after, as_decrease

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
    attempts: int
    urgency: int
    behind_since: int | None
    doubt: Doubt | None = None

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
        Watched(
            row.intent_id, Listing(channel, row.sku), row.quantity, row.revision, row.state == "accepted",
            row.accepted_at or 0, row.receipt, row.attempts, row.urgency, row.behind_since,
            Doubt.of(row.doubt_least, row.doubt_most, row.doubt_until),
        )
        for row in rows
    ]  # fmt: skip


def unchanged(connection: Connection, page: Sequence[Watched]) -> list[Watched]:
    """Those of ``page`` whose value is still the one that was looked for; held until the transaction ends.

    Of any other the look says nothing that counts: a newer value may be refused, shown or lost by now.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    named = "SELECT value FROM json_each(:ids)" if on_sqlite else _IDS_ON_POSTGRESQL
    statement = _STILL.format(named=named, locking="" if on_sqlite else "FOR UPDATE")
    ids = msgspec.json.encode([one.intent_id for one in page]).decode()
    still = {tuple(row) for row in connection.execute(text(statement), {"ids": ids})}
    return [
        one
        for one in page
        if (one.intent_id, one.revision, "accepted" if one.is_awaited else "visible", one.accepted_at) in still
    ]


def next_look_at(connection: Connection, channel: str) -> datetime | None:
    """When a listing of ``channel`` is due for a look next; None where none is watched."""
    first = connection.execute(text(_NEXT), {"channel": channel}).scalar_one()
    return None if first is None else from_microseconds(int(first))


def seen(connection: Connection, agreeing: Sequence[Watched], at: datetime) -> None:
    """The channel shows them; one that an earlier push may still spoil is looked at until that is over."""
    if not agreeing:
        return
    connection.execute(text(_VISIBLE), [one.row(at, **_while_in_doubt(one, at)) for one in agreeing])
    resolve_subjects(
        connection, [one.listing.subject for one in agreeing], at, "the channel shows the promised quantity"
    )


def seen_otherwise(connection: Connection, doubted: Sequence[Watched], told: Mapping[str, int], at: datetime) -> None:
    """Seen before, and now another figure: pushed again where it may be the one of a push that came late.

    Any other figure is the channel's own doing, a sale for one; the events of that come by themselves, and what is late
    may still come after it.
    """
    for one in doubted:
        shown = told.get(one.listing.sku)
        if shown is None or one.doubt is None or not one.doubt.may_be(shown, one.quantity):
            connection.execute(text(_OTHERWISE), one.row(at, shown=shown, **_while_in_doubt(one, at)))
            continue
        urgency = as_decrease(one.urgency) if shown > one.quantity else one.urgency
        if connection.execute(text(_SPOILED), one.row(at, shown=shown, urgency=urgency)).rowcount:
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


def refused(connection: Connection, one: Watched, answer: Rejected, at: datetime, jitter: float) -> None:
    """The channel queued it and refused it later: one more try that failed, as if it had said so at once."""
    then = after(answer, max(1, one.attempts), at, jitter)
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
    if page:
        connection.execute(text(_PUT_OFF), [one.row(until) for one in page])


def _while_in_doubt(one: Watched, at: datetime) -> dict[str, Any]:
    """When to look ``again`` at a figure that is shown: ever more seldom, and in any case at the end of the doubt.

    Not at all where only today's figure may still arrive; that is kept in mind until it is ``over``, for the next one.
    """
    doubt = one.doubt
    if doubt is None or doubt.until is None or not doubt.ends_after(at):
        return {"again": None, "over": True}
    if not doubt.could_spoil(one.quantity):
        return {"again": None, "over": False}
    pause = timedelta(seconds=max(FIRST_LOOK_S, one.age_s(at)))
    return {"again": min(doubt.until, to_microseconds(at + pause)), "over": False}


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
SELECT i.intent_id, i.sku, i.quantity, i.revision, i.state, i.accepted_at, i.receipt, i.attempts, i.urgency,
       i.behind_since, i.doubt_least, i.doubt_most, i.doubt_until
FROM push_intent i
WHERE i.channel = :channel AND i.recheck_at IS NOT NULL AND i.state IN ('accepted', 'visible') AND {which}
ORDER BY i.recheck_at, i.intent_id LIMIT :limit
"""

_NEXT = "SELECT min(recheck_at) FROM push_intent WHERE channel = :channel AND recheck_at IS NOT NULL"

_IDS_ON_POSTGRESQL = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))"

_STILL = """
SELECT intent_id, revision, state, coalesce(accepted_at, 0) FROM push_intent
WHERE intent_id IN ({named}) AND state IN ('accepted', 'visible') ORDER BY intent_id {locking}
"""

_NO_LONGER = """
    doubt_least = CASE WHEN CAST(:over AS boolean) THEN NULL ELSE doubt_least END,
    doubt_most = CASE WHEN CAST(:over AS boolean) THEN NULL ELSE doubt_most END,
    doubt_until = CASE WHEN CAST(:over AS boolean) THEN NULL ELSE doubt_until END
"""
"""What can no longer arrive is no doubt any more."""

_VISIBLE = f"""
UPDATE push_intent SET state = 'visible', shown_quantity = :quantity, told_quantity = :quantity, visible_at = :at,
    behind_since = NULL, receipt = NULL, attempts = 0, recheck_at = :again, {_NO_LONGER}
WHERE intent_id = :intent_id AND revision = :revision AND state IN ('accepted', 'visible')
"""

_AGAIN = """
UPDATE push_intent SET recheck_at = :again, shown_quantity = coalesce(CAST(:shown AS bigint), shown_quantity)
WHERE intent_id = :intent_id AND revision = :revision AND state = 'accepted'
"""

_OTHERWISE = f"""
UPDATE push_intent SET shown_quantity = coalesce(CAST(:shown AS bigint), shown_quantity),
    told_quantity = coalesce(CAST(:shown AS bigint), told_quantity), visible_at = :at, recheck_at = :again,
    {_NO_LONGER}
WHERE intent_id = :intent_id AND revision = :revision AND state = 'visible'
"""

_SPOILED = """
UPDATE push_intent SET state = 'pending', recheck_at = NULL, shown_quantity = :shown, told_quantity = :shown,
    visible_at = :at, behind_since = :at, revision = revision + 1, attempts = 0, not_before = NULL, urgency = :urgency
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
