"""A world while it runs: its clock, its books, its journal, and the one door through which stock moves."""

import heapq
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from numpy.random import Generator

from core_sync.ledger.events import EventType
from simulation.books import Book, Erp
from simulation.catalogue import Item
from simulation.scenario import CHANNELS, LOCATIONS, Scenario
from simulation.world import Benign, Fault, Loss, Rows

_ERP_TELLS = frozenset(
    {EventType.INBOUND_ANNOUNCED, EventType.RESERVE, EventType.RELEASE_RESERVATION, EventType.ORDER_CANCELLED}
)


@dataclass(slots=True)
class Message:
    """One movement as it happened, and what it does to a book."""

    type: EventType
    sku: int
    location: int
    quantity: int
    on_hand: int = 0
    allocated: int = 0
    hold: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    event_id: str = ""
    at: int = 0


@dataclass(slots=True)
class Armed:
    """A fault that waits for the message it will spoil."""

    fault: Fault
    types: frozenset[EventType]
    fits: Callable[[Message], bool]
    spoil: Callable[[Message], None]


@dataclass(slots=True)
class Renamed:
    """The warehouse calls a SKU ``external``; while nobody knows that (``fault``), its messages wait."""

    external: str
    fault: Fault | None
    on_message: Callable[[Message], None]
    waiting: list[Message] = field(default_factory=list)


QUEUES = 4
"""A warehouse's messages come in so many queues, each with its own SKUs."""


@dataclass(slots=True)
class Listings:
    """What each channel shows, and what it would show had nothing ever failed, by channel and SKU."""

    shown: list[list[int]]
    clean: list[list[int]]
    dirty: list[set[int]]
    blocked: list[dict[int, Fault]]
    channel_blocked: list[Fault | None]
    paused_until: list[int]


class Running:
    """A world between its first and its last second; seconds count from the scenario's start."""

    def __init__(self, scenario: Scenario, items: list[Item], floor: Generator, faults: Generator) -> None:
        self.scenario, self.constants, self.items = scenario, scenario.constants, items
        self.floor_rng, self.fault_rng = floor, faults
        count = len(items)
        self.now = 0
        self.end = scenario.days * 86_400
        self.horizon = self.end + scenario.constants.horizon_h * 3600
        self.truth = Book.empty(count, len(LOCATIONS))
        self.told = Book.empty(count, len(LOCATIONS))
        self.erp = Erp.empty(count, len(LOCATIONS))
        self.double = [0] * count
        """Units by which the hub that feeds the shops counts a SKU too high or too low."""
        self.listings = Listings(
            shown=[[0] * count for _ in CHANNELS],
            clean=[[0] * count for _ in CHANNELS],
            dirty=[set(range(count)) for _ in CHANNELS],
            blocked=[{} for _ in CHANNELS],
            channel_blocked=[None] * len(CHANNELS),
            paused_until=[0] * len(CHANNELS),
        )
        self.events: Rows = []
        self.snapshots: Rows = []
        self.failures: Rows = []
        self.benign: list[Benign] = []
        self.losses: list[Loss] = []
        self.deliveries: Rows = []
        self.promises: Rows = []
        self.late_aliases: Rows = []
        self.late_units: Rows = []
        self.reported: dict[str, Rows] = defaultdict(list)
        """Failure rows by the fault that they tell of."""
        self.armed: list[Armed] = []
        self.renamed: dict[int, Renamed] = {}
        self.withheld: dict[tuple[int, int], tuple[Fault, list[Message]]] = {}
        """Positions whose shipments are not confirmed, and the messages that wait."""
        self.silenced: dict[int, tuple[Fault, list[Message]]] = {}
        """Warehouses whose system says nothing, and the messages that wait."""
        self.stuck: dict[tuple[int, int], tuple[Fault, list[Message]]] = {}
        """Queues (warehouse and number) that stand still, and the messages that wait."""
        self.read_by_erp: dict[int, Callable[[Message, int], int]] = {}
        """SKUs of which the ERP makes other units out of a message's."""
        self.clock_behind: dict[tuple[str, int], Fault] = {}
        """Systems, at a warehouse, whose clock is behind."""
        self.remembered: dict[tuple[str, int, int], int] = {}
        """What such a system had on hand, by SKU and warehouse, at the hour that it takes for the next snapshot's."""
        self.untold: dict[str, tuple[Fault, list[Message]]] = {}
        """Documents of which nothing more is told, and the messages that wait."""
        self.unfindable: set[int] = set()
        """SKUs whose stock is in every book and on no shelf."""
        self.active: dict[int, list[Fault]] = defaultdict(list)
        self.active_wide: list[Fault] = []
        self.spoilt: dict[int, dict[tuple[str, int], Fault]] = defaultdict(dict)
        """Of each SKU the figures (book, place or channel) that have been wrong since a fault spoiled them."""
        self.on_order: list[list[int]] = [[0] * len(LOCATIONS) for _ in items]
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._numbers: dict[str, int] = defaultdict(int)
        self._told_until: dict[str, int] = defaultdict(int)

    def at(self, moment: int, act: Callable[..., None], *arguments: Any) -> None:
        """Let ``act`` happen at second ``moment``; things of one second happen in the order they were asked for."""
        if moment <= self.horizon:
            self._sequence += 1
            heapq.heappush(self._queue, (max(moment, self.now), self._sequence, act, arguments))

    def run(self) -> None:
        """Let everything happen until the horizon."""
        while self._queue:
            self.now, _, act, arguments = heapq.heappop(self._queue)
            act(*arguments)

    def moment(self, second: int) -> datetime:
        """The point in time ``second`` seconds after the start."""
        return self.scenario.start + timedelta(seconds=second)

    def number(self, series: str, first: int) -> int:
        """The next number of a series of documents, reservations or events."""
        self._numbers[series] += 1
        return first + self._numbers[series]

    def move(self, message: Message) -> str:
        """Let a movement happen: truth changes at once, and its message goes its way. Returns the event's id."""
        source = "erp" if message.type in _ERP_TELLS else "wms"
        message.event_id = f"{source}-{self.number(source, 500_000)}"
        message.at = self.now
        message.fields.setdefault("source", source)
        self.truth.add(message.sku, message.location, message.on_hand, message.allocated, message.hold)
        self.erp.tell_clean(message.sku, message.location, message.on_hand)
        self.touch(message.sku)
        for armed in self.armed:
            if message.type in armed.types and armed.fits(message):
                self.armed.remove(armed)
                armed.spoil(message)
                return message.event_id
        renamed = self.renamed.get(message.sku)
        if renamed is not None and renamed.fault is not None and source == "wms":
            self.write(message)
            renamed.waiting.append(message)
            renamed.on_message(message)
            return message.event_id
        key = (message.sku, message.location)
        if message.type is EventType.SHIP and key in self.withheld:
            self._withhold(message, *self.withheld[key])
        elif str(message.fields.get("document")) in self.untold:
            self._withhold(message, *self.untold[str(message.fields["document"])])
        else:
            self.deliver(message)
        return message.event_id

    def _withhold(self, message: Message, fault: Fault, waiting: list[Message]) -> None:
        """Keep a message from everybody until the fault is cured."""
        waiting.append(message)
        if self.now <= self.end:
            if fault.missing_s is None:
                fault.missing_s = self.now
            fault.event_ids.append(message.event_id)
            fault.documents.add(str(message.fields.get("document", "")))
            fault.quantity += message.quantity

    def tell_only(self, message: Message) -> str:
        """Tell the books of something that truly happened before. Returns the event's id."""
        source = "erp" if message.type in _ERP_TELLS else "wms"
        message.event_id, message.at = f"{source}-{self.number(source, 500_000)}", self.now
        message.fields.setdefault("source", source)
        self.deliver(message)
        return message.event_id

    def deliver(self, message: Message, **spoilt: Any) -> None:
        """Write the message's row, with ``spoilt`` fields in place of its own, and let the books take it in."""
        if message.location in self.silenced and message.fields["source"] == "wms":
            self._withhold(message, *self.silenced[message.location])
            return
        queue = (message.location, message.sku % QUEUES)
        if queue in self.stuck and message.fields["source"] == "wms":
            self.stuck[queue][0].touched_skus.add(message.sku)
            self._withhold(message, *self.stuck[queue])
            return
        self.write(message, **spoilt)
        self.take_in(message, message.on_hand)

    def take_in(self, message: Message, on_hand: int) -> None:
        """Let the books apply a message; ``on_hand`` may differ from what truly moved."""
        self.told.add(message.sku, message.location, on_hand, message.allocated, message.hold)
        read = self.read_by_erp.get(message.sku)
        posted = on_hand if read is None else read(message, on_hand)
        self.erp.tell(message.sku, message.location, posted, self.now)
        self.touch(message.sku)

    def write(self, message: Message, *, recorded: int | None = None, **spoilt: Any) -> None:
        """Write one row of the events table, unless it reaches us after the end.

        Messages of one source reach us in the order they were sent.
        """
        fields = message.fields | spoilt
        source = fields["source"]
        if recorded is None:
            low, high = self.constants.source_lag_s
            recorded = max(self._told_until[source], self.now + int(self.floor_rng.integers(low, high)))
            self._told_until[source] = recorded
        if recorded > self.end:
            return
        item, renamed = self.items[message.sku], self.renamed.get(message.sku)
        name = item.sku
        if source == "wms":
            name = renamed.external if renamed is not None else item.wms_code or item.sku
        row: dict[str, object] = {
            "id": message.event_id,
            "source": source,
            "type": message.type.value,
            "time": self.moment(message.at),
            "sku": name,
            "location": LOCATIONS[message.location],
            "quantity": message.quantity,
            **fields,
            "recorded_at": self.moment(recorded),
        }
        self.events.append(row)

    def on_hand_by(self, system: str, sku: int, location: int) -> int:
        """What the warehouse system or the ERP has on hand now."""
        if system == "wms":
            return self.truth.on_hand[sku][location]
        return max(0, self.erp.on_hand[sku][location] + self.items[sku].erp_offset[location])

    def wide_at(self, sku: int) -> list[Fault]:
        """The active faults of more than one SKU that touch ``sku``."""
        return [fault for fault in self.active_wide if not fault.partial or sku in fault.touched_skus]

    def touch(self, sku: int) -> None:
        """What may be promised of ``sku`` may have changed."""
        for dirty in self.listings.dirty:
            dirty.add(sku)

    def surprise(self, kind: str, sku: int | None = None, location: int | None = None, **more: Any) -> None:
        """Note a surprise that is no fault."""
        if self.now <= self.end:
            self.benign.append(
                Benign(
                    kind,
                    more.pop("started", self.moment(self.now)),
                    sku="" if sku is None else self.items[sku].sku,
                    location="" if location is None else LOCATIONS[location],
                    **more,
                )
            )
