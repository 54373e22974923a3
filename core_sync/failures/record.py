"""Write failures down, once per open subject, and close them when their cause is gone.

A subject (a listing, a held event, a position) has at most one open failure; the database's partial
unique index says so. Telling the same trouble again updates that row: newest message and codes, and
one more attempt. Whichever case holds the failure is marked to be weighed again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Insert, bindparam, func, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from core_sync.clock import to_microseconds
from core_sync.failures.redaction import redacted, redacted_text
from core_sync.failures.tables import Failure

_NEWEST_TELLING_WINS = (
    "message",
    "http_status",
    "error_code",
    "latency_ms",
    "event_lag_s",
    "reservation_age_s",
    "duplicate_of",
    "mapping_candidates",
    "quantity",
    "evidence",
)


WORDS_OF_OTHERS = frozenset({"push", "channel", "told"})
"""Kinds of failures whose message is what another system said, and may hold what must not be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFailure:
    """One failed update, rejected event or missed expectation, as it is told.

    Args:
        kind: what sort of failure, as the part that tells it calls it (``push``, ``parked``, ``negative`` …).
        subject: what failed, e.g. ``push:shop-eu:SKU-1``; without one every telling is a failure of its own.
        occurred_at: when it went wrong. ``recorded_at``: when we learnt of it.
        attempts: how often it was tried in all; where the teller does not count, each telling adds one.
        id: the teller's own name for the failure; empty gives it one.
        evidence: anything else that helps to find the cause; kept as JSON, secrets and personal data redacted.
    """

    kind: str
    message: str
    occurred_at: datetime
    recorded_at: datetime
    subject: str | None = None
    id: str = ""
    system: str | None = None
    channel: str | None = None
    operation: str | None = None
    sku: str | None = None
    location: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    attempts: int | None = None
    latency_ms: float | None = None
    event_lag_s: float | None = None
    reservation_age_s: float | None = None
    duplicate_of: str | None = None
    mapping_candidates: str | None = None
    document: str | None = None
    quantity: int | None = None
    evidence: Mapping[str, Any] | None = None


def record_failure(connection: Connection, failure: NewFailure) -> int:
    """Write one failure down, or tell its open one again; returns the row's ``failure_id``."""
    row = _row(failure)
    if failure.subject is None:
        return _written(connection, insert(Failure).values(row))
    failure_id = _written(connection, _upsert(connection.dialect.name).values(row))
    _ask_for_review(connection, [failure_id])
    return failure_id


def record_failures(connection: Connection, failures: Iterable[NewFailure]) -> None:
    """Write many failures down in one go; each subject among them that is already open is told again."""
    told = list(failures)
    single = [_row(failure) for failure in told if failure.subject is None]
    about = [_row(failure) for failure in told if failure.subject is not None]
    if single:
        connection.execute(insert(Failure), single)
    if about:
        about.sort(key=itemgetter("subject"))  # writers at the same time come to a row in the same order
        connection.execute(_upsert(connection.dialect.name), about)
        _ask_for_review(connection, _open_among(connection, [str(row["subject"]) for row in about]))


def resolve_subject(connection: Connection, subject: str, at: datetime, resolution: str) -> bool:
    """Close the open failure of ``subject``, if there is one; says whether there was."""
    return resolve_subjects(connection, [subject], at, resolution) > 0


def resolve_subjects(connection: Connection, subjects: Sequence[str], at: datetime, resolution: str) -> int:
    """Close the open failures of ``subjects``; returns how many there were."""
    return resolve_failures(connection, _open_among(connection, subjects), at, resolution)


def resolve_failures(connection: Connection, failure_ids: Sequence[int], at: datetime, resolution: str) -> int:
    """Close the failures named, those without a subject too; returns how many were open."""
    if not failure_ids:
        return 0
    statement = (
        update(Failure)
        .where(col(Failure.failure_id) == bindparam("closed_id"), col(Failure.resolved_at).is_(None))
        .values(resolved_at=to_microseconds(at), resolution=resolution)
    )
    closed = connection.execute(statement, [{"closed_id": failure_id} for failure_id in failure_ids])
    _ask_for_review(connection, failure_ids)
    return max(closed.rowcount, 0)


def _written(connection: Connection, statement: Insert) -> int:
    failure_id = connection.execute(statement.returning(col(Failure.failure_id))).scalar_one()
    assert failure_id is not None  # the key of a row that is there
    return failure_id


def _open_among(connection: Connection, subjects: Sequence[str]) -> list[int]:
    """The open failures of ``subjects``, in the order of those; one probe of the index each, in one statement."""
    if not subjects:
        return []
    on_sqlite = connection.dialect.name == "sqlite"
    told = "json_each(:told)" if on_sqlite else "json_array_elements_text(CAST(:told AS json))"
    pinned = "CROSS" if on_sqlite else ""  # SQLite takes the order of a CROSS JOIN as given
    statement = text(
        f"SELECT f.subject, f.failure_id FROM {told} w {pinned} JOIN failure f ON f.subject = w.value "
        "WHERE f.subject IS NOT NULL AND f.resolved_at IS NULL"
    )
    found = connection.execute(statement, {"told": msgspec.json.encode(sorted(set(subjects))).decode()})
    return [
        failure_id for _, failure_id in sorted((row.subject, row.failure_id) for row in found)
    ]  # by our order of words, not the database's


def _row(failure: NewFailure) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(failure, name) for name in NewFailure.__dataclass_fields__}
    row["id"] = failure.id or uuid4().hex
    row["occurred_at"] = to_microseconds(failure.occurred_at)
    row["recorded_at"] = to_microseconds(failure.recorded_at)
    if failure.kind in WORDS_OF_OTHERS:
        row["message"] = redacted_text(failure.message)
    known = redacted(failure.evidence) if failure.evidence is not None else None
    row["evidence"] = msgspec.json.encode(known).decode() if known is not None else None
    return row


@cache
def _upsert(dialect: str) -> Insert:
    """Insert, or where the subject has an open failure, update that; one spelling for both databases."""
    statement = sqlite.insert(Failure) if dialect == "sqlite" else postgresql.insert(Failure)
    told = statement.excluded
    changed: dict[str, Any] = {name: func.coalesce(told[name], getattr(Failure, name)) for name in _NEWEST_TELLING_WINS}
    changed["attempts"] = func.coalesce(told["attempts"], func.coalesce(col(Failure.attempts), 1) + 1)
    return statement.on_conflict_do_update(
        index_elements=[col(Failure.subject)],
        index_where=col(Failure.resolved_at).is_(None) & col(Failure.subject).is_not(None),
        set_=changed,
    )


def _ask_for_review(connection: Connection, failure_ids: Sequence[int]) -> None:
    """Mark the cases that hold failures to be weighed again, in the order of their keys; failures are held before."""
    on_sqlite = connection.dialect.name == "sqlite"
    bound = {"told": msgspec.json.encode(list(failure_ids)).decode()}
    connection.execute(text(_REVIEW_ON_SQLITE if on_sqlite else _REVIEW_ON_POSTGRESQL), bound)


_REVIEW_ON_SQLITE = """
UPDATE exception_case SET needs_review = true WHERE case_id IN (
    SELECT s.case_id FROM json_each(:told) w CROSS JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = w.value)
"""

_REVIEW_ON_POSTGRESQL = """
UPDATE exception_case SET needs_review = true WHERE case_id IN (
    SELECT case_id FROM exception_case WHERE case_id IN (
        SELECT s.case_id FROM json_array_elements_text(CAST(:told AS json)) w
        JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = CAST(w.value AS bigint))
    ORDER BY case_id FOR UPDATE)
"""
