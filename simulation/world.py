"""What a simulated world hands back."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulation.scenario import Scenario

Rows = list[dict[str, Any]]
"""Rows of a table, by column; each column's type is what its format says."""


@dataclass(frozen=True, slots=True)
class World:
    """The interchange tables of one world, and the truth behind them.

    ``truth`` has ``faults`` (one row a fault, with its loss), ``losses`` (one row an order line that faults cost),
    ``benign`` (surprises that are no faults) and ``promises`` (the moment behind the promised day of each purchase).
    """

    scenario: Scenario
    tables: dict[str, Rows]
    truth: dict[str, Rows]


@dataclass(slots=True, eq=False)
class Fault:
    """One fault, from its injection to its cure; seconds count from the start of the world.

    ``hits`` names the channels whose listings it spoils. ``lost_units`` were refused though they could have
    been delivered, ``oversold_units`` were sold though they could not.
    """

    fault_id: str
    root_cause: str
    subclass: str
    planned_s: int
    cure_after_s: int
    stays: bool
    """Nobody cures it while the world runs."""
    started_s: int | None = None
    ended_s: int | None = None
    sku: int | None = None
    location: int | None = None
    channel: int | None = None
    system: str = ""
    quantity: int = 0
    hits: frozenset[int] = frozenset()
    silent: bool = False
    partial: bool = False
    """Of a whole warehouse or system it touches only ``touched_skus``."""
    lost_units: int = 0
    oversold_units: int = 0
    loss_so_far: float = 0.0
    loss_ahead: float = 0.0
    reports: int = 0
    reported_skus: set[int] = field(default_factory=set)
    touched_skus: set[int] = field(default_factory=set)
    event_ids: list[str] = field(default_factory=list)
    failure_ids: list[str] = field(default_factory=list)
    snapshot_keys: list[str] = field(default_factory=list)
    left_keys: list[str] = field(default_factory=list)
    """Figures that it spoiled and that were still wrong at the snapshots after its cure."""
    missing_s: int | None = None
    """When the first message was kept back, where the fault keeps messages back."""
    documents: set[str] = field(default_factory=set)
    """The documents of the messages that it keeps back."""

    @property
    def active(self) -> bool:
        """Begun and not cured."""
        return self.started_s is not None and self.ended_s is None


@dataclass(frozen=True, slots=True)
class Loss:
    """One order line that faults cost: when, of which listing (indices), and every fault that spoiled it then."""

    at_s: int
    sku: int
    channel: int
    kind: str
    """``oversold`` or ``lost``."""
    units: int
    amount: float
    fault_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Benign:
    """A surprise that is no fault."""

    kind: str
    started: datetime
    ended: datetime | None = None
    sku: str = ""
    location: str = ""
    channel: str = ""
    quantity: int | None = None
    reference: str = ""
