"""Selling on simulated channels: their orders told to the ledger, and the naive way of keeping them in step."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import text

from core_sync.channels.connect import Connections
from core_sync.channels.port import PushRequest
from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from simulation.peers.fleet import Fleet

LOCATION = "WH"
LOOK_S = 0.01
"""How often orders are fetched: about as fast as a shop tells them by itself."""


def connect(database: Database, fleet: Fleet, rules: Mapping[str, int], mode: str = "live") -> None:
    """Make every peer of ``fleet`` a channel, the one named first with the first priority; ``rules`` hold for all."""
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO location (location, stock_control) VALUES (:l, 'strict')"), {"l": LOCATION}
        )
        for priority, kind in enumerate(fleet):
            told = {"c": kind, "p": priority, "m": mode, "a": json.dumps({"endpoint": fleet[kind].url})}
            connection.execute(text(_CHANNEL), told)
            connection.execute(text(_RULE), {"c": kind, "b": rules.get("buffer", 0), "s": rules.get("shortage_below")})


def names(database: Database, skus: Mapping[str, object]) -> None:
    """Make SKUs known."""
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES (:s, 'EA', false)"),
                           [{"s": sku} for sku in skus])  # fmt: skip
        connection.execute(text("UPDATE master_data_version SET version = version + 1"))


class Orders:
    """What was ordered on the channels, each order once, told to the ledger as a reservation."""

    def __init__(self, ledger: Ledger, fleet: Fleet, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._clock = clock
        self._known = dict.fromkeys(fleet, 0)
        self.units: Counter[str] = Counter()
        self.told: list[tuple[str, str, int, str]] = []

    def fetch(self) -> int:
        """Tell the ledger of the orders since the last time; how many there were."""
        events = []
        for kind, peer in self._fleet.items():
            for order in peer.orders(self._known[kind]):
                self._known[kind] += 1
                name = f"{kind}-{order['order']}"
                events.append(self._event(EventType.RESERVE, kind, order["sku"], order["quantity"], name))
                self.units[order["sku"]] += order["quantity"]
                self.told.append((kind, order["sku"], order["quantity"], name))
        if events:
            self._ledger.apply(events, self._clock())
        return len(events)

    def ship(self) -> None:
        """Send off every order, in the order of arrival; what there is no stock for waits."""
        self._ledger.apply(
            [self._event(EventType.SHIP, kind, sku, units, name) for kind, sku, units, name in self.told], self._clock()
        )
        self.told.clear()

    def _event(self, kind: EventType, channel: str, sku: str, quantity: int, order: str) -> Event:
        return Event(
            event_id=f"{kind}-{order}", type=kind, occurred_at=self._clock(), sku=sku, quantity=quantity,
            source=channel, location=LOCATION, channel=channel, document=order, line="1", reservation_id=order,
        )  # fmt: skip


@contextmanager
def repeatedly(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` again and again beside the block, and once more when it has ended."""
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            work()
            time.sleep(LOOK_S)

    worker = threading.Thread(target=keep)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
        work()


class NaiveSync:
    """Fetch orders, take them off the stock, and set that on every channel: whenever it is through, from the start."""

    def __init__(self, fleet: Fleet, connections: Connections, stock: Mapping[str, int]) -> None:
        self._fleet = fleet
        self._channels = {kind: connections.get(kind) for kind in fleet}
        self._known = {kind: int(peer.counters()["orders"]) for kind, peer in fleet.items()}
        self._left = dict(stock)
        self._turns = 0

    def once(self) -> None:
        """One turn."""
        for kind, peer in self._fleet.items():
            for order in peer.orders(self._known[kind]):
                self._known[kind] += 1
                self._left[order["sku"]] -= order["quantity"]
        self._turns += 1
        for channel in self._channels.values():
            assert channel is not None
            channel.push(
                [
                    PushRequest(sku, max(0, units), None, f"naive-{self._turns}-{sku}")
                    for sku, units in self._left.items()
                ]
            )


_CHANNEL = """
INSERT INTO channel (channel, kind, priority, mode, attributes) VALUES (:c, :c, :p, :m, :a)
"""

_RULE = """
INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, shortage_below, valid_from)
VALUES (:c, '', 10000, :b, :s, 0)
"""
