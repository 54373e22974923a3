"""The last weeks' demand played again: what other buffers would have oversold and lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.effects import SIGN
from ml.buffers.backtest import Outcome, backtest
from ml.buffers.frontier import frontier
from ml.buffers.history import MOVEMENTS, DemandHistory, World, from_movements
from ml.buffers.policies import ShareAndUnits
from ml.buffers.window import ASSUMED_SYNC_AGE_H

STEPS_A_DAY = 96
REPLAYED_MOST = 2_000
"""SKUs that a replay plays at most."""
TARGETS = (0.0025, 0.005, 0.0075, 0.01, 0.02)
"""Oversells per unit asked at which ways to hold back are compared."""


@dataclass(frozen=True, slots=True)
class Point:
    """At ``oversell_rate`` this way would have lost ``lost_rate`` of what was asked for; None: out of reach."""

    channel: str
    way: str
    oversell_rate: float
    lost_rate: float | None
    days: int
    items: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What holding back ``buffer`` units of every SKU would have done over ``days``, in units.

    Of what was ``lost``, ``withheld`` stood in stock.
    """

    channel: str
    buffer: int
    oversold: float
    lost: float
    withheld: float
    asked: float
    days: int


def oversell_frontier(
    connection: Connection, channel: str, at: datetime, days: int, refresh_h: float = ASSUMED_SYNC_AGE_H
) -> list[Point]:
    """Each way to hold back at each target rate, walking forward over the second half of the last ``days``.

    Raises:
        VerbRefused: there is too little history.
    """
    history, learned = demand_history(connection, channel, at, days)
    outcomes = backtest(history, replay_world(history, refresh_h), learned)
    replayed = history.days - learned
    return [
        Point(channel, outcome.way, target, frontier(outcome).lost_at(target), replayed, len(history.items))
        for outcome in outcomes
        for target in TARGETS
    ]


def replay_buffers(
    connection: Connection,
    channel: str,
    buffers: Sequence[int],
    at: datetime,
    days: int,
    refresh_h: float = ASSUMED_SYNC_AGE_H,
    share: float = 1.0,
) -> list[WhatIf]:
    """The last weeks again with each of ``buffers`` held back of a ``share`` of every SKU's stock.

    Raises:
        VerbRefused: there is too little history.
    """
    history, learned = demand_history(connection, channel, at, days)
    way = ShareAndUnits(share, tuple(float(units) for units in buffers))
    outcome: Outcome = backtest(history, replay_world(history, refresh_h), learned, [way])[0]
    oversold, lost, kept = (units.sum(axis=1) for units in (outcome.oversold, outcome.lost, outcome.withheld))
    asked = float(outcome.asked.sum())
    return [
        WhatIf(channel, units, float(oversold[n]), float(lost[n]), float(kept[n]), asked, history.days - learned)
        for n, units in enumerate(buffers)
    ]


def demand_history(connection: Connection, channel: str, at: datetime, days: int) -> tuple[DemandHistory, int]:
    """What was shipped for ``channel`` and for all others and not taken back, and how many days are for learning.

    Of more than ``REPLAYED_MOST`` SKUs that many are drawn, the same ones each time: a step of each day of each SKU is
    held in memory.

    Raises:
        NotFound: there is no such channel.
        VerbRefused: there is too little history.
    """
    if connection.execute(text("SELECT 1 FROM channel WHERE channel = :c"), {"c": channel}).first() is None:
        raise NotFound("channel", channel)
    bound = {"channel": channel, "since": to_microseconds(at - timedelta(days=days)), "until": to_microseconds(at)}
    skus = sorted(connection.execute(text(_SHIPPED), bound).scalars())
    if len(skus) > REPLAYED_MOST:
        skus = np.random.default_rng(0).choice(skus, REPLAYED_MOST, replace=False).tolist()
    asked = text(_ASKED.format(wanted=wanted_skus(connection)))
    rows = connection.execute(asked, bound | {"skus": as_json(skus)}).all()
    told = (tuple(row[:-1]) for row in rows for _ in range(row.times))
    frame = pl.DataFrame(list(told), schema=dict(MOVEMENTS), orient="row")
    if not frame.height:
        raise VerbRefused("replay", f"channel {channel}", f"nothing was sold in the last {days} days")
    history = from_movements(frame, STEPS_A_DAY, max(1, days // 2))
    learned = history.days // 2
    if learned < _LEARN_DAYS_MIN:
        raise VerbRefused("replay", f"channel {channel}", f"{history.days} days of history are too few")
    return history, learned


_LEARN_DAYS_MIN = 3

_OF_THE_CHANNEL = """
l.type = 'ship' AND l.occurred_at BETWEEN :since AND :until AND l.quantity > 0
  AND EXISTS (SELECT 1 FROM ledger_entry o WHERE o.position_id = p.position_id AND o.channel = :channel)
"""

_SHIPPED = f"""
SELECT DISTINCT p.sku FROM ledger_entry l JOIN position p ON p.position_id = l.position_id WHERE {_OF_THE_CHANNEL}
"""

_ASKED = f"""
SELECT p.sku AS item, CASE WHEN COALESCE(l.channel, '') = :channel THEN 'own' ELSE 'others' END AS pool,
       l.occurred_at AS at, l.quantity AS units, SUM({SIGN}) AS times
FROM ({{wanted}}) w JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id
WHERE {_OF_THE_CHANNEL}
GROUP BY 1, 2, 3, 4 HAVING SUM({SIGN}) > 0 ORDER BY 3, 1, 2, 4
"""


def replay_world(history: DemandHistory, refresh_h: float) -> World:
    """A channel that is put right so many hours apart, a few times late (``World``)."""
    return World(np.full(len(history.items), refresh_h))
