"""The last weeks played again with every way to hold back, worked out once and kept until there is more to play.

Whole days alone are played, up to the last midnight (UTC): what is sold during a day changes nothing until it is over,
and what was told late of the days before makes the replay due again, at most once in ``AT_MOST_EVERY``; at once where
there was too little to play until then, as while a history is being ingested.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, text

from api.jobs.buffer_replay import REPLAYED_MOST, demand_history, replay_world
from core_sync.availability.promises import channel_names
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import VerbRefused
from ml.buffers.backtest import backtest
from ml.buffers.frontier import frontier
from ml.buffers.history import DemandHistory, World
from ml.buffers.policies import ShareAndUnits
from ml.buffers.window import ASSUMED_SYNC_AGE_H
from ml.triage.past_stock import DAY_US

if TYPE_CHECKING:
    from api.wiring import World as Service

DAYS = 28
AT_MOST_EVERY = timedelta(hours=1)
_JUST_BEFORE = timedelta(microseconds=1)
BUFFERS = (*range(21), 25, 30, 35, 40, 45, 50)
"""Units held back of every SKU that are played."""
SHARES = tuple(range(0, 101, 10))
"""Per cent of the stock that are played with each of ``BUFFERS``."""


class Course(msgspec.Struct, frozen=True):
    """One way to hold back: rates per unit asked, ``oversold`` rising and ``withheld`` falling."""

    way: str
    oversold: list[float]
    withheld: list[float]


class Played(msgspec.Struct, frozen=True):
    """What a rule of ``buffer`` units and ``share`` per cent would have done, in units; ``withheld`` stood in stock."""

    buffer: int
    share: int
    oversold: float
    lost: float
    withheld: float


class Replay(msgspec.Struct, frozen=True):
    """The ``days`` before ``until`` played again on a channel that is put right every ``refresh_h`` hours.

    ``refused`` says why there is nothing to tell; "" where there is.
    """

    channel: str
    played_at: datetime
    until: datetime
    days: int = 0
    items: int = 0
    asked: float = 0.0
    refresh_h: float = ASSUMED_SYNC_AGE_H
    late_share: float = 0.0
    courses: list[Course] = []
    rules: list[Played] = []
    refused: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether its SKUs were drawn from more than can be played."""
        return self.items >= REPLAYED_MOST

    def rule(self, buffer: int, share: int) -> Played | None:
        """The played rule that is nearest to so many units of so many per cent; None where none was played."""
        near = min(BUFFERS, key=lambda units: abs(units - buffer)), min(SHARES, key=lambda part: abs(part - share))
        return next((one for one in self.rules if (one.buffer, one.share) == near), None)


def kept_replay(connection: Connection, channel: str) -> Replay | None:
    """What was played last of ``channel``; None where nothing was yet."""
    told = connection.execute(text(_KEPT), {"channel": channel}).scalar_one_or_none()
    return None if told is None else _kept(told)


def _kept(told: str) -> Replay:
    return msgspec.json.decode(told, type=Replay)


def replay_when_due(service: "Service") -> int:
    """Play the channels again of which there is more to play; how many that were."""
    at = service.clock()
    with service.database.reading() as connection:
        newest = connection.execute(text("SELECT COALESCE(MAX(entry_id), 0) FROM ledger_entry")).scalar_one()
        due = [name for name in channel_names(connection) if _is_due(connection, name, at)]
    for channel in due:
        with service.database.reading() as connection:
            found = play(connection, channel, at)
        row = {
            "channel": channel, "played_at": to_microseconds(at), "until": to_microseconds(found.until),
            "newest_entry": newest, "told": msgspec.json.encode(found).decode(),
        }  # fmt: skip
        with service.database.transaction() as connection:
            connection.execute(text(_KEEP), row)
    return len(due)


def play(connection: Connection, channel: str, at: datetime) -> Replay:
    """The last ``DAYS`` whole days before ``at``, of which the first half is for learning."""
    until = _midnight(at)
    try:
        history, learned = demand_history(connection, channel, until - _JUST_BEFORE, DAYS)
    except VerbRefused as refusal:
        return Replay(channel, at, until, refused=refusal.reason)
    world = replay_world(history, ASSUMED_SYNC_AGE_H)
    courses = []
    for outcome in backtest(history, world, learned):
        reached = frontier(outcome)
        courses.append(Course(outcome.way, reached.oversell.tolist(), reached.lost.tolist()))
    rules, asked = _rules(history, world, learned)
    return Replay(
        channel, at, until, history.days - learned, len(history.items), asked, ASSUMED_SYNC_AGE_H, world.late_share,
        courses, rules,
    )  # fmt: skip


def _rules(history: DemandHistory, world: World, learned: int) -> tuple[list[Played], float]:
    units = tuple(float(one) for one in BUFFERS)
    ways = [ShareAndUnits(share / 100, units) for share in SHARES]
    played, asked = [], 0.0
    for share, outcome in zip(SHARES, backtest(history, world, learned, ways), strict=True):
        asked = float(outcome.asked.sum())
        sums = (each.sum(axis=1).tolist() for each in (outcome.oversold, outcome.lost, outcome.withheld))
        played += [Played(buffer, share, *told) for buffer, *told in zip(BUFFERS, *sums, strict=True)]
    return played, asked


def _is_due(connection: Connection, channel: str, at: datetime) -> bool:
    kept = connection.execute(text(_WHEN), {"channel": channel}).one_or_none()
    if kept is None or kept.until < to_microseconds(_midnight(at)):
        return True
    is_new = to_microseconds(at) - kept.played_at < AT_MOST_EVERY // timedelta(microseconds=1)
    if is_new and not _kept(kept.told).refused:
        return False
    told_late = {"newest": kept.newest_entry, "until": kept.until}
    return connection.execute(text(_TOLD_LATE), told_late).first() is not None


def _midnight(at: datetime) -> datetime:
    now = to_microseconds(at)
    return from_microseconds(now - now % DAY_US)


_KEPT = "SELECT told FROM buffer_replay WHERE channel = :channel"
_WHEN = "SELECT played_at, until, newest_entry, told FROM buffer_replay WHERE channel = :channel"
_TOLD_LATE = "SELECT 1 FROM ledger_entry WHERE entry_id > :newest AND type = 'ship' AND occurred_at < :until LIMIT 1"
_KEEP = (
    "INSERT INTO buffer_replay (channel, played_at, until, newest_entry, told) "
    "VALUES (:channel, :played_at, :until, :newest_entry, :told) ON CONFLICT (channel) DO UPDATE SET "
    "played_at = excluded.played_at, until = excluded.until, newest_entry = excluded.newest_entry, told = excluded.told"
)
