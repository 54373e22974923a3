"""What became of the rows of a file: counts, and every row that did not simply apply or repeat."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core_sync.interchange.refusals import RefusedRow

if TYPE_CHECKING:  # a door that only shows a summary need not load the ledger
    from core_sync.ledger.arrivals import Arrival
    from core_sync.ledger.knowledge import Held
    from core_sync.ledger.outcome import BatchOutcome


@dataclass(frozen=True, slots=True)
class NamedEvent:
    """An event that has no stock effect (yet), by where it stood and why."""

    file: str
    row: int
    event: str
    status: str
    field: str
    reason: str


@dataclass
class IngestSummary:
    """What became of the rows. ``named`` holds every row that did not simply apply or repeat."""

    accepted: int = 0
    duplicates: int = 0
    suspected_duplicates: int = 0
    parked: int = 0
    rejected: int = 0
    repeated: int = 0
    freed: int = 0
    seconds: float = 0.0
    refused_rows: list[RefusedRow] = field(default_factory=list)
    named: list[NamedEvent] = field(default_factory=list)

    def count(self, outcome: "BatchOutcome") -> None:
        """Add what the ledger said of a batch."""
        self.accepted += outcome.accepted
        self.duplicates += outcome.duplicates
        self.suspected_duplicates += outcome.suspected_duplicates
        self.parked += outcome.parked
        self.rejected += outcome.refused + outcome.conflicts
        self.repeated += outcome.repeated
        self.freed += outcome.freed
        self.named += [_named(held) for held in outcome.held]
        self.named += [_conflicting(arrival) for arrival in outcome.conflicting]

    def refuse(self, row: RefusedRow) -> None:
        """Add a row that says no event at all."""
        self.rejected += 1
        self.refused_rows.append(row)
        self.named.append(NamedEvent(row.file, row.row, str(row.raw.get("id", "")), "rejected", row.field, row.reason))


def _named(held: "Held") -> NamedEvent:
    arrival = held.arrival
    lacked = arrival.lack.kind if arrival.lack is not None else ""
    name = lacked or ("quantity" if held.shortfall is not None else "id")
    status = "rejected" if held.status == "refused" else held.status
    return NamedEvent(arrival.file or "", arrival.row or 0, arrival.event.event_id, status, name, held.message)


def _conflicting(arrival: "Arrival") -> NamedEvent:
    reason = "came again with other content; the first stands"
    return NamedEvent(arrival.file or "", arrival.row or 0, arrival.event.event_id, "rejected", "id", reason)
