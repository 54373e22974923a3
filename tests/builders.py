"""Stock in the trade's words, for tests: a sale, a receipt, a count."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from core_sync.ledger.events import Event, EventType

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The moment at which the tests' week begins."""

_numbers: Iterator[int] = count(1)


def an_event(type: EventType, quantity: int, *, hours: float = 0, **said: Any) -> Event:
    """An event of the WMS about mugs in Leeds, ``hours`` after Monday morning, with an id of its own."""
    said.setdefault("event_id", f"e{next(_numbers)}")
    said.setdefault("source", "wms")
    said.setdefault("sku", "MUG")
    said.setdefault("location", "LEEDS")
    return Event(type=type, quantity=quantity, occurred_at=MONDAY + timedelta(hours=hours), **said)


def a_receipt(quantity: int, **said: Any) -> Event:
    """Goods come in."""
    return an_event(EventType.RECEIPT, quantity, **said)


def a_shipment(quantity: int, **said: Any) -> Event:
    """Goods go out."""
    return an_event(EventType.SHIP, quantity, **said)


def a_count(quantity: int, **said: Any) -> Event:
    """Somebody counted."""
    return an_event(EventType.COUNT, quantity, **said)


def a_reservation(quantity: int, **said: Any) -> Event:
    """Goods are promised to an order."""
    return an_event(EventType.RESERVE, quantity, **said)
