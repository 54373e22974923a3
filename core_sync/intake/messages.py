"""Events from messages (one JSON object each, flat or as CloudEvents) into the ledger, each bad one named."""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from typing import Protocol

from core_sync.intake.summary import IngestSummary
from core_sync.interchange.events import parse_events
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.ledger.events import Event
from core_sync.ledger.outcome import BatchOutcome, Origin


class Applies(Protocol):
    """The ledger, or what stands before it and gathers what several bring."""

    def apply(
        self,
        events: Sequence[Event],
        recorded_at: datetime,
        actor: str | None = None,
        origins: Sequence[Origin] | None = None,
    ) -> BatchOutcome:
        """What became of the events, once they are written."""


def ingest_messages(
    ledger: Applies,
    messages: Sequence[object],
    at: datetime,
    actor: str | None = None,
    profile: SourceProfile = INTERCHANGE,
    origin: str = "message",
) -> IngestSummary:
    """Ingest ``messages`` in one transaction; ``row`` in what is named counts them from 1.

    Raises:
        DatabaseUnavailable: nothing was written; the same messages may be sent again.
    """
    started = perf_counter()
    summary = IngestSummary()
    events: list[Event] = []
    origins: list[Origin] = []
    for row, event in enumerate(parse_events(messages, profile, origin), 1):
        if isinstance(event, RefusedRow):
            summary.refuse(event)
        else:
            events.append(event)
            origins.append(Origin(origin, row))
    summary.count(ledger.apply(events, at, actor, origins))
    summary.seconds = perf_counter() - started
    return summary
