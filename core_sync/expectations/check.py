"""Tell what did not come in time, once each; what came unseen, or in another way, is let go.

A round costs what is open: by kind and place one look at when the place worked, then only what is older than the
place's limits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.expectations.activity import working_time
from core_sync.expectations.follow import close
from core_sync.expectations.kinds import KINDS, Expectation
from core_sync.expectations.knowledge import Knowledge, read_knowledge
from core_sync.expectations.pace import Limit
from core_sync.expectations.paces import band_of
from core_sync.expectations.reading import Open
from core_sync.expectations.still_missing import Found, look_for
from core_sync.expectations.wording import in_words
from core_sync.expectations.working_time import WorkingTime
from core_sync.failures.record import NewFailure, record_failures

BANDS = range(8)

BREACHES_AT_ONCE = 500
"""Told in one transaction; the next ones follow in the next."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many breaches were told, and how many expectations let go since what they miss came unseen."""

    breached: int = 0
    let_go: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Open expectations of one kind at one place, begun by what one source told; ``oldest`` is when the first began."""

    kind: str
    location: str
    source_id: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """An expectation past its limit: how long it has been, when it was due, and who should have spoken."""

    open: Open
    limit: Limit
    passed_s: float
    due_at: int
    source: str
    set_by: str | None


def check(database: Database, at: datetime) -> Checked:
    """Tell every expectation that is past its limit and not told yet."""
    with database.reading() as connection:
        knowledge = read_knowledge(connection)
        groups = [Group(*row) for row in connection.execute(text(_GROUPS)).all()]
        found = [one for group in groups for one in _overdue(knowledge, group, at)]
        looked = look_for(connection, [one.open for one in found])
    late = [one for one, state in zip(found, looked, strict=True) if state is Found.MISSING]
    came = [one.open.row for one, state in zip(found, looked, strict=True) if state is Found.CAME]
    if came:
        with database.transaction() as connection:
            close(connection, [row for row in came if row is not None])
    breached = 0
    for start in range(0, len(late), BREACHES_AT_ONCE):
        with database.transaction() as connection:
            told = [one for one in late[start : start + BREACHES_AT_ONCE] if _mark(connection, one.open)]
            record_failures(connection, [_failure(one, at) for one in told])
        breached += len(told)
    return Checked(breached, len(came))


def _overdue(knowledge: Knowledge, group: Group, at: datetime) -> Iterator[Overdue]:
    """What is overdue of one group."""
    kind = KINDS[group.kind]
    speaker, worked = _speaker(knowledge, kind, group)
    limits = {band: knowledge.limit(kind, speaker, group.location, band) for band in BANDS}
    now = to_microseconds(at)
    starts = []
    for limit, _ in limits.values():
        if limit is not None:
            start = worked.latest_start(limit.limit_s) if worked else now - int(limit.limit_s * 1e6)
            starts += [start] if start is not None else []
    if not starts:
        return
    bound = {"kind": group.kind, "location": group.location, "source": group.source_id, "latest": max(starts)}
    for row in knowledge.connection.execute(text(_OLD), bound).all():
        one = Open(*row)
        limit, set_by = limits[band_of(one.since)]
        if limit is None:
            continue
        passed = worked.since(one.since) if worked else (now - one.since) / 1e6
        if passed > limit.limit_s:
            due = worked.reached(one.since, limit.limit_s) if worked else one.since + int(limit.limit_s * 1e6)
            yield Overdue(one, limit, passed, due or now, knowledge.sources.get(speaker, ""), set_by)


def _speaker(knowledge: Knowledge, kind: Expectation, group: Group) -> tuple[int, WorkingTime | None]:
    """Who should tell that it came, and when that place worked; None where the clock counts.

    Whoever told so most often; before anybody has, who told of the beginning, else who tells most of the place.
    """
    if not kind.in_working_time:
        return group.source_id, None
    usual = knowledge.pace(kind.kind).source_of(group.location)
    if usual is None:
        heard = knowledge.connection.execute(text(_WHO_TELLS), {"location": group.location}).scalars().all()
        usual = group.source_id if group.source_id in heard or not heard else heard[0]
    return usual, working_time(knowledge.connection, usual, group.location, group.oldest)


def _mark(connection: Connection, one: Open) -> bool:
    """Note that it is told; False where somebody else did, or it came meanwhile."""
    statement = text("UPDATE open_expectation SET breached = TRUE WHERE expectation_id = :row AND NOT breached")
    return connection.execute(statement, {"row": one.row}).rowcount == 1


def _failure(overdue: Overdue, at: datetime) -> NewFailure:
    one, limit = overdue.open, overdue.limit
    return NewFailure(
        kind="expectation",
        subject=one.subject,
        message=in_words(one, limit, overdue.passed_s),
        occurred_at=from_microseconds(overdue.due_at),
        recorded_at=at,
        system=overdue.source or None,
        operation=f"expect.{one.kind}",
        sku=one.sku or None,
        location=one.location or None,
        error_code=f"EXPECTED_{one.kind.upper()}",
        event_lag_s=overdue.passed_s,
        document=one.document,
        quantity=one.quantity,
        evidence={
            "expected": one.kind,
            "missing": KINDS[one.kind].missing,
            "since": from_microseconds(one.since).isoformat(),
            "event_lag_normal_s": limit.usual_s,
            "limit_s": round(limit.limit_s),
            "observations": limit.observations,
            "set_by": overdue.set_by,
            "line": one.line or None,
        },
    )


_GROUPS = """
SELECT kind, location, source_id, MIN(since) FROM open_expectation WHERE NOT breached
GROUP BY kind, location, source_id
"""

_OLD = """
SELECT kind, document, line, sku, location, source_id, quantity, since, breached, expectation_id
FROM open_expectation
WHERE NOT breached AND kind = :kind AND location = :location AND source_id = :source AND since <= :latest
ORDER BY since, expectation_id
"""

_WHO_TELLS = """
SELECT source_id FROM source_activity WHERE location = :location AND clock = 'occurred'
GROUP BY source_id ORDER BY COUNT(*) DESC, source_id
"""
