"""Every term and entry behind a position, or behind what a channel may promise."""

from datetime import datetime

from sqlalchemy import Connection

from api.shapes import Shape, entry_shape, position_shape
from core_sync.availability.promises import channel_names
from core_sync.availability.promises import explain as explain_promise
from core_sync.availability.rules import Promise, Shortage
from core_sync.errors import NotFound
from core_sync.ledger.history import entries_of, positions


def explain_place(connection: Connection, sku: str, place: str | None, at: datetime) -> Shape:
    """Behind ``sku`` at ``place``: a channel's promise, else a location's position, else every position.

    Raises:
        NotFound: there is no such SKU in stock, or no channel or location of that name.
    """
    channel = place if place is not None and place in channel_names(connection) else None
    location = place if channel is None else None
    found = [position_shape(one) for one in positions(connection, sku, location)]
    if not found and channel is None:
        raise NotFound("position of", sku if location is None else f"{sku} at {location}, nor a channel {location}")
    promise = explain_promise(connection, sku, channel, at) if channel is not None else None
    return {
        "sku": sku,
        "promise": promise_shape(promise) if promise is not None else None,
        "positions": found,
        "entries": [entry_shape(entry) for entry in entries_of(connection, sku, location)],
    }


def promise_shape(promise: Promise) -> Shape:
    """What a channel may promise, term by term."""
    terms = promise.terms
    return {
        "sku": promise.sku,
        "channel": promise.channel,
        "quantity": promise.quantity,
        "available": promise.available,
        "share": terms.share_ten_thousandths / 10_000,
        "buffer": terms.buffer,
        "allotment": terms.allotment,
        "free": promise.free,
        "shortfall": promise.shortfall,
        "withheld": promise.withheld,
        "shortage": shortage_shape(promise.shortage) if promise.shortage is not None else None,
        "rule_version": terms.rule_version,
        "locations": list(promise.locations),
    }


def shortage_shape(shortage: Shortage) -> Shape:
    """Who claims what of a SKU that is short, and what each is granted, in the order in which they take."""
    return {"available": shortage.available, "level": shortage.level, "grants": list(shortage.grants)}
