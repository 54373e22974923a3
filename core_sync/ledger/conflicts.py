"""Tellings that contradict an earlier one of the same id: kept whole, without effect, until somebody decides.

The later telling is held under an id of its own, ``ID#DIGEST``. That is also the id under which it enters the
ledger when it is decided that it, and not the first, is what happened.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from core_sync.clock import to_microseconds
from core_sync.ledger.arrivals import Arrival, to_payload
from core_sync.ledger.tables import CorrectedTelling, HeldEvent

_DIGITS = 16


def telling_id(arrival: Arrival) -> str:
    """The id under which a contradicting telling is kept: the source's own, and whose content it is."""
    return f"{arrival.event.event_id}#{arrival.content.hex()[:_DIGITS]}"


def keep_conflicts(connection: Connection, arrivals: Sequence[Arrival], at: datetime) -> None:
    """Hold each telling; one that is held already stays as it is."""
    if not arrivals:
        return
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(HeldEvent)
    rows = [_row(arrival, at) for arrival in arrivals]
    connection.execute(statement.on_conflict_do_nothing(index_elements=["source_id", "event_id"]), rows)


def know_telling(connection: Connection, source_id: int, event_id: str, content: bytes) -> None:
    """From now on the telling of ``event_id`` with ``content`` is known: sent again, it is a duplicate."""
    statement = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(CorrectedTelling)
    connection.execute(
        statement.values(source_id=source_id, event_id=event_id, content=content).on_conflict_do_nothing()
    )


def _row(arrival: Arrival, at: datetime) -> dict[str, Any]:
    told = arrival.told or arrival.event
    event_id = told.event_id
    event = replace(told, event_id=telling_id(arrival))
    return {
        "source_id": arrival.source_id,
        "event_id": event.event_id,
        "status": "conflict",
        "reason": "id_conflict",
        "message": f"event {event_id} came again with other content; the first stands",
        "position_id": arrival.position if arrival.position and arrival.told is None else None,
        "quantity_asked": arrival.quantity if arrival.lack is None and arrival.told is None else None,
        "duplicate_of": event_id,
        "document": event.document or None,
        "line": event.line or None,
        "payload": to_payload(event),
        "content": arrival.content,
        "occurred_at": arrival.occurred_at,
        "recorded_at": to_microseconds(at),
        "file": arrival.file,
        "row": arrival.row,
    }
