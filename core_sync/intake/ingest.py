"""Events from files or messages into the ledger, batch by batch, each bad one named.

A batch is one transaction. Stopped anywhere, the same command again finds what is there and goes on.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from sqlalchemy import text

from core_sync.interchange.events import read_events_with_rows
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.events import Event
from core_sync.ledger.knowledge import Held
from core_sync.ledger.ledger import BatchOutcome, Ledger, Origin

BATCH = 10_000
"""Events a transaction: large enough that the commit is cheap, small enough that a stop loses little."""

FIELD_LACKED = {"sku": "sku", "location": "location", "uom": "uom"}

T = TypeVar("T")


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

    def count(self, outcome: BatchOutcome) -> None:
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
        self.named.append(NamedEvent(row.file, row.row, "", "rejected", row.field, row.reason))


def ingest_files(
    ledger: Ledger,
    paths: Iterable[Path],
    clock: Callable[[], datetime],
    profile: SourceProfile = INTERCHANGE,
    progress: Callable[[int], None] | None = None,
    as_recorded: bool = False,
) -> IngestSummary:
    """Ingest every file in turn; ``progress`` hears how many rows are done.

    ``as_recorded`` plays back what was recorded before: an event's column ``recorded_at`` stands for our
    clock, where it has one.

    Raises:
        FileUnreadable: a file cannot be used at all; those before it are in.
        DatabaseUnavailable: the batches before are in; the same command goes on where it stopped.
    """
    started = perf_counter()
    summary = IngestSummary()
    declare_source(ledger, profile)
    done = 0
    for path in paths:
        for rows in in_batches(read_events_with_rows(path, profile), BATCH):
            good: list[tuple[RawRecord, Event]] = []
            for row in rows:
                if isinstance(row, RefusedRow):
                    summary.refuse(row)
                else:
                    good.append(row)
            origins = [Origin(record.file, record.row) for record, _ in good]
            events = [event for _, event in good]
            moment = clock()
            recorded = [_recorded_at(event, moment) for event in events] if as_recorded else moment
            summary.count(ledger.apply(events, recorded, origins=origins))
            done += len(rows)
            if progress is not None:
                progress(done)
    summary.seconds = perf_counter() - started
    return summary


def declare_source(ledger: Ledger, profile: SourceProfile) -> None:
    """Make known what the profile says of its source: opening stock, whose figure wins, tolerance."""
    if profile.source is None:
        return
    rule = profile.reconciliation
    with ledger.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO source (name, opening, winner, tolerance) VALUES (:name, :opening, :winner, :tolerance) "
                "ON CONFLICT (name) DO UPDATE SET opening = excluded.opening, winner = excluded.winner, "
                "tolerance = excluded.tolerance"
            ),
            {
                "name": profile.source,
                "opening": str(profile.opening),
                "winner": rule.winner,
                "tolerance": rule.tolerance,
            },
        )
    ledger.interned.sources = {}


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to ``size`` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _recorded_at(event: Event, otherwise: datetime) -> datetime:
    told = event.attributes.get("recorded_at", "")
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return otherwise
    return moment if moment.tzinfo is not None else otherwise


def _named(held: Held) -> NamedEvent:
    arrival = held.arrival
    if arrival.lack is not None:
        name = FIELD_LACKED[arrival.lack.kind]
    else:
        name = "quantity" if held.shortfall is not None else "id"
    status = "rejected" if held.status == "refused" else held.status
    return NamedEvent(arrival.file or "", arrival.row or 0, arrival.event.event_id, status, name, held.message)


def _conflicting(arrival: Arrival) -> NamedEvent:
    reason = "came again with other content; the first stands"
    return NamedEvent(arrival.file or "", arrival.row or 0, arrival.event.event_id, "rejected", "id", reason)
