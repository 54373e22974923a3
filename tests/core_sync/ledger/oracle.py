"""The ledger's rules told a second time, one event at a time, slowly: what the real one is compared with.

Written from the design alone. Nothing here is shared with the code under test but the event itself.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from core_sync.ledger.events import Event, EventType

Place = tuple[str, str, str]
T = EventType


@dataclass
class Stock:
    """The four states of one SKU at one location in one lot."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0


@dataclass
class Oracle:
    """Every event's end, by source and id; every position; every movement of on hand with its time."""

    lenient: frozenset[str]
    stock: dict[Place, Stock] = field(default_factory=lambda: defaultdict(Stock))
    ends: dict[tuple[str, str], str] = field(default_factory=dict)
    tellings: Counter[str] = field(default_factory=Counter)
    _said: dict[tuple[str, str], Event] = field(default_factory=dict)
    _facts: dict[tuple[object, ...], str] = field(default_factory=dict)
    _open: Counter[tuple[Place, str, str]] = field(default_factory=Counter)
    _moves: dict[Place, list[tuple[datetime, int]]] = field(default_factory=lambda: defaultdict(list))
    _counted: dict[Place, datetime] = field(default_factory=dict)
    _waiting: list[Event] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """One event, and whatever it frees."""
        name = (event.source, event.event_id)
        if name in self._said:
            self.tellings["duplicate" if self._said[name] == event else "conflict"] += 1
            return
        self._said[name] = event
        if event.quantity < 0 and event.type is not T.ADJUST:
            self.ends[name] = "refused"
            return
        if event.type is T.TRANSFER_OUT and event.to_location in ("", event.location):
            self.ends[name] = "refused"
            return
        if event.document and event.line:
            fact = (event.source, event.type, event.document, event.line, event.sku, event.location, event.quantity)
            if fact in self._facts:
                self.ends[name] = "suspected_duplicate"
                return
            self._facts[fact] = event.event_id
        if not self._try(event):
            self.ends[name] = "parked"
            self._waiting.append(event)
            return
        self._free(_place(event))

    def _free(self, place: Place) -> None:
        for waiting in [event for event in self._waiting if _place(event) == place]:
            if self._try(waiting):
                self._waiting.remove(waiting)
                self._free(place)
                return

    def _try(self, event: Event) -> bool:
        place, q, kind = _place(event), event.quantity, event.type
        there = (event.sku, event.to_location, event.lot)
        stock, counted = self.stock[place], self._counted.get(place)
        before = counted is not None and event.occurred_at <= counted
        name = event.reservation_id or event.document
        reserved = min(q, self._open[place, "reserved", name])
        under_way = min(q, self._open[place, "under way", event.document])
        held = min(q, self._open[place, "held", event.document])
        hand, allocated, hold, transit = 0, 0, 0, 0
        if kind is T.COUNT:
            if counted is None or event.occurred_at >= counted:
                since = sum(moved for moment, moved in self._moves[place] if moment > event.occurred_at)
                hand, before = q + since - stock.on_hand, False
        else:
            all_reserved = self._open[place, "reserved", name]
            hand, allocated, hold, transit = _changes(kind, q, reserved, all_reserved, under_way, held)
        if before:
            hand = 0
        for figure, change in ((stock.on_hand, hand), (stock.quality_hold, hold)):
            if change < 0 and figure + change < 0 and event.location not in self.lenient:
                return False
        stock.on_hand += hand
        stock.allocated += allocated
        stock.quality_hold += hold
        stock.in_transit += transit
        self._open[place, "reserved", name] += allocated
        self._open[place, "under way", event.document] += transit
        if kind is T.TRANSFER_OUT:
            self.stock[there].in_transit += q
            self._open[there, "under way", event.document] += q
        self._open[place, "held", event.document] += hold
        self._moves[place].append((event.occurred_at, hand))
        if kind is T.COUNT and (counted is None or event.occurred_at >= counted):
            self._counted[place] = event.occurred_at
        self.ends[event.source, event.event_id] = "accepted"
        return True


def _changes(
    kind: EventType, q: int, reserved: int, all_reserved: int, under_way: int, held: int
) -> tuple[int, int, int, int]:
    """On hand, allocated, quality hold and in transit (here): the effect table; a draw is at most ``q``."""
    return {
        T.INBOUND_ANNOUNCED: (0, 0, 0, q),
        T.RECEIPT: (q, 0, 0, -under_way),
        T.PUT_AWAY: (0, 0, 0, 0),
        T.PICK: (0, 0, 0, 0),
        T.PACK: (0, 0, 0, 0),
        T.RESERVE: (0, q, 0, 0),
        T.RELEASE_RESERVATION: (0, -reserved, 0, 0),
        T.ORDER_CANCELLED: (0, -all_reserved, 0, 0),
        T.SHIP: (-q, -reserved, 0, 0),
        T.RETURN_RECEIVED: (q, 0, q, 0),
        T.RESTOCK: (q - held, 0, -held, 0),
        T.SCRAP: (-q, 0, -held, 0),
        T.HOLD: (0, 0, q, 0),
        T.RELEASE_HOLD: (0, 0, -q, 0),
        T.TRANSFER_OUT: (-q, 0, 0, 0),  # and in transit where it goes
        T.TRANSFER_IN: (q, 0, 0, -under_way),
        T.ADJUST: (q, 0, 0, 0),
    }[kind]


def _place(event: Event) -> Place:
    return (event.sku, event.location, event.lot)
