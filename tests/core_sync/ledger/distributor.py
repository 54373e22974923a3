"""A distributor's events by the million: twenty thousand SKUs, few of which sell most, at five locations.

What happens next depends on what is there, which the oracle tells: most events apply, as in life. Some come twice,
late, contradicted, under another id, before the goods they need or the master data that explains them.
"""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from itertools import accumulate, count
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import Connection, text

from core_sync.ledger.events import Event, EventType
from core_sync.master_data.load import bump_version
from tests.builders import MONDAY
from tests.core_sync.ledger.books import Place
from tests.core_sync.ledger.laws import telling_id
from tests.core_sync.ledger.oracle import Oracle

T = EventType
X = TypeVar("X")
SKUS = 20_000
ZIPF_EXPONENT = 1.05
LOCATIONS = {"LEEDS": "strict", "BATH": "strict", "HULL": "strict", "YORK": "lenient", "DEPOT": "strict"}
UNKNOWN_OPENING = "depot"
"""The source that tells of DEPOT, and never told what was there at first."""
NEW_SKUS = [f"NEW-{number}" for number in range(20)]
"""Unknown at first; the catalogue learns them later."""
PACKED = [f"SKU-{number}" for number in range(500)]
"""SKUs that also move in cases."""
CASE = Fraction(12)
NAMED_OTHERWISE = {("shop", f"web-{number}"): f"SKU-{number}" for number in range(300)}
"""What the shop calls some SKUs."""

WEIGHTS = {
    T.RECEIPT: 14, T.SHIP: 20, T.RESERVE: 14, T.RELEASE_RESERVATION: 4, T.ORDER_CANCELLED: 3, T.INBOUND_ANNOUNCED: 5,
    T.PUT_AWAY: 3, T.PICK: 6, T.PACK: 5, T.RETURN_RECEIVED: 3, T.RESTOCK: 2, T.SCRAP: 2, T.HOLD: 2, T.RELEASE_HOLD: 2,
    T.TRANSFER_OUT: 4, T.TRANSFER_IN: 4, T.ADJUST: 3, T.COUNT: 3,
}  # fmt: skip
_OPENS = {T.RESERVE: "SO", T.INBOUND_ANNOUNCED: "PO", T.RETURN_RECEIVED: "RMA", T.TRANSFER_OUT: "TO", T.HOLD: "Q"}
_CLOSES = {
    T.SHIP: T.RESERVE, T.RELEASE_RESERVATION: T.RESERVE, T.ORDER_CANCELLED: T.RESERVE, T.PICK: T.RESERVE,
    T.PACK: T.RESERVE, T.RECEIPT: T.INBOUND_ANNOUNCED, T.RESTOCK: T.RETURN_RECEIVED, T.SCRAP: T.RETURN_RECEIVED,
    T.TRANSFER_IN: T.TRANSFER_OUT, T.RELEASE_HOLD: T.HOLD,
}  # fmt: skip


def an_oracle() -> Oracle:
    """One that knows the distributor's master data, but for what the catalogue learns later."""
    return Oracle(
        telling_id,
        lenient={name for name, control in LOCATIONS.items() if control == "lenient"},
        unknown_opening={UNKNOWN_OPENING},
        skus={f"SKU-{number}" for number in range(SKUS)},
        locations=set(LOCATIONS),
        aliases=dict(NAMED_OTHERWISE),
        packs={(sku, "CS"): CASE for sku in PACKED},
    )


def load_master_data(connection: Connection, oracle: Oracle) -> None:
    """What ``oracle`` knows, for the ledger."""
    for statement, rows in (
        (
            "INSERT INTO sku (sku, base_uom, lot_controlled) VALUES (:sku, 'EA', FALSE)",
            [{"sku": sku} for sku in sorted(oracle.skus)],
        ),
        (
            "INSERT INTO location (location, stock_control) VALUES (:name, :control)",
            [{"name": name, "control": control} for name, control in LOCATIONS.items()],
        ),
        (
            "INSERT INTO source (name, opening, winner, tolerance) VALUES (:name, 'unknown', '', 0)",
            [{"name": UNKNOWN_OPENING}],
        ),
        (
            "INSERT INTO alias (system, external_sku, sku, owner) VALUES (:system, :name, :sku, 'ops')",
            [{"system": system, "name": name, "sku": sku} for (system, name), sku in oracle.aliases.items()],
        ),
        (
            "INSERT INTO unit_of_measure (sku, uom, numerator, denominator) VALUES (:sku, 'CS', 12, 1)",
            [{"sku": sku} for sku in PACKED],
        ),
    ):
        if rows:
            connection.execute(text(statement), rows)
    bump_version(connection)


def learn_new_skus(connection: Connection, oracle: Oracle) -> None:
    """The catalogue learns the SKUs that were unknown at first; what lacked them is to be tried again."""
    oracle.skus |= set(NEW_SKUS)
    statement = "INSERT INTO sku (sku, base_uom, lot_controlled) VALUES (:sku, 'EA', FALSE)"
    connection.execute(text(statement), [{"sku": sku} for sku in NEW_SKUS])
    bump_version(connection)


@dataclass
class Distributor:
    """Tells events one by one; the oracle must have heard each before the next is asked for."""

    oracle: Oracle
    seed: int
    events: int
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _recent: deque[Event] = field(default_factory=lambda: deque(maxlen=20_000))
    _open: dict[EventType, deque[tuple[Place, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._types = self._drawn(list(WEIGHTS), accumulate(WEIGHTS.values()))
        self._skus = self._drawn(range(SKUS), accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, SKUS + 1)))
        self._open = {type: deque(maxlen=3_000) for type in _OPENS}

    def __iter__(self) -> Iterator[Event]:
        """Two in a hundred again, one in a hundred late, one in two hundred that cannot apply as things are."""
        kinds: list[tuple[float, Callable[[float], Event]]] = [
            (0.020, lambda _: self._recently()),
            (0.021, lambda _: self._contradiction()),
            (0.022, lambda _: self._same_fact()),
            (0.027, self._impossible),
            (0.037, lambda hours: self._possible(hours - self._chance.random() * 72)),
            (1.000, self._possible),
        ]
        for number in range(self.events):
            hours = number * 24 * 90 / self.events
            lot = self._chance.random() if self._recent else 1
            event = next(tell for share, tell in kinds if lot <= share)(hours)
            self._recent.append(event)
            yield event

    def _recently(self) -> Event:
        return self._recent[int(len(self._recent) * (1 - self._chance.random() ** 3) * 0.999999)]

    def _contradiction(self) -> Event:
        event = self._recently()
        return replace(event, quantity=event.quantity + 1, event_id=event.event_id)

    def _same_fact(self) -> Event:
        event = self._recently()
        return replace(event, document=event.document or "X", line=event.line or "1", event_id=self._id(event.source))

    def _impossible(self, hours: float) -> Event:
        """Nonsense, a name nobody knows yet, or more than there is."""
        place = self._place("LEEDS", "BATH", "HULL")
        there = self.oracle.stock[place].on_hand if place in self.oracle.stock else 0
        match self._chance.randrange(5):
            case 0:
                return self._event(T.SHIP, place, hours, -1)
            case 1:
                return self._event(T.TRANSFER_OUT, place, hours, 1, to_location=place[1])
            case 2:
                return self._event(T.RECEIPT, (self._chance.choice(NEW_SKUS), *place[1:]), hours, 5)
            case _:
                return self._event(T.SHIP, place, hours, there + self._chance.randint(1, 5))

    def _possible(self, hours: float) -> Event:
        type, place, document = next(self._types), self._place(*LOCATIONS), ""
        waiting = self._open.get(_CLOSES.get(type, type))
        if type in _CLOSES and waiting and self._chance.random() < 0.8:
            place, document = waiting[self._chance.randrange(len(waiting))]
        stock = self.oracle.stock[place]
        quantity = self._chance.randint(1, 6)
        if type in (T.SHIP, T.SCRAP, T.TRANSFER_OUT):
            if stock.on_hand < quantity:
                type, document, quantity = T.RECEIPT, "", self._chance.choice([20, 60, 240])
        elif type is T.RELEASE_HOLD:
            quantity = min(quantity, stock.quality_hold)
        elif type is T.ADJUST:
            quantity = max(quantity - 4, -max(0, stock.on_hand))
        elif type is T.COUNT:
            quantity = max(0, stock.on_hand + self._chance.randint(-2, 2))
        if type in _OPENS:
            return self._opening(type, place, hours, quantity)
        line = str(next(self._numbers)) if document and self._chance.random() < 0.5 else ""
        reservation = document if type is T.SHIP else ""
        return self._event(type, place, hours, quantity, document=document, line=line, reservation_id=reservation)

    def _opening(self, type: EventType, place: Place, hours: float, quantity: int) -> Event:
        """A new order, announcement, transfer, return or hold, which later events refer to."""
        document, to_location = f"{_OPENS[type]}-{next(self._numbers)}", ""
        arrives = place
        if type is T.TRANSFER_OUT:
            to_location = self._chance.choice([name for name in LOCATIONS if name != place[1]])
            arrives = (place[0], to_location, place[2])
        self._open[type].append((arrives, document))
        return self._event(type, place, hours, quantity, document=document, line="1", to_location=to_location)

    def _drawn(self, population: Sequence[X], cumulated: Iterable[float]) -> Iterator[X]:
        """One after another, each as often as its weight says."""
        weights = list(cumulated)
        while True:
            yield from self._chance.choices(population, cum_weights=weights, k=1_000)

    def _place(self, *locations: str) -> Place:
        number = next(self._skus)
        lot = f"L{self._chance.randrange(3)}" if number % 10 == 0 else ""
        return (f"SKU-{number}", self._chance.choice(locations), lot)

    def _event(self, type: EventType, place: Place, hours: float, quantity: int, **said: Any) -> Event:
        sku, location, lot = place
        source = UNKNOWN_OPENING if location == "DEPOT" else self._chance.choice(["wms", "wms", "erp", "shop"])
        if source == "shop" and sku in _WEB_NAMES:
            sku = _WEB_NAMES[sku]
        if type is T.RECEIPT and source == "erp" and sku in _PACKED:
            said["uom"] = "CS"
        moment = MONDAY + timedelta(hours=hours)
        return Event(self._id(source), source, type, moment, sku, location, quantity, lot=lot, **said)

    def _id(self, source: str) -> str:
        """Random for warehouses, in order for others."""
        if source in ("wms", UNKNOWN_OPENING):
            return f"{self._chance.getrandbits(128):032x}"
        return f"{source}-{next(self._numbers):09}"


_WEB_NAMES = {sku: name for (_, name), sku in NAMED_OTHERWISE.items()}
_PACKED = set(PACKED)
