"""What became of a batch, by event; and where its events were read."""

from dataclasses import dataclass, field

from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.knowledge import Decision, Held


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event was read: file and row, to name it by when it is held."""

    file: str
    row: int


@dataclass
class BatchOutcome:
    """What became of a batch, by event."""

    accepted: int = 0
    duplicates: int = 0
    suspected_duplicates: int = 0
    parked: int = 0
    refused: int = 0
    conflicts: int = 0
    repeated: int = 0
    freed: int = 0
    held: list[Held] = field(default_factory=list)
    conflicting: list[Arrival] = field(default_factory=list)

    def add(self, other: "BatchOutcome") -> None:
        """Count another batch in; what it holds is added to the lists."""
        for name in ("accepted", "duplicates", "suspected_duplicates", "parked", "refused", "conflicts",
                     "repeated", "freed"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.held += other.held
        self.conflicting += other.conflicting

    def hold(self, held: Held) -> None:
        """Count one event that is held."""
        self.suspected_duplicates += held.status == "suspected_duplicate"
        self.parked += held.status == "parked"
        self.refused += held.status == "refused"
        self.held.append(held)


def outcome_of(decision: Decision) -> BatchOutcome:
    """The counts of a decision."""
    statuses = [held.status for held in decision.held.values()]
    return BatchOutcome(
        accepted=len(decision.entries) - decision.further_parts,
        duplicates=len(decision.duplicates),
        suspected_duplicates=statuses.count("suspected_duplicate"),
        parked=statuses.count("parked"),
        refused=statuses.count("refused"),
        conflicts=len(decision.conflicts),
        repeated=decision.repeated,
        freed=len(decision.freed) + statuses.count("applied"),
        held=[held for held in decision.held.values() if held.status != "applied"],
        conflicting=decision.conflicts,
    )
