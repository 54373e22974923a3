"""Events from messages (one JSON object each, flat or as CloudEvents) into the ledger, each bad one named."""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from core_sync.intake.summary import IngestSummary
from core_sync.interchange.events import parse_events
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger, Origin


def ingest_messages(
    ledger: Ledger,
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
