"""What the ledger decides from, and what it decides: plain values between storage and rules."""

from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import ItemKind

STATE_MAX = 2**62
"""A state beyond this is a mistake, and would soon not fit 64 bits."""

NEWLY_HELD = 2**62
"""Turns from here on are of events held in this batch: they stand behind all that were held before."""

STATES = ("on_hand", "allocated", "quality_hold", "in_transit")


class PositionState(msgspec.Struct, gc=False):
    """The figures of one position while a batch is decided; ``parks`` when it refuses to go negative."""

    on_hand: int = 0
    allocated: int = 0
    quality_hold: int = 0
    in_transit: int = 0
    relative: bool = False
    parks: bool = True
    last_event_at: int | None = None
    last_count_at: int | None = None
    was_negative: bool = False
    """A state was below zero before the batch."""
    has_parked: bool = False
    """Events wait for it, from before the batch."""


class OpenItemState(msgspec.Struct):
    """What is open for one reference; ``owner`` is (document, channel, account)."""

    placed_quantity: int
    open_quantity: int
    placed_at: int
    expires_at: int | None = None
    owner: tuple[str | None, str | None, str | None] = (None, None, None)
    cancelled_at: int | None = None
    item_id: int | None = None
    """Its row; None while it has none."""


class KnownEvent(msgspec.Struct, frozen=True, gc=False):
    """An id the ledger has seen. ``status`` is ``accepted`` or the status of the held event."""

    content: bytes
    status: str
    lacks: str | None = None
    turn: int | None = None
    """Where it stands among the held events: the earlier it was held, the smaller."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The state that would have gone negative: what was asked of it, what was there."""

    state: str
    asked: int
    there: int


@dataclass(slots=True)
class Held:
    """An event kept without stock effect, and why; ``status`` becomes ``applied`` when it is freed."""

    arrival: Arrival
    status: str
    reason: str
    message: str
    shortfall: Shortfall | None = None
    duplicate_of: str | None = None


class Entry(msgspec.Struct, gc=False):
    """One accepted event with its deltas, in whole units."""

    arrival: Arrival
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int
    to_position: int | None
    flags: int


ItemKey: TypeAlias = tuple[int, ItemKind, str]
EventKey: TypeAlias = tuple[int, str]
BusinessKey: TypeAlias = tuple[int, str, str, str, str, str, int]
TwinKey: TypeAlias = tuple[int, str, str, int, int]


@dataclass
class Knowledge:
    """Everything the batch touches, as it stands before the batch."""

    known: dict[EventKey, KnownEvent] = field(default_factory=dict)
    positions: dict[int, PositionState] = field(default_factory=dict)
    items: dict[ItemKey, OpenItemState] = field(default_factory=dict)
    without_lot: dict[tuple[str, str], int] = field(default_factory=dict)
    """Positions without a lot by SKU and location, where a movement that names a lot may draw on a reservation."""
    corrections: int = 0
    """The key of the source under which our own entries stand, where some may be needed."""
    holds: dict[int, set[str]] = field(default_factory=dict)
    """References with a hold item, by position: ``release_hold`` may draw from any of them."""
    parked: dict[int, list[Arrival]] = field(default_factory=dict)
    """What waits for a position, where something in the batch may free it."""
    movements: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """(occurred_at, what it does to on hand by itself) of a position's movements, where a count may need them."""
    business_keys: dict[BusinessKey, str] = field(default_factory=dict)
    twins: set[TwinKey] = field(default_factory=set)
    corrected: set[tuple[EventKey, bytes]] = field(default_factory=set)
    """What was said first of events that were corrected since, with the content of then."""
    relative_sources: frozenset[int] = frozenset()
    """Sources whose opening stock is unknown: negativity of what they move means nothing."""


@dataclass
class Decision:
    """What is to be written, and what is to be said."""

    entries: list[Entry] = field(default_factory=list)
    held: dict[EventKey, Held] = field(default_factory=dict)
    freed: list[EventKey] = field(default_factory=list)
    """Held before this batch, applied in it."""
    corrected: list[tuple[EventKey, bytes]] = field(default_factory=list)
    """Events that came again, mended, with the content they had before."""
    relieved: list[EventKey] = field(default_factory=list)
    """Held for lack of master data or a decision, now applied or waiting for stock alone."""
    conflicts: list[Arrival] = field(default_factory=list)
    duplicates: list[Arrival] = field(default_factory=list)
    repeated: int = 0
    further_parts: int = 0
    """Entries that are further components of events counted already."""
    touched_items: set[ItemKey] = field(default_factory=set)
    dated_items: set[ItemKey] = field(default_factory=set)
    """Those of them whose expiry or cancellation changed."""
    counted: set[int] = field(default_factory=set)
    """Positions whose newest count changed."""
    made_relative: set[int] = field(default_factory=set)
    """Positions that a source with unknown opening stock moved for the first time."""

    def touched_positions(self) -> set[int]:
        """Positions that an entry moved, at either end."""
        touched = {entry.arrival.position for entry in self.entries}
        touched.update(entry.to_position for entry in self.entries if entry.to_position is not None)
        return touched
