"""What is measured from the first day on: counts and lengths by day, channel and location, noted where they happen.

Lengths are counted in bins (``expectations.pace``), so that the quantiles of any span of days come from a few rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.expectations.pace import Pace

DAY_US = 86_400_000_000

SYNC_LATENCY = "sync_latency"
"""From the change of stock being recorded to its being seen on the channel; seconds, by channel."""

ACCEPTED_TO_VISIBLE = "accepted_to_visible"
"""From a channel's accepting a figure to its being seen there; seconds, by channel."""

PUSHES, PUSHES_FAILED = "pushes", "pushes_failed"
"""Tries to push, and those of them that were not accepted; by channel."""

EVENTS = "events"
"""Events accepted; by location."""

Place = tuple[str, str]
"""Channel and location, each empty where it is none."""


def measure(
    connection: Connection, name: str, seconds: Iterable[float], at: datetime, channel: str = "", location: str = ""
) -> None:
    """Note lengths that ended at ``at``."""
    write(connection, Pace.of(seconds).counts, name, to_microseconds(at) // DAY_US, channel, location)


def count(connection: Connection, name: str, seen: int, at: datetime, channel: str = "") -> None:
    """Note that something was seen ``seen`` times at ``at``."""
    if seen:
        write(connection, {0: seen}, name, to_microseconds(at) // DAY_US, channel, "")


def write(
    connection: Connection, counts: Mapping[int, int], name: str, day: int, channel: str = "", location: str = ""
) -> None:
    """Add ``counts`` by bin to what was seen on ``day``."""
    rows = [
        {"measure": name, "channel": channel, "location": location, "day": day, "bin": number, "seen": seen}
        for number, seen in sorted(counts.items())
    ]
    if rows:
        connection.execute(text(_ADD), rows)


@dataclass(frozen=True, slots=True)
class Awaited:
    """A listing that a channel accepted: since when it was behind, and when it was accepted (microseconds)."""

    intent_id: int
    behind_since: int | None
    accepted_at: int


def note_visible(connection: Connection, channel: str, awaited: Sequence[Awaited], at: datetime) -> None:
    """Measure how long those of ``awaited`` took that were seen at ``at`` to show what they should.

    The last thing in its transaction: others who measure the same channel wait for it no longer than they must.
    """
    if not awaited:
        return
    on_sqlite = connection.dialect.name == "sqlite"
    named = "SELECT value FROM json_each(:ids)" if on_sqlite else _IDS_ON_POSTGRESQL
    ids = msgspec.json.encode([one.intent_id for one in awaited]).decode()
    now = to_microseconds(at)
    statement = text(_VISIBLE_NOW.format(named=named))
    visible = set(connection.execute(statement, {"ids": ids, "at": now}).scalars())
    seen = [one for one in awaited if one.intent_id in visible]
    measure(connection, ACCEPTED_TO_VISIBLE, [max(0, now - one.accepted_at) / 1e6 for one in seen], at, channel)
    behind = [one.behind_since for one in seen if one.behind_since is not None]
    measure(connection, SYNC_LATENCY, [max(0, now - since) / 1e6 for since in behind], at, channel)


def count_events(connection: Connection, first: int, last: int) -> None:
    """Count the ledger entries after ``first`` up to ``last`` by location and day."""
    bound = {"first": first, "last": last, "measure": EVENTS, "day_us": DAY_US}
    connection.execute(text(_COUNT_EVENTS), bound)


def lengths(connection: Connection, name: str, since: datetime, until: datetime) -> dict[Place, Pace]:
    """What was measured on the days from ``since`` to ``until``, by channel and location."""
    found: dict[Place, dict[int, int]] = {}
    for channel, location, number, seen in _read(connection, name, since, until):
        found.setdefault((channel, location), {})[number] = int(seen)
    return {place: Pace(counts) for place, counts in found.items()}


def counts(connection: Connection, name: str, since: datetime, until: datetime) -> dict[Place, int]:
    """What was counted on the days from ``since`` to ``until``, by channel and location."""
    return {place: pace.observations for place, pace in lengths(connection, name, since, until).items()}


def _read(connection: Connection, name: str, since: datetime, until: datetime) -> Iterable[tuple[str, str, int, int]]:
    days = {"since": to_microseconds(since) // DAY_US, "until": to_microseconds(until) // DAY_US}
    rows = connection.execute(text(_READ), {"measure": name, **days})
    return [(channel, location, number, seen) for channel, location, number, seen in rows]


_ADD = """
INSERT INTO daily_measure (measure, channel, location, day, bin, seen)
VALUES (:measure, :channel, :location, :day, :bin, :seen)
ON CONFLICT (measure, channel, location, day, bin) DO UPDATE SET seen = daily_measure.seen + excluded.seen
"""

_IDS_ON_POSTGRESQL = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:ids AS json))"

_VISIBLE_NOW = """
SELECT intent_id FROM push_intent WHERE intent_id IN ({named}) AND state = 'visible' AND visible_at = :at
"""

_COUNT_EVENTS = """
INSERT INTO daily_measure (measure, channel, location, day, bin, seen)
SELECT :measure, '', p.location, l.recorded_at / :day_us, 0, COUNT(*)
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
WHERE l.entry_id > :first AND l.entry_id <= :last
GROUP BY p.location, l.recorded_at / :day_us
ON CONFLICT (measure, channel, location, day, bin) DO UPDATE SET seen = daily_measure.seen + excluded.seen
"""

_READ = """
SELECT channel, location, bin, SUM(seen) FROM daily_measure
WHERE measure = :measure AND day >= :since AND day <= :until GROUP BY channel, location, bin
"""
