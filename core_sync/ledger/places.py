"""What the ways in which sources name places mean, remembered: most events name a place that was named before."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.events import Event
from core_sync.ledger.intern import Interned
from core_sync.ledger.normalise import normalise
from core_sync.master_data.catalogue import Catalogue

_PLACES_MAX = 200_000
"""Ways of naming a place kept in memory; beyond, all are learnt anew."""

_Naming = tuple[str, str, str, str, str, str]


class _Place(NamedTuple):
    """Our names, our keys and the flags that follow from the translation; a unit that is not the base one has none."""

    sku: str
    location: str
    to_location: str
    position: int
    destination: int
    flags: int


class Places:
    """Places by how events name them, under one version of master data."""

    def __init__(self, interned: Interned) -> None:
        self._interned = interned
        self._known: dict[_Naming, _Place] = {}

    def forget(self) -> None:
        """Master data changed, or keys were undone."""
        self._known.clear()

    def arrivals(
        self, bulk: Bulk, events: Sequence[Event], moments: Sequence[datetime], catalogue: Catalogue
    ) -> list[Arrival]:
        """Each event with its place and quantity, or with what it lacks; ``moments`` are when each was recorded."""
        known, sources = self._known, self._interned.sources
        moment, recorded = moments[0], to_microseconds(moments[0])
        arrivals: list[Arrival] = []
        strangers: list[tuple[_Naming, Arrival]] = []
        for event, at in zip(events, moments, strict=True):
            if at is not moment:
                moment, recorded = at, to_microseconds(at)
            naming = (event.source, event.sku, event.location, event.to_location, event.lot, event.uom)
            occurred_at = to_microseconds(event.occurred_at)
            digest = content_digest(event, occurred_at)
            place = known.get(naming)
            if place is None:
                arrival = Arrival(event, sources[event.source], digest, occurred_at, recorded)
                strangers.append((naming, arrival))
            else:
                sku, location, to_location, position, destination, flags = place
                arrival = Arrival(
                    event, sources[event.source], digest, occurred_at, recorded,
                    sku, location, to_location, event.quantity, position, destination, flags,
                )  # fmt: skip
            arrivals.append(arrival)
        if strangers:
            self._meet(bulk, strangers, catalogue)
        return arrivals

    def _meet(self, bulk: Bulk, strangers: Sequence[tuple[_Naming, Arrival]], catalogue: Catalogue) -> None:
        for _, arrival in strangers:
            normalise(arrival, catalogue)
        if catalogue.kits:  # stock is kept of their components
            strangers = [(name, a) for name, a in strangers if not catalogue.components_of(a.sku, a.occurred_at)]
        self._interned.give_positions(bulk, [arrival for _, arrival in strangers])
        if len(self._known) + len(strangers) > _PLACES_MAX:
            self._known.clear()
        for naming, arrival in strangers:
            event = arrival.event
            in_base_units = arrival.quantity == event.quantity and (
                not event.uom or catalogue.factor(arrival.sku, event.uom) == 1
            )
            if arrival.lack is None and in_base_units and catalogue.is_timeless(event.source, event.sku, arrival.sku):
                self._known[naming] = _Place(
                    arrival.sku, arrival.location, arrival.to_location, arrival.position, arrival.destination,
                    arrival.flags,
                )  # fmt: skip
