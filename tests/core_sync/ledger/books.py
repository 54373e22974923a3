"""What the oracle keeps of each place, in the plainest form, and what one event does: the design's table again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from core_sync.ledger.events import Event, EventType

Name = tuple[str, str]
"""Source and id of an event."""
Place = tuple[str, str, str]
"""SKU, location and lot."""
T = EventType


@dataclass(slots=True)
class Stock:
    """The four states of one place, and what its on hand is made of."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0
    relative: bool = False
    newest: datetime | None = None
    counts: list[tuple[datetime, int, int]] = field(default_factory=list)
    """When, in which order told, how many; sorted."""
    moves: list[tuple[datetime, int]] = field(default_factory=list)
    """When, and by how much on hand moved; sorted."""

    def happened(self, moment: datetime) -> None:
        """Something was entered here that happened at ``moment``."""
        self.newest = moment if self.newest is None else max(self.newest, moment)

    def as_counted(self) -> int:
        """On hand: the last count, and every movement after it."""
        if not self.counts:
            return sum(change for _, change in self.moves)
        moment, _, found = self.counts[-1]
        return found + self.moved_after(moment)

    def moved_after(self, moment: datetime) -> int:
        """What moved on hand later than ``moment``."""
        moved = 0
        for at, change in reversed(self.moves):
            if at <= moment:
                break
            moved += change
        return moved


@dataclass(slots=True)
class Claim:
    """What is still reserved, under way or held for one reference, and since when that reference is known."""

    still: int
    since: datetime


class Change(NamedTuple):
    """What happens to the four states; ``transit`` where the goods are going."""

    hand: int = 0
    allocated: int = 0
    hold: int = 0
    transit: int = 0


class Movement(NamedTuple):
    """An event in our own terms."""

    event: Event
    place: Place
    there: Place
    quantity: int
    translated: bool

    @property
    def name(self) -> Name:
        """Source and id."""
        return (self.event.source, self.event.event_id)

    @property
    def arrives(self) -> Place:
        """Where what is in transit is going."""
        return self.there if self.event.type is T.TRANSFER_OUT else self.place

    @property
    def fact(self) -> tuple[object, ...] | None:
        """What makes two events one business fact; nothing does where document or line is not given."""
        event, (sku, location, _) = self.event, self.place
        if not (event.document and event.line):
            return None
        return (event.source, event.type, event.document, event.line, sku, location, self.quantity)


class Entry(NamedTuple):
    """An accepted movement and what it does by itself, whatever was counted later."""

    movement: Movement
    change: Change
    order: int


def reference(event: Event) -> str:
    """What the event's reservation, announcement, transfer, return or hold goes by."""
    return (event.reservation_id or event.document) if event.type in _OF_ORDERS else event.document


def other_claims(event: Event, place: Place) -> list[tuple[Place, str]]:
    """Where an order's movement draws beyond its own reservation, in turn: the same without a lot, then its account's
    allotment, in the lot and without one.
    """
    sku, location, lot = place
    without_lot = (sku, location, "")
    others: list[tuple[Place, str]] = []
    if lot and event.type in (T.SHIP, T.RELEASE_RESERVATION, T.ORDER_CANCELLED):
        others.append((without_lot, reference(event)))
    allotment = f"allotment:{event.account}"
    if event.account and event.type in (T.SHIP, T.RESERVE) and reference(event) != allotment:
        others += [(place, allotment), *([(without_lot, allotment)] if lot else [])]
    return others


def claim_kind(type: EventType) -> str | None:
    """Of which claims the type draws at most what is open; None for a type that does not ask."""
    return _DRAWN.get(type)


def change_of(type: EventType, q: int, still: int) -> Change:  # noqa: C901 - the table: one case a line
    """What ``q`` of ``type`` do, when ``still`` is open for the event's reference; a count does nothing by itself."""
    drawn = min(q, still)
    match type:
        case T.RECEIPT | T.TRANSFER_IN:
            return Change(hand=q, transit=-drawn)
        case T.SHIP:
            return Change(hand=-q, allocated=-drawn)
        case T.RESERVE:
            return Change(allocated=q)
        case T.RELEASE_RESERVATION:
            return Change(allocated=-drawn)
        case T.ORDER_CANCELLED:
            return Change(allocated=-still)
        case T.INBOUND_ANNOUNCED:
            return Change(transit=q)
        case T.TRANSFER_OUT:
            return Change(hand=-q, transit=q)
        case T.RETURN_RECEIVED:
            return Change(hand=q, hold=q)
        case T.RESTOCK:
            return Change(hand=q - drawn, hold=-drawn)
        case T.SCRAP:
            return Change(hand=-q, hold=-drawn)
        case T.HOLD:
            return Change(hold=q)
        case T.RELEASE_HOLD:
            return Change(hold=-q)
        case T.ADJUST:
            return Change(hand=q)
        case T.PUT_AWAY | T.PICK | T.PACK | T.COUNT:
            return Change()


_OF_ORDERS = (T.RESERVE, T.RELEASE_RESERVATION, T.ORDER_CANCELLED, T.SHIP)
_DRAWN = {
    **dict.fromkeys((T.RECEIPT, T.TRANSFER_IN), "way"),
    **dict.fromkeys((T.RELEASE_RESERVATION, T.ORDER_CANCELLED, T.SHIP), "order"),
    **dict.fromkeys((T.RESTOCK, T.SCRAP), "hold"),
}
