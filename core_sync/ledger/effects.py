"""What each event type does to a position: the effect table, pure."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from core_sync.ledger.events import EventType


class ItemKind(StrEnum):
    """What can stay open for a reference."""

    RESERVATION = "reservation"
    TRANSIT = "transit"
    HOLD = "hold"


class Flag:
    """What was remarkable about an accepted event: bits of a plain whole number, for speed."""

    NONE = 0
    LATE = 1
    """It occurred before something already applied to its position."""
    REPEATED = 2
    """An equal movement without a line number stands in the same document; both count."""
    ABSORBED = 4
    """A later count already contains what it did to on hand."""
    RELEASED = 8
    """It was held, and applied when its position or master data allowed."""
    DECIDED = 16
    """A person decided that it applies."""
    MAPPED = 32
    """Its SKU, location or unit was translated by master data."""
    REVERSAL = 64
    """It takes back an earlier entry."""
    DRAWN = 128
    """It draws on a reservation for another entry: one without a lot, or an allotment."""


SIGN = f"(CASE WHEN l.flags & {Flag.REVERSAL} = 0 THEN 1 ELSE -1 END)"
"""SQL: 1 for the entry ``l``, -1 where it takes back another."""


def flag_names(flags: int) -> list[str]:
    """The names of the bits set in ``flags``."""
    return [name.lower() for name, bit in vars(Flag).items() if name.isupper() and flags & bit]


Deltas: TypeAlias = tuple[int, int, int, int]
"""What is added to on hand, allocated, quality hold and in transit, in whole units."""

NO_EFFECT: Deltas = (0, 0, 0, 0)

ITEM_OF: Mapping[EventType, ItemKind] = MappingProxyType(
    {
        EventType.INBOUND_ANNOUNCED: ItemKind.TRANSIT,
        EventType.RECEIPT: ItemKind.TRANSIT,
        EventType.TRANSFER_OUT: ItemKind.TRANSIT,
        EventType.TRANSFER_IN: ItemKind.TRANSIT,
        EventType.RESERVE: ItemKind.RESERVATION,
        EventType.RELEASE_RESERVATION: ItemKind.RESERVATION,
        EventType.ORDER_CANCELLED: ItemKind.RESERVATION,
        EventType.SHIP: ItemKind.RESERVATION,
        EventType.RETURN_RECEIVED: ItemKind.HOLD,
        EventType.RESTOCK: ItemKind.HOLD,
        EventType.SCRAP: ItemKind.HOLD,
        EventType.HOLD: ItemKind.HOLD,
        EventType.RELEASE_HOLD: ItemKind.HOLD,
    }
)
"""Which kind of open item an event type adds to or draws from."""


EFFECTS: Mapping[EventType, Callable[[int, int], Deltas]] = MappingProxyType(
    {
        EventType.INBOUND_ANNOUNCED: lambda q, under_way: (0, 0, 0, q),
        EventType.RECEIPT: lambda q, under_way: (q, 0, 0, -min(q, under_way)),
        EventType.PUT_AWAY: lambda q, _: NO_EFFECT,
        EventType.PICK: lambda q, _: NO_EFFECT,
        EventType.PACK: lambda q, _: NO_EFFECT,
        EventType.RESERVE: lambda q, reserved: (0, q, 0, 0),
        EventType.RELEASE_RESERVATION: lambda q, reserved: (0, -min(q, reserved), 0, 0),
        EventType.ORDER_CANCELLED: lambda q, reserved: (0, -reserved, 0, 0),
        EventType.SHIP: lambda q, reserved: (-q, -min(q, reserved), 0, 0),
        EventType.RETURN_RECEIVED: lambda q, held: (q, 0, q, 0),
        EventType.RESTOCK: lambda q, held: (q - min(q, held), 0, -min(q, held), 0),
        EventType.SCRAP: lambda q, held: (-q, 0, -min(q, held), 0),
        EventType.HOLD: lambda q, held: (0, 0, q, 0),
        EventType.RELEASE_HOLD: lambda q, held: (0, 0, -q, 0),
        EventType.TRANSFER_OUT: lambda q, _: (-q, 0, 0, q),
        EventType.TRANSFER_IN: lambda q, under_way: (q, 0, 0, -min(q, under_way)),
        EventType.ADJUST: lambda q, _: (q, 0, 0, 0),
    }
)
"""What quantity ``q`` of each type does, given what is still open for the event's reference.

What ``transfer_out`` puts in transit lies at its destination. ``count`` is not here: what it does
depends on every movement after its moment.
"""
