"""Slow control: what an oversell counts on a channel follows the oversell rate that came true there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, text

from core_sync.availability.oversells import NOTHING, Claimed
from core_sync.clock import from_microseconds, to_microseconds
from ml.buffers.tables import BufferStep
from ml.buffers.weight import LEAST_WEIGHT, MOST_WEIGHT, next_weight

EVERY = timedelta(days=7)
"""Between two steps."""
ENOUGH_EXPECTED = 5.0
"""Oversold units expected at the target below which a week says too little: the step waits."""
LONGEST = timedelta(days=28)
"""After which a step is taken on whatever was seen."""


@dataclass(frozen=True, slots=True)
class Step:
    """On ``channel`` an oversell counts ``weight`` from ``at`` on, after what was ``claimed`` from ``since`` to then.

    The ``target`` is what is accepted; ``since`` is None for the first step, before which nothing was looked at.
    """

    channel: str
    since: datetime | None
    at: datetime
    claimed: Claimed
    target: float
    weight: float

    def weight_for(self, target: float) -> float:
        """The weight for another ``target``: oversells are about as seldom as they are dear."""
        return weight_for(self.weight, self.target, target)


def weight_for(weight: float, of: float, target: float) -> float:
    """What serves a ``target`` rate where ``weight`` serves the rate ``of``, within the bounds of a weight."""
    return min(max(weight * of / target, LEAST_WEIGHT), MOST_WEIGHT)


def first_step(channel: str, at: datetime, target: float, weight: float) -> Step:
    """Where control begins: with the ``weight`` that is expected to serve the ``target``."""
    return Step(channel, None, at, NOTHING, target, weight)


def is_due(last: Step, claimed: Claimed, at: datetime) -> bool:
    """Whether what was ``claimed`` since the ``last`` step is enough for the next one."""
    waited = at - last.at
    return waited >= LONGEST or (waited >= EVERY and claimed.asked * last.target >= ENOUGH_EXPECTED)


def step(last: Step, claimed: Claimed, target: float, at: datetime) -> Step:
    """The next step: by a fifth at most, towards fewer oversells where more than the ``target`` came true.

    A target that was changed counts at once, before what came true under the old one moves the weight.
    """
    weight = last.weight_for(target)
    realised = claimed.rate
    if realised is not None:
        weight = next_weight(weight, min(realised * target / last.target, 1.0), target)
    return Step(last.channel, last.at, at, claimed, target, weight)


def steps_in_force(connection: Connection) -> Mapping[str, Step]:
    """The newest step of every channel that is controlled."""
    return {row.channel: _as_step(row) for row in connection.execute(text(_NEWEST))}


def past_steps(connection: Connection, channel: str) -> list[Step]:
    """Every step of ``channel``, the first one first."""
    return [_as_step(row) for row in connection.execute(text(_PAST), {"channel": channel})]


def _as_step(row: Row[Any]) -> Step:
    return Step(
        channel=row.channel,
        since=None if row.since is None else from_microseconds(row.since),
        at=from_microseconds(row.at),
        claimed=Claimed(row.asked, row.oversold),
        target=row.target,
        weight=row.weight,
    )


def keep_step(connection: Connection, one: Step) -> None:
    """Write a step down; it holds from now on."""
    told = {
        "channel": one.channel,
        "since": None if one.since is None else to_microseconds(one.since),
        "at": to_microseconds(one.at),
        "asked": one.claimed.asked,
        "oversold": one.claimed.oversold,
        "target": one.target,
        "weight": one.weight,
    }
    connection.execute(insert(BufferStep), [told])


_COLUMNS = "channel, since, at, asked, oversold, target, weight"

_NEWEST = f"""
SELECT {_COLUMNS} FROM buffer_step s
WHERE step_id = (SELECT MAX(n.step_id) FROM buffer_step n WHERE n.channel = s.channel)
"""

_PAST = f"SELECT {_COLUMNS} FROM buffer_step WHERE channel = :channel ORDER BY step_id"
