"""How each channel stands: mode, breaker, backlog, freshness, dead letters; and each listing of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.outbox.control import Control, read_controls
from core_sync.outbox.rules import LOSS_MAX, class_of


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    """One channel as a whole.

    Args:
        breaker: ``closed``, ``trying`` after a first silent answer, or ``open``, then ``out_since`` when.
        resting_until: until when nothing is pushed: the breaker's next probe, or a pause the channel asked for.
        listings: how many it has; ``current`` of them were seen to show what they should.
        waiting: listings to be pushed, ``waiting_zeros`` of them to 0; ``unconfirmed``: accepted and not yet seen.
        oldest_truth_s: age of the truth that is shown longest: since when a listing has not shown what it should.
        p95_truth_s: the same, of which one listing in twenty is worse.
    """

    channel: str
    mode: str
    breaker: str
    out_since: datetime | None
    resting_until: datetime | None
    trouble: str | None
    answered_at: datetime | None
    listings: int
    current: int
    waiting: int
    waiting_zeros: int
    unconfirmed: int
    held: int
    dead_letters: int
    oldest_truth_s: float | None
    p95_truth_s: float | None


@dataclass(frozen=True, slots=True)
class ListingStanding:
    """One listing; ``truth_age_s``: since when it has not shown what it should, 0 where it does."""

    channel: str
    sku: str
    state: str
    quantity: int
    shown_quantity: int | None
    seen_at: datetime | None
    truth_age_s: float
    goes: str
    attempts: int
    not_before: datetime | None
    dead_letter: str | None
    hold_reason: str | None


def channel_standings(connection: Connection, at: datetime) -> list[ChannelStanding]:
    """Every channel, the one with the first priority first."""
    controls = read_controls(connection)
    now = to_microseconds(at)
    return [
        _standing(row, controls.get(row.channel, Control(row.channel)), _truth_ages(connection, row.channel, now), at)
        for row in connection.execute(text(_CHANNELS), {"zero": LOSS_MAX}).all()
    ]


def listing_standings(
    connection: Connection, at: datetime, channel: str | None = None, state: str | None = None, sku: str | None = None,
    limit: int | None = None,
) -> Iterator[ListingStanding]:  # fmt: skip
    """Listings, in the order in which they go out or have longest been wrong."""
    bound = {"channel": channel, "state": state, "sku": sku}
    statement = text(_LISTINGS + ("LIMIT :limit" if limit is not None else ""))
    now = to_microseconds(at)
    for row in connection.execute(statement, bound | ({"limit": limit} if limit is not None else {})):
        yield ListingStanding(
            row.channel,
            row.sku,
            row.state,
            row.quantity,
            row.shown_quantity,
            _at(row.visible_at),
            0.0 if row.behind_since is None else max(0.0, (now - row.behind_since) / 1e6),
            class_of(row.urgency).name.lower(),
            row.attempts,
            _at(row.not_before),
            row.dead_letter,
            row.hold_reason,
        )


def _standing(row: object, control: Control, ages_s: list[float], at: datetime) -> ChannelStanding:
    ends = [moment for moment in (control.breaker.open_until, control.paused_until) if moment and moment > at]
    told = row._mapping  # type: ignore[attr-defined]  # a row of _CHANNELS
    return ChannelStanding(
        channel=told["channel"],
        mode=told["mode"],
        breaker=control.breaker.state,
        out_since=control.breaker.since if control.breaker.is_open else None,
        resting_until=max(ends, default=None),
        trouble=control.trouble,
        answered_at=control.answered_at,
        listings=told["listings"],
        current=told["current"] or 0,
        waiting=told["waiting"] or 0,
        waiting_zeros=told["waiting_zeros"] or 0,
        unconfirmed=told["unconfirmed"] or 0,
        held=told["held"] or 0,
        dead_letters=told["dead_letters"] or 0,
        oldest_truth_s=ages_s[-1] if ages_s else None,
        p95_truth_s=ages_s[min(len(ages_s) - 1, int(len(ages_s) * 0.95))] if ages_s else None,
    )


def _truth_ages(connection: Connection, channel: str, now: int) -> list[float]:
    """Seconds, rising, of every listing of the channel; 0 where it shows what it should."""
    rows = connection.execute(text(_BEHIND), {"channel": channel})
    return sorted(0.0 if since is None else max(0.0, (now - since) / 1e6) for (since,) in rows)


def _at(moment: int | None) -> datetime | None:
    return None if moment is None else from_microseconds(moment)


_CHANNELS = """
SELECT c.channel, c.mode, count(i.intent_id) AS listings,
       sum(CASE WHEN i.state = 'visible' THEN 1 ELSE 0 END) AS current,
       sum(CASE WHEN i.state IN ('pending', 'sent') THEN 1 ELSE 0 END) AS waiting,
       sum(CASE WHEN i.state IN ('pending', 'sent') AND i.urgency <= :zero THEN 1 ELSE 0 END) AS waiting_zeros,
       sum(CASE WHEN i.state = 'accepted' THEN 1 ELSE 0 END) AS unconfirmed,
       sum(CASE WHEN i.state = 'held' THEN 1 ELSE 0 END) AS held,
       sum(CASE WHEN i.state = 'failed' THEN 1 ELSE 0 END) AS dead_letters
FROM channel c LEFT JOIN push_intent i ON i.channel = c.channel
GROUP BY c.channel, c.mode, c.priority ORDER BY c.priority, c.channel
"""

_BEHIND = "SELECT behind_since FROM push_intent WHERE channel = :channel"

_LISTINGS = """
SELECT channel, sku, state, quantity, shown_quantity, visible_at, behind_since, urgency, attempts, not_before,
       dead_letter, hold_reason
FROM push_intent
WHERE (CAST(:channel AS text) IS NULL OR channel = :channel) AND (CAST(:state AS text) IS NULL OR state = :state)
  AND (CAST(:sku AS text) IS NULL OR sku = :sku)
ORDER BY CASE WHEN behind_since IS NULL THEN 1 ELSE 0 END, urgency, channel, intent_id
"""
