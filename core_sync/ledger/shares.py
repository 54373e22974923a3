"""What several callers bring to one batch, and what became of each one's share of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core_sync.ledger.effects import Flag
from core_sync.ledger.events import Event
from core_sync.ledger.knowledge import Decision
from core_sync.ledger.outcome import BatchOutcome, Origin


@dataclass(frozen=True, slots=True)
class Share:
    """What one caller brings."""

    events: Sequence[Event]
    recorded_at: datetime
    origins: Sequence[Origin]
    actor: str | None = None


def outcomes_by_share(decision: Decision, shares: int) -> list[BatchOutcome]:
    """The outcome of each share; what was held before the batch is freed by the one whose entry stands before it."""
    outcomes = [BatchOutcome() for _ in range(shares)]
    outcome = outcomes[0]
    for entry in decision.entries:
        if entry.arrival.share is not None:
            outcome = outcomes[entry.arrival.share]
        outcome.accepted += not (entry.arrival.part_of or entry.flags & Flag.DRAWN)
        outcome.freed += bool(entry.flags & Flag.RELEASED)
        outcome.repeated += bool(entry.flags & Flag.REPEATED)
    for arrival in decision.duplicates:
        outcomes[arrival.share or 0].duplicates += 1
    for arrival in decision.conflicts:
        outcomes[arrival.share or 0].conflicts += 1
        outcomes[arrival.share or 0].conflicting.append(arrival)
    for held in decision.held.values():
        if held.status != "applied":
            outcomes[held.arrival.share or 0].hold(held)
    return outcomes
