"""Which cases an event is in, by the failures that name it: what is decided about it stands in their timelines."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.timeline import add_entries, entry_values


def cases_of_event(connection: Connection, subject: str, source: str, event_id: str) -> Sequence[int]:
    """The cases with a failure about the event (``subject``), or about one that seems to repeat it."""
    bound = {"subject": subject, "source": source, "event_id": event_id}
    return connection.execute(text(_MENTIONING), bound).scalars().all()


def tell_cases_of_event(
    connection: Connection, subject: str, source: str, event_id: str, actor: str, verb: str, at: datetime, note: str
) -> None:
    """Write a line into the timeline of each of those cases."""
    cases = cases_of_event(connection, subject, source, event_id)
    add_entries(connection, [entry_values(case_id, actor, verb, at, note) for case_id in cases])


_MENTIONING = """
SELECT DISTINCT s.case_id FROM case_signal s WHERE s.kind = 'failure' AND s.signal_id IN (
    SELECT failure_id FROM failure WHERE subject = :subject
    UNION ALL
    SELECT failure_id FROM failure WHERE duplicate_of = :event_id AND system = :source
) ORDER BY s.case_id
"""
