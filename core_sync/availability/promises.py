"""Promises read from the tables: many at once as plain numbers, or one with every term.

Positions whose opening stock is unknown tell differences only, so they promise nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, text

from core_sync.availability.rules import (
    NO_RULE,
    ChannelTerms,
    LocationStock,
    Promise,
    SellingChannel,
    promises_of,
)
from core_sync.availability.rules import promised_quantities as quantities_of
from core_sync.availability.selling import selling_channels
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound
from core_sync.ledger.claims import ALLOTMENT

_STOCK = """
SELECT p.sku, p.location, sum(p.on_hand) AS on_hand, sum(p.allocated) AS allocated,
       sum(p.quality_hold) AS quality_hold, coalesce(max(s.quantity), 0) AS safety_stock
FROM ({wanted}) w {pinned_join} JOIN position p ON p.sku = w.sku
LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
WHERE p.relative IS FALSE
GROUP BY p.sku, p.location
"""

_RULES = """
SELECT r.version, r.channel, r.sku, r.share_ten_thousandths, r.buffer, r.shortage_below
FROM channel_rule r
WHERE r.valid_from <= :at AND (r.valid_until IS NULL OR r.valid_until > :at)
  AND (r.sku = '' OR r.sku IN (SELECT w.sku FROM ({wanted}) w))
ORDER BY r.version
"""

_ALLOTMENTS = """
SELECT c.channel, p.sku, sum(i.open_quantity) AS quantity
FROM channel c
JOIN open_item i ON i.kind = 'reservation' AND i.reference = :prefix || c.account AND i.open_quantity > 0
JOIN position p ON p.position_id = i.position_id
WHERE c.account IS NOT NULL AND p.sku IN (SELECT w.sku FROM ({wanted}) w)
GROUP BY c.channel, p.sku
"""

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
    connection: Connection, skus: Collection[str], at: datetime, channels: Sequence[SellingChannel] | None = None
) -> Iterator[PromisedQuantity]:
    """What each channel may promise of each of ``skus`` at ``at``; SKUs without known stock are left out.

    ``channels`` is every channel, where the caller has read them already.
    """
    selling = selling_channels(connection) if channels is None else channels
    available: dict[str, dict[str, int]] = {}
    for sku, stock in _stock(connection, skus):
        available.setdefault(sku, {})[stock.location] = stock.available
    terms = channel_terms(connection, skus, at)
    usual = [terms.get((one.channel, ""), NO_RULE) for one in selling]
    own = {sku for _, sku in terms if sku}
    names = [one.channel for one in selling]
    for sku, places in available.items():
        rules = terms_of(sku, selling, terms) if sku in own else usual
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
    stock = sorted((stock for _, stock in _stock(connection, [sku])), key=lambda place: place.location)
    promises = promises_of(sku, stock, selling, terms_of(sku, selling, channel_terms(connection, [sku], at)))
    return next(promise for promise in promises if promise.channel == channel)


def wanted_skus(connection: Connection) -> str:
    """SQL that turns the bound JSON list ``:skus`` into rows, in the connection's dialect."""
    return _WANTED[connection.dialect.name]


def as_json(skus: Collection[str]) -> str:
    """The value to bind to ``:skus``."""
    return msgspec.json.encode(list(skus)).decode()


def channel_terms(
    connection: Connection, skus: Collection[str], at: datetime
) -> Mapping[tuple[str, str], ChannelTerms]:
    """Terms by (channel, SKU); the SKU is empty for what holds for all. The newest valid version wins."""
    wanted = wanted_skus(connection)
    bound = {"skus": as_json(skus), "at": to_microseconds(at)}
    terms: dict[tuple[str, str], ChannelTerms] = {}
    for version, channel, sku, share, buffer, shortage_below in connection.execute(
        text(_RULES.format(wanted=wanted)), bound
    ):
        terms[channel, sku] = ChannelTerms(share, buffer, 0, version, shortage_below)
    allotted = connection.execute(text(_ALLOTMENTS.format(wanted=wanted)), {"skus": bound["skus"], "prefix": ALLOTMENT})
    for channel, sku, quantity in allotted:
        known = terms.get((channel, sku), terms.get((channel, ""), NO_RULE))
        terms[channel, sku] = ChannelTerms(
            known.share_ten_thousandths, known.buffer, int(quantity), known.rule_version, known.shortage_below
        )
    return terms


def terms_of(
    sku: str, selling: Sequence[SellingChannel], terms: Mapping[tuple[str, str], ChannelTerms]
) -> list[ChannelTerms]:
    """The terms of one SKU on each channel, in their order, out of what ``channel_terms`` found."""
    return [terms.get((one.channel, sku), terms.get((one.channel, ""), NO_RULE)) for one in selling]


def _stock(connection: Connection, skus: Collection[str]) -> Iterator[tuple[str, LocationStock]]:
    # SQLite takes the order of a CROSS JOIN as given: the few wanted SKUs first, never the whole table.
    cross = "CROSS" if connection.dialect.name == "sqlite" else ""
    statement = text(_STOCK.format(wanted=wanted_skus(connection), pinned_join=cross))
    for sku, location, on_hand, allocated, quality_hold, safety in connection.execute(
        statement, {"skus": as_json(skus)}
    ):
        yield sku, LocationStock(location, int(on_hand), int(allocated), int(quality_hold), int(safety))
