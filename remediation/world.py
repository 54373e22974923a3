"""All that actions reach: the facts, the channels, the warehouse, the clock, and who carries runs out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core_sync.channels.warehouse import Warehouse
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger
from core_sync.outbox.dispatch import Connectors


class Warehouses(Protocol):
    """Warehouse systems by the location they run."""

    def of(self, location: str) -> Warehouse | None:
        """The system that runs ``location``; None where none is configured."""
        ...


class Runner(Protocol):
    """Carries approved runs out, each once, to their end."""

    def start(self, world: "World", run_id: int) -> None:
        """Begin; may return before the run has ended."""
        ...


@dataclass(frozen=True)
class World:
    """What a run may touch, handed in by the door that composes the process."""

    database: Database
    channels: Connectors
    warehouses: Warehouses
    clock: Callable[[], datetime]
    runner: Runner

    @property
    def ledger(self) -> Ledger:
        """A ledger of this run's own: runs are carried out side by side, and a ledger's memory is one thread's."""
        return Ledger(self.database)
