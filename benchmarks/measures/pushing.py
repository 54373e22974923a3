"""How long from an event told to its push at the channel, through the service's own loop and real HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import text

from api.jobs.rounds import keep_round
from api.wiring import World, build_world
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import DISK
from core_sync.channels.port import PushRequest
from core_sync.clock import now
from core_sync.ledger.events import Event, EventType
from core_sync.settings import read_settings
from simulation.peers.fleet import Fleet
from simulation.peers.remote import RemotePeer

SKU, LOCATION = "MUG", "WH"
PAUSE_S = 0.25
"""Between two events, so that each is told on an idle machine."""
READY_S = 30.0


def pushing_figures(events: int) -> Iterator[Figure]:
    """p95 and median from before the event is told to the moment its figure reaches the channel."""
    with (
        TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK) as folder,
        Fleet.start(["shopify"], listings={SKU: 0}, generous=True) as fleet,
    ):
        world = build_world(read_settings(home=Path(folder), sample=False))
        _fill(world, fleet["shopify"].url)
        stop = threading.Event()
        role = threading.Thread(target=keep_round, args=(world, "publish", stop))
        role.start()
        try:
            took = _told_and_pushed(world, fleet["shopify"], events)
        finally:
            stop.set()
            role.join()
        alone = _push_alone(world, events)
        world.close()
    p95, bare = _quantile(took, 0.95), _quantile(alone, 0.95)
    yield Figure("event to push p95", p95, "s", "the push alone, p95", bare, p95 / bare)
    yield Figure("event to push p50", _quantile(took, 0.5), "s")


def _told_and_pushed(world: World, shop: RemotePeer, events: int) -> list[float]:
    """Seconds of each event; the first is told before the lanes have opened and does not count."""
    chance = Random(7)  # noqa: S311 - pauses are no secret
    _tell(world, 0)
    _arrived(shop, 0)
    behind = _clock_of(shop)
    took = []
    for number in range(1, events + 1):
        time.sleep(PAUSE_S * (0.5 + chance.random()))
        known = len(shop.received())
        began = time.monotonic()
        _tell(world, number)
        took.append(_arrived(shop, known) + behind - began)
    return took


def _tell(world: World, number: int) -> None:
    event = Event(
        event_id=f"e{number}", type=EventType.RECEIPT, occurred_at=now(), sku=SKU, quantity=1, source="wms",
        location=LOCATION,
    )  # fmt: skip
    with world.ledger() as ledger:
        ledger.apply([event], now())


def _arrived(shop: RemotePeer, known: int) -> float:
    """When the first figure after number ``known`` reached the shop, by its own clock."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if found := shop.received(known):
            return found[0].at_s
        time.sleep(0.01)
    raise TimeoutError("nothing was pushed")


def _clock_of(shop: RemotePeer) -> float:
    """What to add to a moment of the shop's clock to have it by ours: from the quickest of some answers."""
    asked = []
    for _ in range(20):
        before = time.monotonic()
        theirs = float(shop.counters()["at_s"])
        after = time.monotonic()
        asked.append((after - before, (before + after) / 2 - theirs))
    return min(asked)[1]


def _push_alone(world: World, pushes: int) -> list[float]:
    """The same push by the connector alone: what no outbox can take less than."""
    channel = world.channels.get("shop")
    assert channel is not None
    took = []
    for number in range(pushes):
        time.sleep(0.05)
        began = time.monotonic()
        channel.push([PushRequest(SKU, 1_000 + number, None, f"alone-{number}")])
        took.append(time.monotonic() - began)
    return took


def _quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def _fill(world: World, url: str) -> None:
    with world.database.transaction() as connection:
        connection.execute(text(_CHANNEL), {"a": json.dumps({"endpoint": url})})


_CHANNEL = """
INSERT INTO channel (channel, kind, priority, mode, attributes) VALUES ('shop', 'shopify', 1, 'live', :a)
"""
