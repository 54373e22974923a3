"""What the ways in which sources name places mean, remembered: most events name a place that was named before."""

from collections.abc import Sequence
from datetime import datetime

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.effects import Flag
from core_sync.ledger.events import Event
from core_sync.ledger.intern import Interned
from core_sync.ledger.normalise import normalise
from core_sync.master_data.catalogue import Catalogue

_NAMES_MAX = 500_000
"""Names kept in memory; beyond, all are learnt anew."""


class Places:
    """What sources call our SKUs and locations, under one version of master data."""

    def __init__(self, interned: Interned) -> None:
        self._interned = interned
        self._skus: dict[tuple[str, str], str] = {}
        self._locations: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Master data changed."""
        self._skus.clear()
        self._locations.clear()

    def arrivals(
        self, bulk: Bulk, events: Sequence[Event], moments: Sequence[datetime], catalogue: Catalogue
    ) -> list[Arrival]:
        """Each event with its place and quantity, or with what it lacks; ``moments`` are when each was recorded."""
        sources, positions = self._interned.sources, self._interned.positions
        skus, locations = self._skus, self._locations
        moment, recorded = moments[0], to_microseconds(moments[0])
        arrivals: list[Arrival] = []
        strangers: list[Arrival] = []
        for event, at in zip(events, moments, strict=True):
            if at is not moment:
                moment, recorded = at, to_microseconds(at)
            source, occurred_at = event.source, to_microseconds(event.occurred_at)
            sku, location = skus.get((source, event.sku), ""), locations.get((source, event.location), "")
            plain = not event.uom and not event.to_location
            position = positions.get((sku, location, event.lot)) if plain else None
            if position is None:
                arrival = Arrival(event, sources[source], content_digest(event, occurred_at), occurred_at, recorded)
                strangers.append(arrival)
            else:
                arrival = Arrival(
                    event, sources[source], content_digest(event, occurred_at), occurred_at, recorded,
                    sku, location, "", event.quantity, position, 0,
                    Flag.NONE if sku == event.sku and location == event.location else Flag.MAPPED,
                )  # fmt: skip
            arrivals.append(arrival)
        if strangers:
            self._meet(bulk, strangers, catalogue)
        return arrivals

    def _meet(self, bulk: Bulk, strangers: Sequence[Arrival], catalogue: Catalogue) -> None:
        """Look up what was not met before, and remember what it is called where that never changes."""
        for arrival in strangers:
            normalise(arrival, catalogue)
        if catalogue.kits:  # stock is kept of their components
            strangers = [a for a in strangers if not catalogue.components_of(a.sku, a.occurred_at)]
        self._interned.give_positions(bulk, strangers)
        if len(self._skus) + len(strangers) > _NAMES_MAX:
            self.forget()
        for arrival in strangers:
            event = arrival.event
            if arrival.lack is None and catalogue.is_timeless(event.source, event.sku, arrival.sku):
                self._skus[event.source, event.sku] = arrival.sku
                self._locations[event.source, event.location] = arrival.location
