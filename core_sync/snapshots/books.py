"""What reported figures of one as-of time are compared with: stock, kits, and what each channel may promise of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate

from sqlalchemy import Connection, text

from core_sync.availability.kits import NO_KITS, Kits, kit_available, kits_behind
from core_sync.availability.promises import channel_terms, terms_of
from core_sync.availability.rules import ChannelTerms, SellingChannel, promised_quantities
from core_sync.availability.selling import selling_channels
from core_sync.clock import from_microseconds
from core_sync.database.bulk import Bulk
from core_sync.snapshots.stock_at import StockAt, change_of, stock_at

Movement = tuple[int, str, str, int]
"""Moment, SKU, location, and the change of the figure's state there."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One figure of a snapshot, and the comparison it belongs to."""

    reconciliation_id: int
    snapshot_id: int
    system: str
    sku: str
    location: str
    state: str
    quantity: int


@dataclass(slots=True)
class Books:
    """All that one page is compared with."""

    stock: Mapping[tuple[str, str], StockAt]
    by_sku: dict[str, dict[str, StockAt]] = field(default_factory=dict)
    """The same by SKU and then location."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Channel by the name under which it reports."""
    selling: Sequence[SellingChannel] = ()
    terms: Mapping[tuple[str, str], ChannelTerms] = field(default_factory=dict)
    kits: Kits = NO_KITS
    """The kits in force at the as-of time; a kit's own stock is what was counted before it became one."""

    def is_relative(self, figure: Reported) -> bool:
        """Whether the opening stock behind ``figure`` is unknown, so that there is no figure of ours."""
        return any(place.relative for sku in self._behind(figure) for place in self._places(sku, figure).values())

    def promising(self, figure: Reported) -> int | None:
        """Which channel's promise ``figure`` shows, by its number; None where the figure is stock itself."""
        channel = self.channels.get(figure.system)
        if channel is None or figure.location or figure.state != "available":
            return None
        return next(number for number, one in enumerate(self.selling) if one.channel == channel)

    def expected(self, figure: Reported) -> int:
        """What ``figure`` should be: stock, or a channel's promise of what is available."""
        number = self.promising(figure)
        if number is None and not self._is_of_a_kit(figure):
            return sum(place.figure(figure.state) for place in self._places(figure.sku, figure).values())
        return self._told_of(figure, self._available(figure), number)

    def recent(self, figure: Reported) -> list[Movement]:
        """Each recent movement that ``figure`` may not know yet, newest first; of a kit, those of its components."""
        moved = [
            (at, sku, name, change)
            for sku in self._behind(figure)
            for name, place in self._places(sku, figure).items()
            for at, changes in place.recent
            if (change := change_of(figure.state, changes))
        ]
        return sorted(moved, key=lambda movement: movement[0], reverse=True)

    def earlier(self, figure: Reported, recent: Sequence[Movement]) -> Iterator[int]:
        """What ``figure`` should have been before the newest 1, 2, … of its ``recent`` movements."""
        number = self.promising(figure)
        if number is None and not self._is_of_a_kit(figure):
            stock = sum(place.figure(figure.state) for place in self._places(figure.sku, figure).values())
            for moved in accumulate(change for *_, change in recent):
                yield stock - moved
            return
        available = self._available(figure)
        for _, sku, name, change in recent:
            available[sku][name] -= change
            yield self._told_of(figure, available, number)

    def _is_of_a_kit(self, figure: Reported) -> bool:
        return figure.state == "available" and figure.sku in self.kits.parts

    def _behind(self, figure: Reported) -> Collection[str]:
        """The SKUs whose stock ``figure`` tells of: its own, and where that is a kit its components too."""
        return (figure.sku, *self.kits.parts[figure.sku]) if self._is_of_a_kit(figure) else (figure.sku,)

    def _places(self, sku: str, figure: Reported) -> Mapping[str, StockAt]:
        """The stock of ``sku`` that a figure speaks of, by location: of one, or of all where it names none."""
        everywhere = self.by_sku.get(sku, {})
        if not figure.location:
            return everywhere
        place = everywhere.get(figure.location)
        return {} if place is None else {figure.location: place}

    def _available(self, figure: Reported) -> dict[str, dict[str, int]]:
        """Units available of each SKU behind ``figure``, by location."""
        return {
            sku: {name: place.available for name, place in self._places(sku, figure).items()}
            for sku in self._behind(figure)
        }

    def _told_of(self, figure: Reported, available: Mapping[str, Mapping[str, int]], number: int | None) -> int:
        """What ``figure`` should be with so much ``available`` of each SKU behind it."""
        own = available[figure.sku]
        if self._is_of_a_kit(figure):
            whole = kit_available(self.kits.parts[figure.sku], available)
            own = {place: own.get(place, 0) + whole.get(place, 0) for place in {*own, *whole}}
        if number is None:
            return sum(own.values())
        return promised_quantities(own, self.selling, terms_of(figure.sku, self.selling, self.terms))[number]


def open_books(connection: Connection, as_of: int, figures: Sequence[Reported], lag: timedelta) -> Books:
    """The books for ``figures``, which all are as of ``as_of``, with the movements of the ``lag`` before it."""
    skus = {figure.sku for figure in figures}
    moment = from_microseconds(as_of)
    kits = kits_behind(Bulk(connection), skus, moment)
    kits = Kits({kit: parts for kit, parts in kits.parts.items() if kit in skus})
    stock = stock_at(connection, {*skus, *kits.components}, moment, lag)
    books = Books(stock, channels=_channel_systems(connection), kits=kits)
    for (sku, location), place in books.stock.items():
        books.by_sku.setdefault(sku, {})[location] = place
    if any(figure.system in books.channels for figure in figures):
        books.selling = selling_channels(connection)
        books.terms = channel_terms(connection, skus, moment)
    return books


def _channel_systems(connection: Connection) -> dict[str, str]:
    """Channel by the name under which it reports: its system, or its own name."""
    named = connection.execute(text("SELECT channel, system FROM channel")).all()
    return {row.channel: row.channel for row in named} | {row.system: row.channel for row in named if row.system}
