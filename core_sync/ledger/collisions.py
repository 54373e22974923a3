"""One id that two writers took at once under two SKUs: one accepted what the other held.

Writers wait for each other by SKU, not by id: locking every id of every batch would cost more than all else. Two that
accept one id are stopped by its unique key, and so are two that hold it. What one accepts while the other holds it is
found afterwards, on PostgreSQL alone, and is what it would have been one after the other: the held telling contradicts
the accepted one. Until then it waits and cannot apply.
"""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.failures.record import record_failures, resolve_subjects
from core_sync.ledger.arrivals import Arrival, from_payload
from core_sync.ledger.signals import held_subject, keep_told_otherwise


def settle_collisions(connection: Connection, at: datetime) -> int:
    """Make what is held under the id of an entry what contradicts it; returns how many there were."""
    found = connection.execute(text(_COLLIDED)).all()
    arrivals = []
    for held_id, source_id, payload, content, occurred_at, recorded_at, position, file, row in found:
        arrivals.append(
            Arrival(from_payload(payload), source_id, bytes(content), occurred_at, recorded_at,
                    position=position or 0, file=file, row=row)
        )  # fmt: skip
        connection.execute(text("DELETE FROM held_event WHERE held_id = :held_id"), {"held_id": held_id})
    if arrivals:
        record_failures(connection, keep_told_otherwise(connection, arrivals, at))
        subjects = [held_subject(arrival.event.source, arrival.event.event_id) for arrival in arrivals]
        resolve_subjects(connection, subjects, at, "its id was accepted with other content")
    return len(arrivals)


_COLLIDED = """
SELECT h.held_id, h.source_id, h.payload, h.content, h.occurred_at, h.recorded_at, h.position_id, h.file, h.row
FROM held_event h JOIN ledger_entry l ON l.source_id = h.source_id AND l.event_id = h.event_id
WHERE h.status IN ('parked', 'refused', 'suspected_duplicate') ORDER BY h.held_id
"""
