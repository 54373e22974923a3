"""Keep what came of pushes: the tries, where each listing goes next, what the breaker makes of it, failures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.channels.port import OVER_BUDGET, Accepted, ChannelLimits, PushAnswer, Rejected, Unknown
from core_sync.clock import to_microseconds
from core_sync.failures.record import record_failures
from core_sync.kpis.daily import PUSHES, PUSHES_FAILED, count
from core_sync.outbox.control import Control, locked_control, write_control
from core_sync.outbox.doubt import Doubt, ends
from core_sync.outbox.due import DuePush
from core_sync.outbox.failures import push_failure, tell_of_channel, told
from core_sync.outbox.listing import Listing
from core_sync.outbox.rules import ATTEMPTS_MAX, Done, GiveUp, Heard, Next, RetryAt, after, as_decrease, heard
from core_sync.outbox.wake import ring


@dataclass(frozen=True, slots=True)
class Answered:
    """One push with its answer, unknowns having been settled where that was possible.

    ``submission`` is the number of the request in its round that carried it, with others maybe.
    """

    push: DuePush
    answer: PushAnswer
    latency_ms: float
    at: datetime
    submission: int = 0


@dataclass
class Recorded:
    """Where the listings went."""

    accepted: list[Listing] = field(default_factory=list)
    retried_later: list[Listing] = field(default_factory=list)
    failed: list[Listing] = field(default_factory=list)

    def note(self, listing: Listing, then: Next) -> None:
        """Count one listing in."""
        match then:
            case Done():
                self.accepted.append(listing)
            case RetryAt():
                self.retried_later.append(listing)
            case GiveUp():
                self.failed.append(listing)


def record_answers(
    connection: Connection,
    channel: str,
    limits: ChannelLimits,
    answered: Sequence[Answered],
    jitter: Callable[[], float],
    look_at: datetime,
) -> Recorded:
    """Write ``answered`` down, in the order in which they came; what was accepted is looked at from ``look_at`` on.

    A listing moves on only under the lease with which it was pushed, and only for the value that was pushed: where that
    changed meanwhile it stays due. What was pushed under a lease that is lost may have come after what the next one
    pushed: that listing is looked at again.
    """
    recorded = Recorded()
    if not answered:
        return recorded
    before = control = locked_control(connection, channel)
    standing = _standing(connection, answered)
    moved, doubted, failing = [], [], []
    counted: set[tuple[int, Heard]] = set()
    trouble: PushAnswer | None = None
    for one in answered:
        hears = heard(one.answer)
        # One request without an answer is one, whatever it carried; what is forbidden tells by how many it is of.
        if hears is Heard.FORBIDDEN or (one.submission, hears) not in counted:
            control = control.heard(
                hears, one.push.listing.sku, one.at, jitter(), told(one.answer)[0], _pause_asked(one.answer)
            )
            counted.add((one.submission, hears))
        trouble = one.answer if hears not in (Heard.ANSWERED, Heard.BUSY) else trouble
        tries = one.push.attempts + 1
        its_own = hears is Heard.FORBIDDEN and tries >= ATTEMPTS_MAX and _others_answered(connection, control, one)
        then = after(one.answer, tries, one.at, jitter(), channel_out=control.breaker.is_open, its_own=its_own)
        recorded.note(one.push.listing, then)
        row = standing.get(one.push.intent_id)
        if row is not None and row["lease"] == one.push.lease:
            moved.append(_moved(one, then, row, limits, look_at))
        elif not isinstance(one.answer, Rejected):
            doubted.append(_late(one, row, limits))
        if not (isinstance(one.answer, Accepted) or control.breaker.is_open or _is_our_own(one.answer)):
            failing.append(push_failure(one.push, one.answer, tries, one.latency_ms, one.at))
    _note_attempts(connection, answered)
    for statement, rows in ((_MOVE, moved), (_DOUBT, doubted)):
        if rows:
            connection.execute(text(statement), sorted(rows, key=lambda row: int(row["intent_id"])))
    if before.breaker.is_open and not control.breaker.is_open:
        _call_from_bench(connection, channel)
    write_control(connection, control)
    record_failures(connection, failing)
    tell_of_channel(connection, channel, before.breaker, control.breaker, trouble, answered[-1].at)
    ring(connection)  # for whoever reads back
    sent = [one.answer for one in answered if not _is_our_own(one.answer)]
    count(connection, PUSHES, len(sent), answered[-1].at, channel)
    count(connection, PUSHES_FAILED, sum(not isinstance(one, Accepted) for one in sent), answered[-1].at, channel)
    return recorded


def give_back(connection: Connection, unsent: Sequence[DuePush]) -> None:
    """Let go of listings that were leased and not pushed."""
    rows = [{"intent_id": push.intent_id, "lease": push.lease} for push in unsent]
    if rows:
        connection.execute(text(_GIVE_BACK), sorted(rows, key=lambda row: row["intent_id"]))


def _standing(connection: Connection, answered: Sequence[Answered]) -> dict[int, Mapping[str, Any]]:
    """The listings as they stand, held until the transaction ends, in the order of their keys."""
    on_sqlite = connection.dialect.name == "sqlite"
    ids = msgspec.json.encode([one.push.intent_id for one in answered]).decode()
    named = "SELECT value FROM json_each(:ids)" if on_sqlite else _IDS_ON_POSTGRESQL
    statement = _STANDING.format(named=named, locking="" if on_sqlite else "FOR UPDATE")
    return {row["intent_id"]: dict(row) for row in connection.execute(text(statement), {"ids": ids}).mappings()}


def _moved(
    one: Answered, then: Next, row: Mapping[str, Any], limits: ChannelLimits, look_at: datetime
) -> dict[str, Any]:
    """Where a listing goes; what it is told to show is known even where its value has changed meanwhile."""
    changed = row["revision"] != one.push.revision
    values = {**row, "at": to_microseconds(one.at), **_told_to_show(one, row, limits)}
    most = max((one for one in (values["told_quantity"], values["doubt_most"]) if one is not None), default=0)
    if changed and row["quantity"] < most:
        values["urgency"] = as_decrease(row["urgency"])  # the new value was taken for an increase of the old one
    if changed or row["state"] not in ("sent", "pending"):
        return values
    match then:
        case Done():
            receipt = one.answer.receipt if isinstance(one.answer, Accepted) else None
            values |= {"state": "accepted", "receipt": receipt, "recheck_at": to_microseconds(look_at)}
            values["attempts"] = one.push.attempts + 1  # it may still be refused
        case RetryAt(when, counted):
            values |= {"state": "pending", "not_before": to_microseconds(when)}
            values["attempts"] = one.push.attempts + counted
        case GiveUp(why):
            values |= {"state": "failed", "dead_letter": why.value, "attempts": one.push.attempts + 1}
    return values


def _told_to_show(one: Answered, row: Mapping[str, Any], limits: ChannelLimits) -> dict[str, Any]:
    """What the listing was told to show by this answer, and what may still come of it or of earlier ones."""
    doubt = _doubt_of(row)
    told_now: dict[str, Any] = {}
    match one.answer:
        case Accepted():
            told_now = {"told_quantity": one.push.quantity, "accepted_at": to_microseconds(one.at)}
            replaced = row["revision"] != one.push.revision or row["state"] not in ("sent", "pending")
            if replaced:  # nobody will follow it, or look for it
                doubt = _doubted(doubt, one, limits)
        case Unknown():
            told_now = {"told_quantity": None}
            doubt = _doubted(doubt, one, limits)
        case Rejected(shown_quantity=int(shown)):
            told_now = {"told_quantity": shown}
    return told_now if doubt is None else {**told_now, **doubt.bounded(one.at, limits.visible_within_s).row()}


def _others_answered(connection: Connection, control: Control, one: Answered) -> bool:
    """Whether the channel has done its work for another listing since the first try of this value."""
    bound = {"intent_id": one.push.intent_id, "since": one.push.intended_at}
    first: int | None = connection.execute(text(_FIRST_TRY), bound).scalar_one()
    return first is not None and control.answered_at is not None and to_microseconds(control.answered_at) > first


def _call_from_bench(connection: Connection, channel: str) -> None:
    """The channel answers again, and whatever waits for that is due. What another transaction changes is so anyway."""
    locking = "" if connection.dialect.name == "sqlite" else "FOR UPDATE SKIP LOCKED"
    connection.execute(text(_OFF_THE_BENCH.format(locking=locking)), {"channel": channel})


def _late(one: Answered, row: Mapping[str, Any] | None, limits: ChannelLimits) -> dict[str, Any]:
    """What was pushed under a lease that is lost may arrive after what the next one pushes."""
    doubt = _doubted(None if row is None else _doubt_of(row), one, limits)
    return {"intent_id": one.push.intent_id, "at": to_microseconds(one.at), **doubt.row()}


def _doubt_of(row: Mapping[str, Any]) -> Doubt | None:
    return Doubt.of(row["doubt_least"], row["doubt_most"], row["doubt_until"])


def _doubted(before: Doubt | None, one: Answered, limits: ChannelLimits) -> Doubt:
    """The value may be shown some time, beside whatever else is still in doubt."""
    until = ends(one.at, limits.visible_within_s)
    still = before if before is not None and before.ends_after(one.at) else None
    return Doubt(one.push.quantity, one.push.quantity, until) if still is None else still.also(one.push.quantity, until)


def _note_attempts(connection: Connection, answered: Sequence[Answered]) -> None:
    rows = []
    for one in answered:
        message, code, status = told(one.answer)
        rows.append(
            {
                "intent_id": one.push.intent_id,
                "at": to_microseconds(one.at),
                "quantity": one.push.quantity,
                "answer": type(one.answer).__name__.lower(),
                "status": status,
                "code": code,
                "message": message or None,
                "latency_ms": one.latency_ms,
            }
        )
    connection.execute(text(_ATTEMPT), rows)


def _pause_asked(answer: PushAnswer) -> float | None:
    return answer.retry_after_s if isinstance(answer, Rejected) else None


def _is_our_own(answer: PushAnswer) -> bool:
    """Whether we kept the push back ourselves, so that nothing failed."""
    return isinstance(answer, Rejected) and answer.code == OVER_BUDGET


_IDS_ON_POSTGRESQL = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))"

_STANDING = """
SELECT intent_id, lease, revision, state, told_quantity, accepted_at, receipt, recheck_at, attempts, not_before,
       dead_letter, doubt_least, doubt_most, doubt_until, quantity, urgency
FROM push_intent WHERE intent_id IN ({named}) ORDER BY intent_id {locking}
"""

_MOVE = """
UPDATE push_intent SET state = :state, told_quantity = :told_quantity, accepted_at = :accepted_at, receipt = :receipt,
    recheck_at = :recheck_at, attempts = :attempts, not_before = :not_before, dead_letter = :dead_letter,
    doubt_least = :doubt_least, doubt_most = :doubt_most, doubt_until = :doubt_until, urgency = :urgency,
    leased_by = NULL, leased_until = NULL
WHERE intent_id = :intent_id
"""

_DOUBT = """
UPDATE push_intent SET doubt_least = :doubt_least, doubt_most = :doubt_most, doubt_until = :doubt_until,
    recheck_at = CASE WHEN state IN ('accepted', 'visible') THEN :at ELSE recheck_at END
WHERE intent_id = :intent_id
"""

_GIVE_BACK = """
UPDATE push_intent SET state = CASE WHEN state = 'sent' THEN 'pending' ELSE state END,
    leased_by = NULL, leased_until = NULL
WHERE intent_id = :intent_id AND lease = :lease
"""

_OFF_THE_BENCH = """
UPDATE push_intent SET not_before = NULL WHERE intent_id IN (
    SELECT intent_id FROM push_intent
    WHERE channel = :channel AND state IN ('pending', 'sent') AND not_before IS NOT NULL {locking})
"""

_FIRST_TRY = "SELECT min(at) FROM push_attempt WHERE intent_id = :intent_id AND at >= :since"

_ATTEMPT = """
INSERT INTO push_attempt (intent_id, at, quantity, answer, http_status, error_code, message, latency_ms)
VALUES (:intent_id, :at, :quantity, :answer, :status, :code, :message, :latency_ms)
"""
