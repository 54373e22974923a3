"""The entries behind a figure, the newest first, in pages: what came, what it did, and where it did nothing, why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import CursorRefused, NotFound
from core_sync.ledger.effects import Flag, flag_names
from core_sync.ledger.events import KIT
from core_sync.ledger.history import Clock
from core_sync.ledger.own_ids import sql_reversal_id

PAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class ExplainedEntry:
    """One ledger entry in words: what came, from whom, when on both clocks, and what it did.

    ``in_transit`` lies at ``to_location`` where that is given. ``kit`` is what the source named where this is one of
    its components, ``reversed_by`` the number of the entry that took it back, and ``why`` says why it does not count
    where it does not.
    """

    entry: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    sku: str
    location: str
    lot: str
    quantity: int
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int
    to_location: str | None
    document: str | None
    line: str | None
    reservation_id: str | None
    reason: str | None
    actor: str | None
    flags: list[str]
    kit: str | None
    reversed_by: int | None
    why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which entries: of a SKU, of one location or all, up to a moment on one clock or all."""

    sku: str
    location: str | None = None
    moment: datetime | None = None
    clock: Clock = Clock.OCCURRED


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries, the newest by the source's clock first; ``next_cursor`` is None on the last page."""

    items: list[ExplainedEntry]
    next_cursor: str | None


def read_entries(connection: Connection, span: Span, cursor: str | None = None, limit: int = 100) -> EntryPage:
    """One page of the entries that made the figures of ``span``, each once.

    Raises:
        CursorRefused: ``cursor`` is none that we gave out.
    """
    limit = max(1, min(limit, PAGE_MAX))
    after = _decoded(cursor) if cursor is not None else None
    positions = connection.execute(text(_POSITIONS), {"sku": span.sku, "location": span.location}).scalars().all()
    found = [
        _numbers(connection, side, position, span, after, limit)
        for position in positions
        for side in ("position_id", "to_position_id")
    ]
    keys: list[tuple[int, int]] = []
    for key in merge(*found, reverse=True):
        if not keys or key != keys[-1]:  # one that moved between two of the positions is found at both
            keys.append(key)
    shown = {entry: place for place, (_, entry) in enumerate(keys[:limit])}
    rows = connection.execute(text(_BY_NUMBERS[connection.dialect.name]), {"numbers": _as_json(shown)}).all()
    items = [_explained(connection, row) for row in sorted(rows, key=lambda row: shown[row.entry])]
    return EntryPage(items, _as_json(keys[limit - 1]) if len(keys) > limit else None)


def entries_of(connection: Connection, span: Span) -> Iterator[ExplainedEntry]:
    """Every entry, page by page."""
    cursor: str | None = None
    while True:
        page = read_entries(connection, span, cursor, PAGE_MAX)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def entry_of(connection: Connection, source: str, event_id: str) -> ExplainedEntry:
    """The entry that ``source`` calls ``event_id``.

    Raises:
        NotFound: no entry has that id.
    """
    statement = text(f"{_ENTRIES} WHERE o.name = :source AND l.event_id = :event_id")
    row = connection.execute(statement, {"source": source, "event_id": event_id}).one_or_none()
    if row is None:
        raise NotFound("ledger entry", f"{source} {event_id}")
    return _explained(connection, row)


def entry_by_number(connection: Connection, entry: int) -> ExplainedEntry:
    """The entry with the ledger's own number ``entry``.

    Raises:
        NotFound: there is none.
    """
    row = connection.execute(text(f"{_ENTRIES} WHERE l.entry_id = :entry"), {"entry": entry}).one_or_none()
    if row is None:
        raise NotFound("ledger entry", entry)
    return _explained(connection, row)


def _numbers(
    connection: Connection, side: str, position: int, span: Span, after: tuple[int, int] | None, limit: int
) -> Sequence[tuple[int, int]]:
    """Moment and number of the newest entries of one position, one more than a page, read from the end of its index."""
    conditions = [f"{side} = :position"]
    bound: dict[str, Any] = {"position": position, "limit": limit + 1}
    if span.moment is not None:
        conditions.append(f"{span.clock}_at <= :moment")
        bound["moment"] = to_microseconds(span.moment)
    if after is not None:
        conditions.append("occurred_at <= :at AND (occurred_at, entry_id) < (:at, :entry)")
        bound |= {"at": after[0], "entry": after[1]}
    where = " AND ".join(conditions)
    statement = f"SELECT occurred_at, entry_id FROM ledger_entry WHERE {where} {_NEWEST_FIRST}"
    return [(row.occurred_at, row.entry_id) for row in connection.execute(text(statement), bound)]


def _explained(connection: Connection, row: Row[Any]) -> ExplainedEntry:
    told = row._asdict()
    flags = told.pop("bits")
    position, attributes = told.pop("position_id"), told.pop("attributes")
    told |= {name: from_microseconds(told[name]) for name in ("occurred_at", "recorded_at")}
    return ExplainedEntry(
        **told,
        flags=flag_names(flags),
        kit=msgspec.json.decode(attributes).get(KIT) if attributes else None,
        why=_why(connection, row, position) if flags & Flag.ABSORBED else None,
    )


def _why(connection: Connection, row: Row[Any], position: int) -> str:
    """Which count it was that an absorbed entry came too late for."""
    bound = {"position": position, "occurred_at": row.occurred_at, "entry": row.entry, "absorbed": Flag.ABSORBED}
    count = connection.execute(text(_ABSORBING), bound).one_or_none()
    if count is None:
        return "a count known before it already contains it"
    named = f"the count of {from_microseconds(count.occurred_at):%Y-%m-%d %H:%M} UTC ({count.event_id} of {count.name})"
    if count.taken_back_by is not None:
        return f"{named} contained it when it came; since that was taken back, entry {count.taken_back_by} counts it in"
    if row.type == "count":
        return f"{named} is later and was known before it"
    return f"{named} was known before it and already contains it"


def _as_json(value: Any) -> str:
    return msgspec.json.encode(list(value)).decode()


def _decoded(cursor: str) -> tuple[int, int]:
    try:
        return msgspec.json.decode(cursor, type=tuple[int, int])
    except msgspec.MsgspecError as error:
        raise CursorRefused(cursor) from error


_NEWEST_FIRST = "ORDER BY occurred_at DESC, entry_id DESC LIMIT :limit"

_POSITIONS = """
SELECT position_id FROM position
WHERE sku = :sku AND (CAST(:location AS TEXT) IS NULL OR location = :location) ORDER BY position_id
"""

_ENTRIES = f"""
SELECT l.entry_id AS entry, o.name AS source, l.event_id, l.type, l.occurred_at, l.recorded_at, p.sku, p.location,
       p.lot, l.quantity, l.on_hand_delta AS on_hand, l.allocated_delta AS allocated,
       l.quality_hold_delta AS quality_hold, l.in_transit_delta AS in_transit, d.location AS to_location,
       l.document, l.line, l.reservation_id, l.reason, l.actor, l.flags AS bits, l.position_id,
       l.attributes,
       r.entry_id AS reversed_by
FROM ledger_entry l JOIN source o ON o.source_id = l.source_id JOIN position p ON p.position_id = l.position_id
LEFT JOIN position d ON d.position_id = l.to_position_id
LEFT JOIN source ours ON ours.name = 'stocktriage'
LEFT JOIN ledger_entry r ON r.source_id = ours.source_id AND r.event_id = {sql_reversal_id("o.name", "l.event_id")}
"""

_BY_NUMBERS = {
    "sqlite": f"{_ENTRIES} WHERE l.entry_id IN (SELECT value FROM json_each(:numbers))",
    "postgresql": f"{_ENTRIES} WHERE l.entry_id IN "
    "(SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:numbers AS json)))",
}

_ABSORBING = f"""
SELECT c.occurred_at, c.event_id, s.name, r.entry_id AS taken_back_by
FROM ledger_entry c JOIN source s ON s.source_id = c.source_id
LEFT JOIN source ours ON ours.name = 'stocktriage'
LEFT JOIN ledger_entry r ON r.source_id = ours.source_id AND r.event_id = {sql_reversal_id("s.name", "c.event_id")}
WHERE c.position_id = :position AND c.occurred_at >= :occurred_at AND c.type = 'count' AND c.entry_id < :entry
  AND c.flags & :absorbed = 0 AND s.name <> 'stocktriage'
ORDER BY c.occurred_at DESC, c.entry_id DESC LIMIT 1
"""
