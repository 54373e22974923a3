"""An event on its way into the ledger: what the source said, and what master data makes of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.ledger.effects import Flag
from core_sync.ledger.events import Event, EventType

_EVENT_FIELDS = Event.__struct_fields__


@dataclass(frozen=True, slots=True)
class Lack:
    """Master data that an event needs and nobody has given: ``kind`` is sku, location or uom.

    ``sku`` is ours where it is known all the same.
    """

    kind: str
    name: str
    message: str
    sku: str = ""


class Arrival(msgspec.Struct, gc=False):
    """One event with the keys under which the ledger keeps it.

    ``position`` and ``destination`` are position ids, ``quantity`` is in stock-keeping units;
    ``lack`` says what keeps it from having a position at all. A struct, because it is made for each
    event, in a quarter of a dataclass's time.
    """

    event: Event
    source_id: int
    content: bytes
    occurred_at: int
    recorded_at: int
    sku: str = ""
    location: str = ""
    to_location: str = ""
    quantity: int = 0
    position: int = 0
    destination: int = 0
    flags: int = Flag.NONE
    lack: Lack | None = None
    file: str | None = None
    row: int | None = None
    turn: int = 0
    """Its turn among those that wait for a position."""
    told: Event | None = None
    """What the source said, where that names a kit and this is its first component."""
    part_of: str = ""
    """The id of the event that names the kit, where this is one of its further components."""
    share: int | None = None
    """Whose it is, where a batch is of several callers."""


def content_digest(event: Event, occurred_at: int) -> bytes:
    """128 bits over everything the source said; two tellings of one event agree on it."""
    price = event.unit_price
    told = (
        event.type, occurred_at, event.sku, event.location, event.quantity, event.uom, event.lot, event.document,
        event.line, event.channel, event.account, event.reservation_id, event.to_location, event.expires_at,
        price.normalize() if price is not None else None, event.reason,
    )  # fmt: skip
    return blake2b(_encoded(told), digest_size=16).digest()


_encoded = msgspec.msgpack.Encoder().encode


def first_content_digest(event: Event) -> bytes:
    """The digest that entries of the first schema carry; they are still known by it when they come again."""
    told = (
        event.type,
        event.occurred_at.isoformat(),
        event.sku,
        event.location,
        str(event.quantity),
        event.uom,
        event.lot,
        event.document,
        event.line,
        event.channel,
        event.account,
        event.reservation_id,
        event.to_location,
        event.expires_at.isoformat() if event.expires_at else "",
        str(event.unit_price.normalize()) if event.unit_price is not None else "",
        event.reason,
    )
    return blake2b("\x1f".join(told).encode(), digest_size=16).digest()


def to_payload(event: Event) -> str:
    """The whole event as JSON, to be kept while it is held."""
    shown: dict[str, Any] = {name: getattr(event, name) for name in _EVENT_FIELDS}
    shown["occurred_at"] = to_microseconds(event.occurred_at)
    shown["expires_at"] = to_microseconds(event.expires_at) if event.expires_at else None
    shown["unit_price"] = str(event.unit_price) if event.unit_price is not None else None
    shown["attributes"] = dict(event.attributes)
    return msgspec.json.encode(shown).decode()


def from_payload(payload: str) -> Event:
    """The event that ``to_payload`` kept."""
    told: dict[str, Any] = msgspec.json.decode(payload)
    told["type"] = EventType(told["type"])
    told["occurred_at"] = from_microseconds(told["occurred_at"])
    told["expires_at"] = _moment(told["expires_at"])
    told["unit_price"] = Decimal(told["unit_price"]) if told["unit_price"] is not None else None
    return Event(**told)


def _moment(microseconds: int | None) -> datetime | None:
    return from_microseconds(microseconds) if microseconds is not None else None
