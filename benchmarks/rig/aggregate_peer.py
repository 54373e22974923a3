"""The peer that event sourcing suggests: the ``eventsourcing`` library, an aggregate a position, as its guide shows.

It does less than the ledger: ids of sources are not compared, nothing is parked, a shipment that finds too little is an
exception. It has a cache of aggregates and snapshots for speed; the cache looks for what other writers have added
(the library's own choice), for the ledger too may have other writers.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar
from uuid import NAMESPACE_OID, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, MutableOrImmutableAggregate, event

from core_sync.ledger.effects import EFFECTS
from core_sync.ledger.events import Event, EventType


class TooLittle(Exception):
    """A movement asks for more than is there."""


class StockPosition(Aggregate):
    """One SKU at one location."""

    @event("Opened")
    def __init__(self, sku: str, location: str) -> None:
        self.sku = sku
        self.location = location
        self.on_hand = 0
        self.allocated = 0
        self.quality_hold = 0
        self.in_transit = 0

    @staticmethod
    def create_id(sku: str, location: str) -> UUID:
        """The aggregate's id follows from what it stands for."""
        return uuid5(NAMESPACE_OID, f"{sku}\x1f{location}")

    def take(self, told: Event) -> None:
        """Do what the event says, or raise."""
        counted = told.type is EventType.COUNT
        deltas = EFFECTS[EventType.ADJUST if counted else told.type](
            told.quantity - self.on_hand if counted else told.quantity, 0
        )
        if self.on_hand + deltas[0] < 0:
            raise TooLittle(told.event_id)
        self.move(
            told.event_id, str(told.type), told.occurred_at.isoformat(), told.document, told.line, told.quantity,
            *deltas,
        )  # fmt: skip

    @event("Moved")
    def move(
        self,
        event_id: str,  # noqa: ARG002 - kept in the event
        kind: str,  # noqa: ARG002 - kept in the event
        occurred_at: str,  # noqa: ARG002 - kept in the event
        document: str,  # noqa: ARG002 - kept in the event
        line: str,  # noqa: ARG002 - kept in the event
        quantity: int,  # noqa: ARG002 - kept in the event
        on_hand: int,
        allocated: int,
        quality_hold: int,
        in_transit: int,
    ) -> None:
        """One movement with its deltas."""
        self.on_hand += on_hand
        self.allocated += allocated
        self.quality_hold += quality_hold
        self.in_transit += in_transit


class Stock(Application[UUID]):
    """The application: get the aggregate, let it take the event, save it."""

    snapshotting_intervals: ClassVar[dict[type[MutableOrImmutableAggregate[UUID]], int]] = {StockPosition: 100}

    def apply_each(self, events: Iterable[Event]) -> int:
        """Apply event after event; returns how many were saved."""
        return sum(self._apply(told) for told in events)

    def _apply(self, told: Event) -> bool:
        try:
            position: StockPosition = self.repository.get(StockPosition.create_id(told.sku, told.location))
        except AggregateNotFoundError:
            position = StockPosition(told.sku, told.location)
        try:
            position.take(told)
        except TooLittle:
            return False
        self.save(position)
        return True


def stock_in(folder: Path) -> Stock:
    """The application on a SQLite file in ``folder``."""
    settings: Mapping[str, str] = {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "SQLITE_DBNAME": str(folder / "aggregates.db"),
        "AGGREGATE_CACHE_MAXSIZE": "5000",
    }
    return Stock(env=settings)
