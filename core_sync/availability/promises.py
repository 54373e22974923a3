"""Promises read from the tables: many at once as plain numbers, or one with every term.

Positions whose opening stock is unknown tell differences only, so they promise nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from core_sync.availability.books import Books, Terms, read_books, read_terms
from core_sync.availability.books import terms_of as terms_of
from core_sync.availability.kits import Kits, kits_behind
from core_sync.availability.rules import KitPart, LocationStock, Promise, SellingChannel, promises_of
from core_sync.availability.rules import promised_quantities as quantities_of
from core_sync.availability.selling import selling_channels
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound

_WANTED = {
    "sqlite": "SELECT value AS sku FROM json_each(:skus)",
    "postgresql": "SELECT value AS sku FROM json_array_elements_text(CAST(:skus AS json))",
}


class PromisedQuantity(NamedTuple):
    """One channel's promise of one SKU as a plain number; there may be a million of them at once."""

    channel: str
    sku: str
    quantity: int


def channel_names(connection: Connection) -> tuple[str, ...]:
    """Every channel, the one with the first priority first."""
    return tuple(connection.execute(text("SELECT channel FROM channel ORDER BY priority, channel")).scalars())


def promised_quantities(
    connection: Connection,
    skus: Collection[str],
    at: datetime,
    channels: Sequence[SellingChannel] | None = None,
    kits: Kits | None = None,
) -> Iterator[PromisedQuantity]:
    """What each channel may promise of each of ``skus`` at ``at``, and of the kits made of them.

    SKUs without known stock are left out. ``channels`` is every channel, ``kits`` the kits behind ``skus``, where the
    caller has read them already.
    """
    bulk = Bulk(connection)
    selling = selling_channels(connection) if channels is None else channels
    behind = kits_behind(bulk, skus, at) if kits is None else kits
    wanted = {*skus, *behind.parts} if behind.parts else skus
    books = read_books(bulk, wanted, at, selling, behind)
    usual = terms_of("", selling, books.terms)
    own = {sku for _, sku in books.terms if sku}
    names = [one.channel for one in selling]
    asked = set(wanted) if behind.parts else None
    for sku, places in books.available().items():
        if asked is not None and sku not in asked:
            continue  # a component that only its kit was asked for
        rules = terms_of(sku, selling, books.terms) if sku in own else usual
        for channel, quantity in zip(names, quantities_of(places, selling, rules), strict=True):
            yield PromisedQuantity(channel, sku, quantity)


def explain(connection: Connection, sku: str, channel: str, at: datetime) -> Promise:
    """The promise of one SKU on one channel, with every term behind it.

    Raises:
        NotFound: there is no such channel.
    """
    selling = selling_channels(connection)
    if channel not in {one.channel for one in selling}:
        raise NotFound("channel", channel)
    bulk = Bulk(connection)
    books = read_books(bulk, [sku], at, selling, kits_behind(bulk, [sku], at))
    parts = _parts(books, sku)
    promises = promises_of(sku, _stock(books, sku), selling, terms_of(sku, selling, books.terms), parts)
    return next(promise for promise in promises if promise.channel == channel)


def _stock(books: Books, sku: str) -> list[LocationStock]:
    """Stock by location; of a kit, how many can be put together there."""
    if sku not in books.kits.parts:
        return sorted(books.stock.get(sku, ()), key=lambda place: place.location)
    return [LocationStock(place, units, 0, 0, 0) for place, units in sorted(books.available()[sku].items())]


def _parts(books: Books, sku: str) -> tuple[KitPart, ...]:
    """The components behind a kit, each with its own stock; none for a SKU that is no kit."""
    return tuple(
        KitPart(component, units, tuple(sorted(books.stock.get(component, ()), key=lambda place: place.location)))
        for component, units in books.kits.parts.get(sku, {}).items()
    )


def wanted_skus(connection: Connection) -> str:
    """SQL that turns the bound JSON list ``:skus`` into rows, in the connection's dialect."""
    return _WANTED[connection.dialect.name]


def as_json(values: Collection[str] | Collection[int]) -> str:
    """The value to bind to ``:skus``, or to another list."""
    return msgspec.json.encode(list(values)).decode()


def channel_terms(connection: Connection, skus: Collection[str], at: datetime) -> Terms:
    """Terms by (channel, SKU); the SKU is empty for what holds for all. The newest valid version wins."""
    return read_terms(Bulk(connection), skus, at)
