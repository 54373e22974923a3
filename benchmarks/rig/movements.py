"""A distributor's movements, seeded: what a WMS, an ERP and a shop tell in the course of days.

20,000 SKUs at five strict locations; demand over SKUs is Zipf with exponent 1.05. Orders of one to four lines are
reserved, picked, packed and shipped; purchases are announced, received and put away; now and then goods are
transferred, counted, adjusted, returned, held. Documents and lines are given throughout. 2 % of the events come twice,
1 % late, and 0.5 % cannot apply: goods shipped before they are received, an SKU nobody knows, a negative quantity.
Some receipts are in cases, and the shop calls a tenth of the SKUs by names of its own.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

from msgspec.structs import replace

from core_sync.ledger.events import Event, EventType

SKUS = 20_000
LOCATIONS = ("AMS1", "AMS2", "BER1", "LYO1", "MIL1")
ZIPF_EXPONENT = 1.05
CASE = 12
ALIAS_EVERY = 10
OPENING_QUANTITY = 120
DUPLICATES, LATE, IMPOSSIBLE = 0.02, 0.01, 0.005
START = datetime(2026, 3, 2, tzinfo=UTC)
TICK = timedelta(milliseconds=200)
_REMEMBERED = 20_000
_TRADED_BEFORE = 10_000
_SPARE = 40
"""Units that orders leave in a position, so that counts and late events seldom park what follows."""

Position = int
"""SKU number × locations + location number."""


def sku_name(number: int) -> str:
    """Our name of the SKU; ranks by demand are not in the order of names."""
    return f"SKU-{(number * 7919) % SKUS:05d}"


def history_and_events(seed: int, size: int, ordered_ids: bool = False) -> tuple[list[Event], list[Event]]:
    """What a database is prepared with (a receipt a position, some trade), and the ``size`` events after it."""
    distributor = Distributor(seed, ordered_ids)
    return [*distributor.opening(), *distributor.batch(_TRADED_BEFORE)], distributor.batch(size)


class Distributor:
    """Makes events one batch after the other; the same seed makes the same ones."""

    def __init__(self, seed: int, ordered_ids: bool = False) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a seeded load, not a secret
        self._ordered_ids = ordered_ids
        self._tick = 0
        self._told = 0
        self._planned = 0
        self._documents = 0
        self._free = [OPENING_QUANTITY - _SPARE] * (SKUS * len(LOCATIONS))
        self._on_hand = [OPENING_QUANTITY] * (SKUS * len(LOCATIONS))
        self._names = [sku_name(number) for number in range(SKUS)]
        self._prices = [Decimal(self._chance.randrange(150, 20_000)).scaleb(-2) for _ in range(SKUS)]
        self._demand = list(accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(SKUS)))
        self._due: list[tuple[int, int, Callable[[], Event]]] = []
        self._remembered: list[Event] = []
        self._starts = (
            (self._order, 8.28),
            (self._purchase, 3.4),
            (self._transfer, 1.5),
            (self._return, 1.5),
            (self._hold, 0.5),
            (self._adjust, 1.5),
            (self._count, 1.5),
        )
        self._start_weights = list(accumulate(weight for _, weight in self._starts))

    def opening(self) -> list[Event]:
        """One receipt for every position; without it most shipments would park."""
        return [
            self._event(EventType.RECEIPT, "wms", position, OPENING_QUANTITY, "OPENING", str(position))
            for position in range(len(self._free))
        ]

    def batch(self, size: int) -> list[Event]:
        """The next ``size`` events in the order in which they arrive."""
        return [self._next() for _ in range(size)]

    def _next(self) -> Event:
        chance = self._chance.random()
        if chance < DUPLICATES and self._remembered:
            return self._remembered[self._chance.randrange(len(self._remembered))]
        if chance < DUPLICATES + IMPOSSIBLE:
            event = self._impossible()
        else:
            while not self._due or self._due[0][0] > self._tick:
                self._start()
            event = heappop(self._due)[2]()
        if len(self._remembered) < _REMEMBERED:
            self._remembered.append(event)
        else:
            self._remembered[self._told % _REMEMBERED] = event
        self._told += 1
        return event

    def _start(self) -> None:
        turn = self._chance.choices(self._starts, cum_weights=self._start_weights)[0]
        turn[0]()

    def _later(self, least: int, most: int, make: Callable[[], Event]) -> None:
        due = self._tick + self._chance.randint(least, most)
        heappush(self._due, (due, self._planned, make))
        self._planned += 1

    def _position(self) -> Position:
        (number,) = self._chance.choices(range(SKUS), cum_weights=self._demand)
        return number * len(LOCATIONS) + self._chance.randrange(len(LOCATIONS))

    def _document(self, kind: str) -> str:
        self._documents += 1
        return f"{kind}-{self._documents:08d}"

    def _event(
        self, kind: EventType, source: str, position: Position, quantity: int, document: str, line: str, **more: Any
    ) -> Event:
        self._tick += 1
        number, place = divmod(position, len(LOCATIONS))
        sku = self._names[number]
        if source == "shop" and number % ALIAS_EVERY == 0:
            sku = f"shop-{sku}"
        occurred_at = START + self._tick * TICK
        if self._chance.random() < LATE:
            occurred_at -= timedelta(minutes=self._chance.randint(30, 720))
        random_id = self._chance.getrandbits(128)  # drawn in any case, so that both kinds of load differ in ids alone
        event_id = f"{self._tick:032x}" if self._ordered_ids else f"{random_id:032x}"
        return Event(
            event_id=event_id, source=source, type=kind, occurred_at=occurred_at, sku=sku, location=LOCATIONS[place],
            quantity=quantity, document=document, line=line, **more,
        )  # fmt: skip

    def _order(self) -> None:
        document = self._document("SO")
        channel = self._chance.choice(("shop", "marketplace", "edi"))
        account = f"C{self._chance.randrange(400):04d}" if channel == "edi" else ""
        for line in range(1, self._chance.randint(1, 4) + 1):
            self._order_line(document, str(line), channel, account)

    def _order_line(self, document: str, line: str, channel: str, account: str) -> None:
        position, quantity = self._position(), self._chance.choice((1, 1, 1, 2, 2, 3, 4, 6))
        if self._free[position] < quantity:
            self._purchase_line(self._document("PO"), "1", position)
        self._free[position] -= quantity
        owner = {"channel": channel, "account": account, "reservation_id": f"{document}/{line}"}
        expires = START + self._tick * TICK + timedelta(days=2) if channel == "shop" else None
        reserve = {**owner, "expires_at": expires}
        fate = self._chance.random()

        def tell(kind: EventType, source: str, **more: Any) -> Callable[[], Event]:
            return lambda: self._event(kind, source, position, quantity, document, line, **more)

        def give_back(kind: EventType) -> Callable[[], Event]:
            def told() -> Event:
                self._free[position] += quantity
                return self._event(kind, "shop", position, quantity, document, line, **owner)

            return told

        def ship() -> Event:
            self._on_hand[position] -= quantity
            price = self._prices[position // len(LOCATIONS)]
            return self._event(EventType.SHIP, "wms", position, quantity, document, line, unit_price=price, **owner)

        self._later(0, 0, tell(EventType.RESERVE, "shop", **reserve))
        if fate < 0.03:
            kind = EventType.ORDER_CANCELLED if fate < 0.015 else EventType.RELEASE_RESERVATION
            self._later(50, 400, give_back(kind))
            return
        self._later(50, 300, tell(EventType.PICK, "wms"))
        self._later(400, 700, tell(EventType.PACK, "wms"))
        self._later(800, 1200, ship)

    def _purchase(self) -> None:
        document = self._document("PO")
        for line in range(1, self._chance.randint(1, 4) + 1):
            self._purchase_line(document, str(line), self._position())

    def _purchase_line(self, document: str, line: str, position: Position) -> None:
        cases = self._chance.random() < 0.1
        quantity = self._chance.randint(2, 20) * CASE
        said: dict[str, Any] = {"uom": "CASE"} if cases else {}
        shown = quantity // CASE if cases else quantity
        self._free[position] += quantity

        def receive() -> Event:
            self._on_hand[position] += quantity
            return self._event(EventType.RECEIPT, "wms", position, shown, document, line, **said)

        def tell(kind: EventType, source: str) -> Callable[[], Event]:
            return lambda: self._event(kind, source, position, quantity, document, line)

        announced = self._chance.random() < 0.4
        if announced:
            self._later(0, 0, tell(EventType.INBOUND_ANNOUNCED, "erp"))
        self._later(300 if announced else 0, 700 if announced else 0, receive)
        self._later(750, 1000, tell(EventType.PUT_AWAY, "wms"))

    def _transfer(self) -> None:
        document, position = self._document("TR"), self._position()
        place = position % len(LOCATIONS)
        there = position - place + (place + self._chance.randrange(1, len(LOCATIONS))) % len(LOCATIONS)
        quantity = min(self._free[position], self._chance.randint(2, 12))
        if quantity <= 0:
            return
        self._free[position] -= quantity

        def leave() -> Event:
            self._on_hand[position] -= quantity
            goal = LOCATIONS[there % len(LOCATIONS)]
            return self._event(EventType.TRANSFER_OUT, "wms", position, quantity, document, "1", to_location=goal)

        def arrive() -> Event:
            self._on_hand[there] += quantity
            self._free[there] += quantity
            return self._event(EventType.TRANSFER_IN, "wms", there, quantity, document, "1")

        self._later(0, 0, leave)
        self._later(400, 1000, arrive)

    def _return(self) -> None:
        document, position = self._document("RMA"), self._position()
        quantity = self._chance.choice((1, 1, 2))
        sellable = self._chance.random() < 0.85

        def receive() -> Event:
            self._on_hand[position] += quantity
            return self._event(EventType.RETURN_RECEIVED, "wms", position, quantity, document, "1")

        def judge() -> Event:
            if sellable:
                self._free[position] += quantity
                return self._event(EventType.RESTOCK, "wms", position, quantity, document, "1")
            self._on_hand[position] -= quantity
            return self._event(EventType.SCRAP, "wms", position, quantity, document, "1", reason="damaged")

        self._later(0, 0, receive)
        self._later(300, 900, judge)

    def _hold(self) -> None:
        document, position = self._document("QC"), self._position()
        tell = self._event
        self._later(0, 0, lambda: tell(EventType.HOLD, "wms", position, 1, document, "1", reason="inspection"))
        self._later(300, 900, lambda: tell(EventType.RELEASE_HOLD, "wms", position, 1, document, "1"))

    def _adjust(self) -> None:
        document, position = self._document("ADJ"), self._position()
        change = self._chance.choice((-1, -1, 1, 2))

        def adjust() -> Event:
            self._on_hand[position] += change
            self._free[position] += change
            return self._event(EventType.ADJUST, "wms", position, change, document, "1", reason="found")

        self._later(0, 0, adjust)

    def _count(self) -> None:
        document, position = self._document("CNT"), self._position()
        error = self._chance.choice((0, 0, 0, -1, 1))

        def count() -> Event:
            counted = max(self._on_hand[position] + error, 0)
            self._free[position] += counted - self._on_hand[position]
            self._on_hand[position] = counted
            return self._event(EventType.COUNT, "wms", position, counted, document, "1")

        self._later(0, 0, count)

    def _impossible(self) -> Event:
        """More shipped than is there yet, an unknown SKU, or a quantity that cannot be."""
        document, position, kind = self._document("SO"), self._position(), self._chance.random()
        if kind < 0.5:
            return self._shipped_before_received(document, position)
        if kind < 0.8:
            event = self._event(EventType.SHIP, "wms", position, 1, document, "1")
            return replace(event, sku=f"GHOST-{self._told}")
        return self._event(EventType.RECEIPT, "wms", position, -1, document, "1")

    def _shipped_before_received(self, document: str, position: Position) -> Event:
        """A shipment of far more than is there; the receipt that it waits for comes later, and frees it."""
        quantity = self._on_hand[position] + self._chance.randint(5_000, 9_000)
        purchase = self._document("PO")
        self._later(300, 900, lambda: self._event(EventType.RECEIPT, "wms", position, quantity, purchase, "1"))
        return self._event(EventType.SHIP, "wms", position, quantity, document, "1")
