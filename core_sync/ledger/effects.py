"""What each event type does to a position: the effect table, pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

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


def flag_names(flags: int) -> list[str]:
    """The names of the bits set in ``flags``."""
    return [name.lower() for name, bit in vars(Flag).items() if name.isupper() and flags & bit]


@dataclass(frozen=True, slots=True)
class Effect:
    """Deltas in whole units; ``in_transit`` lies at the destination where ``at_destination`` is set."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0
    at_destination: bool = False


NO_EFFECT = Effect()

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


EFFECTS: Mapping[EventType, Callable[[int, int], Effect]] = MappingProxyType(
    {
        EventType.INBOUND_ANNOUNCED: lambda q, under_way: Effect(in_transit=q),
        EventType.RECEIPT: lambda q, under_way: Effect(on_hand=q, in_transit=-min(q, under_way)),
        EventType.PUT_AWAY: lambda q, _: NO_EFFECT,
        EventType.PICK: lambda q, _: NO_EFFECT,
        EventType.PACK: lambda q, _: NO_EFFECT,
        EventType.RESERVE: lambda q, reserved: Effect(allocated=q),
        EventType.RELEASE_RESERVATION: lambda q, reserved: Effect(allocated=-min(q, reserved)),
        EventType.ORDER_CANCELLED: lambda q, reserved: Effect(allocated=-reserved),
        EventType.SHIP: lambda q, reserved: Effect(on_hand=-q, allocated=-min(q, reserved)),
        EventType.RETURN_RECEIVED: lambda q, held: Effect(on_hand=q, quality_hold=q),
        EventType.RESTOCK: lambda q, held: Effect(on_hand=q - min(q, held), quality_hold=-min(q, held)),
        EventType.SCRAP: lambda q, held: Effect(on_hand=-q, quality_hold=-min(q, held)),
        EventType.HOLD: lambda q, held: Effect(quality_hold=q),
        EventType.RELEASE_HOLD: lambda q, held: Effect(quality_hold=-q),
        EventType.TRANSFER_OUT: lambda q, _: Effect(on_hand=-q, in_transit=q, at_destination=True),
        EventType.TRANSFER_IN: lambda q, under_way: Effect(on_hand=q, in_transit=-min(q, under_way)),
        EventType.ADJUST: lambda q, _: Effect(on_hand=q),
    }
)
"""What quantity ``q`` of each type does, given what is still open for the event's reference.

``count`` is not here: what it does depends on every movement after its moment.
"""
