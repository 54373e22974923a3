"""Publish without a pause: a lane for each channel that pushes, and one that reads back, woken by commits.

A channel that is slow or out holds up nobody else's. Any number of processes may do this side by side.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from core_sync.availability.promises import channel_names
from core_sync.outbox.dispatch import Dispatcher, push_channel
from core_sync.outbox.due import next_due_at
from core_sync.outbox.intend import refresh_all_intents, refresh_by_rules
from core_sync.outbox.looked import next_look_at
from core_sync.outbox.read_back import look
from core_sync.outbox.shadow import compare_channel
from core_sync.outbox.wake import Bell

if TYPE_CHECKING:
    from api.wiring import World

_LOG = logging.getLogger("stocktriage.publishing")

LOOK_AGAIN_S = 5.0
"""A lane looks for itself this often, should no bell ring."""

ROLL_CALL_S = 2.0
"""How often new channels get their lanes, and rules that began or ended take effect."""

BUSY_ROWS_S = 0.05
"""How long to leave listings alone that another transaction is about to change."""

FAILED_S = 2.0
"""How long a lane rests after an error of our own."""

Turn = Callable[["World", str], datetime | None]
"""One turn of a lane; returns when the next is due, None: when the bell rings."""


def keep_publishing(world: "World", stop: threading.Event) -> None:
    """Push and read back on every channel until ``stop`` is set."""
    bell = Bell(world.database)
    lanes: dict[tuple[str, str], threading.Thread] = {}
    known_until: datetime | None = None
    try:
        while True:
            known_until = _roll_call(world, bell, lanes, stop, known_until)
            if stop.wait(ROLL_CALL_S):
                return
    finally:
        bell.close()
        for lane in lanes.values():
            lane.join(timeout=30)


def push_turn(world: "World", channel: str, dispatcher: Dispatcher | None = None) -> datetime | None:
    """Push what is due on ``channel``, or note what would be pushed were it not in shadow."""
    connector = world.channels.get(channel)
    at = world.clock()
    compare_channel(world.database, world.channels, channel, at)
    if connector is None:
        return at + timedelta(seconds=LOOK_AGAIN_S)
    with world.database.reading() as connection:
        due = next_due_at(connection, channel, connector.limits, at)
    if due is None or due > at:
        return due
    pushed = push_channel(world.database, world.channels, channel, at, dispatcher=dispatcher)
    none = not (pushed.accepted or pushed.retried_later or pushed.failed or pushed.given_back)
    return pushed.again_at or (at + timedelta(seconds=BUSY_ROWS_S) if none else at)


def read_turn(world: "World", channel: str) -> datetime | None:
    """Look at what is longest due for it on ``channel``."""
    at = world.clock()
    with world.database.reading() as connection:
        due = next_look_at(connection, channel)
    if due is None or due > at:
        return due
    found = look(world.database, world.channels, channel, at)
    nothing = not (found.visible or found.waiting or found.overdue or found.refused)
    return at + timedelta(seconds=LOOK_AGAIN_S) if nothing else at


def _roll_call(
    world: "World",
    bell: Bell,
    lanes: dict[tuple[str, str], threading.Thread],
    stop: threading.Event,
    known_until: datetime | None,
) -> datetime | None:
    """Give each channel its lanes, and promise anew what time changed; returns until when that is done."""
    try:
        at = world.clock()
        if known_until is None:
            refresh_all_intents(world.database, at)
        else:
            refresh_by_rules(world.database, known_until, at)
        with world.database.reading() as connection:
            names = channel_names(connection)
    except Exception:
        _LOG.exception("promises could not be worked out anew; the next roll call tries again")
        return known_until
    for channel in names:
        dispatcher = Dispatcher()
        turns: dict[str, Turn] = {
            "push": lambda world, channel, who=dispatcher: push_turn(world, channel, who),  # type: ignore[misc]  # bound now
            "read": read_turn,
        }
        for name, turn in turns.items():
            lane = lanes.get((name, channel))
            if lane is None or not lane.is_alive():
                arguments = (world, bell, channel, turn, stop)
                lane = threading.Thread(target=_keep_lane, args=arguments, name=f"{name}-{channel}", daemon=True)
                lanes[name, channel] = lane
                lane.start()
    return at


def _keep_lane(world: "World", bell: Bell, channel: str, turn: Turn, stop: threading.Event) -> None:
    while not stop.is_set():
        rung = bell.count
        try:
            again_at = turn(world, channel)
        except Exception:
            _LOG.exception("%s: the turn failed; the next one tries again", threading.current_thread().name)
            stop.wait(FAILED_S)
            continue
        rest_s = LOOK_AGAIN_S if again_at is None else (again_at - world.clock()).total_seconds()
        if rest_s > 0:
            bell.wait(rung, min(rest_s, LOOK_AGAIN_S))
