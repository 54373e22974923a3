"""Every term and entry behind a position, now or as of a moment, or behind what a channel may promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from api.shapes import Shape, entry_shape, position_shape
from core_sync.availability.promises import channel_names
from core_sync.availability.promises import explain as explain_promise
from core_sync.availability.rules import Promise, Shortage
from core_sync.errors import NotFound
from core_sync.ledger.entries import EntryPage, Span, entries_of, read_entries
from core_sync.ledger.held import held_at
from core_sync.ledger.history import Clock, PositionAt, positions, positions_at
from core_sync.ledger.open_items import open_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be explained: a SKU, at a location or on a channel, now or as of a moment on one clock.

    ``limit`` entries from ``cursor`` on; without a limit every entry.
    """

    sku: str
    place: str | None = None
    as_of: datetime | None = None
    clock: Clock = Clock.OCCURRED
    cursor: str | None = None
    limit: int | None = None


def explain_place(connection: Connection, asked: Asked, at: datetime) -> Shape:
    """Behind a SKU at a place: a channel's promise (as of now only), else a location's position, else every position.

    Raises:
        NotFound: there is no such SKU in stock, or no channel or location of that name.
        CursorRefused: the cursor is none that we gave out.
    """
    sku, place = asked.sku, asked.place
    channel = place if place is not None and place in channel_names(connection) else None
    location = place if channel is None else None
    found = [position_shape(one) for one in _positions(connection, asked, location)]
    if not found and channel is None:
        raise NotFound("position", sku if location is None else f"{sku} at {location}, nor a channel {location}")
    promise = explain_promise(connection, sku, channel, at) if channel is not None and asked.as_of is None else None
    page = _entries(connection, asked, location)
    return {
        "sku": sku,
        "as_of": asked.as_of or at,
        "clock": asked.clock,
        "promise": promise_shape(promise) if promise is not None else None,
        "positions": found,
        "entries": [entry_shape(entry) for entry in page.items],
        "next_cursor": page.next_cursor,
        "open_items": open_items(connection, sku, location) if asked.as_of is None else [],
        "held": held_at(connection, sku, location),
    }


def _positions(connection: Connection, asked: Asked, location: str | None) -> Iterable[PositionAt]:
    if asked.as_of is None:
        return positions(connection, asked.sku, location)
    return positions_at(connection, asked.as_of, asked.clock, asked.sku, location)


def _entries(connection: Connection, asked: Asked, location: str | None) -> EntryPage:
    span = Span(sku=asked.sku, location=location, moment=asked.as_of, clock=asked.clock)
    if asked.limit is None:
        return EntryPage(list(entries_of(connection, span)), None)
    return read_entries(connection, span, asked.cursor, asked.limit)


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
