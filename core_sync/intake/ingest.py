"""Events from files or messages into the ledger, batch by batch, each bad one named.

A batch is one transaction. Stopped anywhere, the same command again finds what is there and goes on.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from sqlalchemy import text

from core_sync.intake.summary import IngestSummary
from core_sync.interchange.events import read_events_with_rows
from core_sync.interchange.profile_rules import INTERCHANGE, Opening, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.ledger.decisions import retry_lacking
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import Origin

BATCH = 10_000
"""Events a transaction: large enough that the commit is cheap, small enough that a stop loses little."""

T = TypeVar("T")


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
    declare_source(ledger, profile, clock())
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


def declare_source(ledger: Ledger, profile: SourceProfile, at: datetime) -> None:
    """Make known what the profile says of its source: opening stock, whose figure wins, tolerance.

    What waits for stock of a source that says now that it never told its opening stock waits no more.
    """
    if profile.source is None:
        return
    rule = profile.reconciliation
    with ledger.database.transaction() as connection:
        before = connection.execute(text("SELECT opening FROM source WHERE name = :name"), {"name": profile.source})
        was_zero = before.scalar_one_or_none() == Opening.ZERO
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
    if was_zero and profile.opening is Opening.UNKNOWN:
        retry_lacking(ledger, at)


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
