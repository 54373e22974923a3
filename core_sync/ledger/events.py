"""The vocabulary of stock movements: what may happen to a position, and what each does.

The effect of each type is the table of ``EFFECTS``; GS1 EPCIS 2.0 business steps stand beside
(https://ref.gs1.org/cbv/BizStep). Quantities are whole stock-keeping units and never negative: the
type gives the direction. ``adjust`` alone is signed, ``count`` alone is absolute.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

import msgspec

QUANTITY_MAX = 10**15
"""Largest quantity of one event, in stock-keeping units: far above trade, far below 64 bits."""

NOTHING: Mapping[str, str] = MappingProxyType({})

CORRECTIONS = "stocktriage"
"""The source under which our own entries stand."""

KIT = "stocktriage.kit"
"""Attribute of an event about one component of a kit: the kit that its source named."""

PARTS = "stocktriage.parts"
"""Attribute of the event about a kit's first component: the ids of those about the others, as a JSON list."""


class EventType(StrEnum):
    """Every kind of movement the ledger knows."""

    INBOUND_ANNOUNCED = "inbound_announced"
    RECEIPT = "receipt"
    PUT_AWAY = "put_away"
    PICK = "pick"
    PACK = "pack"
    RESERVE = "reserve"
    RELEASE_RESERVATION = "release_reservation"
    ORDER_CANCELLED = "order_cancelled"
    SHIP = "ship"
    RETURN_RECEIVED = "return_received"
    RESTOCK = "restock"
    SCRAP = "scrap"
    HOLD = "hold"
    RELEASE_HOLD = "release_hold"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    ADJUST = "adjust"
    COUNT = "count"


EPCIS_BUSINESS_STEP: Mapping[EventType, str] = MappingProxyType(
    {
        EventType.INBOUND_ANNOUNCED: "departing",
        EventType.RECEIPT: "receiving",
        EventType.PUT_AWAY: "storing",
        EventType.PICK: "picking",
        EventType.PACK: "packing",
        EventType.RESERVE: "reserving",
        EventType.RELEASE_RESERVATION: "reserving",
        EventType.ORDER_CANCELLED: "reserving",
        EventType.SHIP: "shipping",
        EventType.RETURN_RECEIVED: "receiving",
        EventType.RESTOCK: "stocking",
        EventType.SCRAP: "destroying",
        EventType.HOLD: "holding",
        EventType.RELEASE_HOLD: "inspecting",
        EventType.TRANSFER_OUT: "departing",
        EventType.TRANSFER_IN: "arriving",
        EventType.ADJUST: "cycle_counting",
        EventType.COUNT: "stock_taking",
    }
)


class Event(msgspec.Struct, frozen=True, gc=False):
    """One canonical stock movement, as a source tells it.

    ``quantity`` is in the SKU's stock-keeping unit; ``occurred_at`` is the source's clock, aware and
    in UTC. ``reservation_id`` (else ``document``) names the reservation; ``document`` names the
    announcement, transfer or return. ``attributes`` keeps the columns nobody asked for. A struct, because
    millions are made: a frozen dataclass takes ten times as long.
    """

    event_id: str
    source: str
    type: EventType
    occurred_at: datetime
    sku: str
    location: str
    quantity: int
    uom: str = ""
    lot: str = ""
    document: str = ""
    line: str = ""
    channel: str = ""
    account: str = ""
    reservation_id: str = ""
    to_location: str = ""
    expires_at: datetime | None = None
    unit_price: Decimal | None = None
    reason: str = ""
    attributes: Mapping[str, str] = NOTHING

    @property
    def reservation(self) -> str:
        """The name under which this event's reservation is kept; empty where the source gave none."""
        return self.reservation_id or self.document
