"""The kinds of expectation, as data: what begins, meets and ends one, and its time before any is learned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from core_sync.ledger.events import EventType


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One kind of thing that must follow.

    Args:
        kind: its name.
        began: how people call what begins it. ``missing``: what they miss when it does not come.
        begun_by: events that begin it. ``met_by``: events that meet it. ``ended_by``: events after which nobody
            expects it any more. All of one document, SKU and location; of one line, where lines are told.
        at_destination: it is expected where the event was sent to, not where it happened.
        in_units: it is met when as many units came as began it; else by the first.
        of_document: it is expected for a document as a whole, whatever SKU and location.
        longest: how long it may take while nothing is known; None: nothing is expected until something is learned.
        in_working_time: its time is counted while the place works; else by the clock. Of ``SENT_TO_VISIBLE`` the
            channel itself says how long it may take before that is learned.
    """

    kind: str
    began: str
    missing: str
    longest: timedelta | None
    begun_by: frozenset[EventType] = frozenset()
    met_by: frozenset[EventType] = frozenset()
    ended_by: frozenset[EventType] = frozenset()
    at_destination: bool = False
    in_units: bool = False
    of_document: bool = False
    in_working_time: bool = True


PICK_TO_SHIP = Expectation(
    kind="pick_to_ship",
    began="the pick",
    missing="shipment",
    begun_by=frozenset({EventType.PICK, EventType.PACK}),
    met_by=frozenset({EventType.SHIP}),
    ended_by=frozenset({EventType.ORDER_CANCELLED, EventType.RELEASE_RESERVATION}),
    longest=timedelta(hours=16),
)
ANNOUNCED_TO_RECEIPT = Expectation(
    kind="announced_to_receipt",
    began="the announcement",
    missing="receipt",
    begun_by=frozenset({EventType.INBOUND_ANNOUNCED}),
    met_by=frozenset({EventType.RECEIPT}),
    longest=timedelta(hours=240),
)
RETURN_TO_DECISION = Expectation(
    kind="return_to_decision",
    began="the return",
    missing="restock, hold or scrap",
    begun_by=frozenset({EventType.RETURN_RECEIVED}),
    met_by=frozenset({EventType.RESTOCK, EventType.SCRAP, EventType.HOLD, EventType.RELEASE_HOLD}),
    in_units=True,
    longest=timedelta(hours=40),
)
TRANSFER_TO_ARRIVAL = Expectation(
    kind="transfer_to_arrival",
    began="the transfer",
    missing="arrival",
    begun_by=frozenset({EventType.TRANSFER_OUT}),
    met_by=frozenset({EventType.TRANSFER_IN}),
    at_destination=True,
    in_units=True,
    longest=timedelta(hours=30),
)
ORDER_TO_RESERVE = Expectation(
    kind="order_to_reserve",
    began="the order",
    missing="reservation",
    met_by=frozenset({EventType.RESERVE, EventType.SHIP}),
    ended_by=frozenset({EventType.ORDER_CANCELLED}),
    of_document=True,
    longest=timedelta(hours=4),
    in_working_time=False,
)
"""Begun by an order that its system tells as open, not by an event."""

SENT_TO_VISIBLE = Expectation(
    kind="sent_to_visible", began="the push", missing="figure on the channel", longest=None, in_working_time=False
)
SOURCE_SPEAKS = Expectation(
    kind="source_speaks", began="the last word", missing="word", longest=None, in_working_time=True
)

STOCK_SELLS = Expectation(
    kind="stock_sells", began="the last sale", missing="sale", longest=None, in_working_time=False
)
"""By what else is sold; see ``sales``."""

PLACE_SHIPS = Expectation(kind="place_ships", began="the day", missing="shipments", longest=None, in_working_time=False)
"""As much on a day as on the same weekdays before."""

BY_VOLUME = (STOCK_SELLS.kind, PLACE_SHIPS.kind)
"""Of these nobody can set a length."""

COUNT_DUE = Expectation(kind="count_due", began="the last count", missing="count", longest=None, in_working_time=False)
"""Expected where somebody says how often stock is counted."""

KINDS: Mapping[str, Expectation] = MappingProxyType(
    {
        one.kind: one
        for one in (
            PICK_TO_SHIP,
            ANNOUNCED_TO_RECEIPT,
            RETURN_TO_DECISION,
            TRANSFER_TO_ARRIVAL,
            ORDER_TO_RESERVE,
            SENT_TO_VISIBLE,
            SOURCE_SPEAKS,
            STOCK_SELLS,
            PLACE_SHIPS,
            COUNT_DUE,
        )
    }
)
"""Every kind, by name."""


def _by_event(events: Iterable[tuple[Expectation, frozenset[EventType]]]) -> Mapping[str, tuple[Expectation, ...]]:
    found: dict[str, tuple[Expectation, ...]] = {}
    for kind, types in events:
        for type_ in types:
            found[str(type_)] = (*found.get(str(type_), ()), kind)
    return MappingProxyType(found)


BEGUN_BY = _by_event((kind, kind.begun_by) for kind in KINDS.values())
MET_BY = _by_event((kind, kind.met_by) for kind in KINDS.values())
ENDED_BY = _by_event((kind, kind.ended_by) for kind in KINDS.values())
EVENT_TYPES: tuple[str, ...] = tuple(sorted({*BEGUN_BY, *MET_BY, *ENDED_BY}))
"""Types of ledger entries that any expectation looks at."""
