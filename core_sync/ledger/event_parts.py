"""What became of an event: of one about a kit, of each of its components, and what each draws on beyond its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, text

from core_sync.ledger.arrivals import from_payload
from core_sync.ledger.events import CORRECTIONS, PARTS
from core_sync.ledger.own_ids import draw_id, sql_reversal_id

_DRAWS_MAX = 3
"""Reservations that one movement can draw on beyond its own."""


@dataclass(frozen=True, slots=True)
class EventPart:
    """One id under which the event is known. ``status`` is ``accepted``, ``reversed`` or that of the held event."""

    source_id: int
    source: str
    event_id: str
    status: str
    sku: str | None
    position: int | None


def event_parts(connection: Connection, source: str, event_id: str) -> Sequence[EventPart]:
    """The event itself, the further components where it names a kit, our entries that draw on other reservations for
    them; none where nobody told of it.
    """
    parts: list[EventPart] = []
    for name in (event_id, *_further_ids(connection, source, event_id)):
        parts += _part(connection, source, name)
        for number in range(1, _DRAWS_MAX + 1):
            drawn = _part(connection, CORRECTIONS, draw_id(source, name, number))
            if not drawn:
                break
            parts += drawn
    return parts


def _part(connection: Connection, source: str, event_id: str) -> list[EventPart]:
    row = connection.execute(text(_PART), {"source": source, "event_id": event_id}).first()
    return [EventPart(*row)] if row is not None else []


def _further_ids(connection: Connection, source: str, event_id: str) -> list[str]:
    row = connection.execute(text(_TOLD), {"source": source, "event_id": event_id}).first()
    if row is None:
        return []
    attributes = from_payload(row.payload).attributes if row.payload else msgspec.json.decode(row.attributes or "{}")
    return msgspec.json.decode(attributes.get(PARTS, "[]"), type=list[str])


_TOLD = """
SELECT l.attributes, CASE WHEN l.entry_id IS NULL THEN h.payload END AS payload
FROM source s
LEFT JOIN ledger_entry l ON l.source_id = s.source_id AND l.event_id = :event_id
LEFT JOIN held_event h ON h.source_id = s.source_id AND h.event_id = :event_id
WHERE s.name = :source
"""

_PART = f"""
SELECT s.source_id, s.name, :event_id, CASE WHEN r.entry_id IS NOT NULL THEN 'reversed' WHEN l.entry_id IS NOT NULL
       THEN 'accepted' ELSE h.status END, p.sku,
       p.position_id
FROM source s
LEFT JOIN ledger_entry l ON l.source_id = s.source_id AND l.event_id = :event_id
LEFT JOIN held_event h ON h.source_id = s.source_id AND h.event_id = :event_id
LEFT JOIN position p ON p.position_id = COALESCE(l.position_id, h.position_id)
LEFT JOIN source ours ON ours.name = 'stocktriage'
LEFT JOIN ledger_entry r ON r.source_id = ours.source_id AND r.event_id = {sql_reversal_id("s.name", ":event_id")}
WHERE s.name = :source AND (l.entry_id IS NOT NULL OR h.held_id IS NOT NULL)
"""
