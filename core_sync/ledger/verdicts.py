"""A held event by its keys, and what a verb made of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from core_sync.clock import to_microseconds
from core_sync.errors import NotFound
from core_sync.ledger.entries import ExplainedEntry, entry_of
from core_sync.ledger.history import PositionAt, positions
from core_sync.ledger.knowledge import Entry
from core_sync.ledger.signals import held_subject


@dataclass(frozen=True, slots=True)
class HeldReference:
    """A held event by its keys; ``contradicts`` is the id that was told otherwise before, where that is why."""

    held_id: int
    source_id: int
    source: str
    event_id: str
    status: str
    message: str
    payload: str
    content: bytes
    contradicts: str | None

    @property
    def subject(self) -> str:
        """The failure subject of this event."""
        return held_subject(self.source, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a verb did to an event; after a ``dry_run`` what it would have done.

    ``status`` is what the event is after it. ``entries`` are all that the verb wrote into the ledger, those it freed
    among them, and ``positions`` how what they touched stands after it.
    """

    source: str
    event: str
    verb: str
    status: str
    message: str
    entries: Sequence[ExplainedEntry]
    positions: Sequence[PositionAt]
    dry_run: bool


def find_held(connection: Connection, held_id: int) -> HeldReference:
    """The held event ``held_id``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(f"{_HELD} WHERE h.held_id = :held_id"), {"held_id": held_id}).one_or_none()
    if row is None:
        raise NotFound("held event", held_id)
    return _reference(row)


def held_by_event(connection: Connection, source: str, event_id: str) -> HeldReference:
    """The held event that ``source`` calls ``event_id``.

    Raises:
        NotFound: there is none.
    """
    statement = text(f"{_HELD} WHERE s.name = :source AND h.event_id = :event_id")
    row = connection.execute(statement, {"source": source, "event_id": event_id}).one_or_none()
    if row is None:
        raise NotFound("held event", f"{source} {event_id}")
    return _reference(row)


def lacking(connection: Connection) -> list[HeldReference]:
    """Every event that waits for master data, the longest held first."""
    statement = text(f"{_HELD} WHERE h.status = 'parked' AND h.lacks IS NOT NULL ORDER BY h.held_id")
    return [_reference(row) for row in connection.execute(statement)]


def waiting_for_nothing(connection: Connection) -> list[HeldReference]:
    """Every event that waits for stock where none is needed any more, the longest held first.

    Its place was made lenient since, or its source says since that its opening stock is unknown.
    """
    statement = text(
        f"{_HELD} LEFT JOIN position p ON p.position_id = h.position_id "
        "LEFT JOIN location l ON l.location = p.location "
        "WHERE h.status = 'parked' AND h.lacks IS NULL AND (l.stock_control = 'lenient' OR s.opening = 'unknown') "
        "ORDER BY h.held_id"
    )
    return [_reference(row) for row in connection.execute(statement)]


def waiting_at(connection: Connection, positions: Collection[int]) -> list[HeldReference]:
    """Every event that waits for stock at ``positions``, the longest held first."""
    statement = text(f"{_HELD} WHERE h.status = 'parked' AND h.position_id = :position ORDER BY h.held_id")
    return [_reference(row) for one in positions for row in connection.execute(statement, {"position": one})]


def mark_dismissed(connection: Connection, source_id: int, event_id: str, actor: str, at: datetime) -> None:
    """The event shall not apply, says ``actor``."""
    bound = {"at": to_microseconds(at), "actor": actor, "source_id": source_id, "event_id": event_id}
    connection.execute(text(_DISMISS), bound)


def name_of(entry: Entry) -> tuple[str, str]:
    """Source and id of an entry."""
    return entry.arrival.event.source, entry.arrival.event.event_id


def verdict_on(
    connection: Connection,
    source: str,
    event_id: str,
    verb: str,
    status: str,
    message: str,
    written: Iterable[tuple[str, str]],
    dry_run: bool,
) -> Verdict:
    """Tell what was done, with the entries that were written under the names ``written``."""
    entries = [entry_of(connection, *name) for name in written]
    places = {(entry.sku, entry.location) for entry in entries}
    places |= {(entry.sku, entry.to_location) for entry in entries if entry.to_location}
    after = [one for sku, location in sorted(places) for one in positions(connection, sku, location)]
    return Verdict(
        source=source, event=event_id, verb=verb, status=status, message=message, entries=entries, positions=after,
        dry_run=dry_run,
    )  # fmt: skip


def _reference(row: Row[Any]) -> HeldReference:
    told = row._asdict()
    told["content"] = bytes(told["content"])
    return HeldReference(**told)


_HELD = (
    "SELECT h.held_id, h.source_id, s.name AS source, h.event_id, h.status, h.message, h.payload, h.content, "
    "CASE WHEN h.reason = 'id_conflict' THEN h.duplicate_of END AS contradicts "
    "FROM held_event h JOIN source s ON s.source_id = h.source_id"
)

_DISMISS = (
    "UPDATE held_event SET status = 'dismissed', decided_at = :at, decided_by = :actor "
    "WHERE source_id = :source_id AND event_id = :event_id"
)
