"""The continuous proof: position by position, replaying the ledger gives what is kept, and open items add up.

A pass walks the positions by number in slices, each one consistent read that locks nothing. A round proves
slices until its time is used up and the next round goes on there, so the proof never stalls the service,
however long the ledger. What differs is a failure, one open a position, closed when it agrees again.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects
from core_sync.ledger.collisions import settle_collisions
from core_sync.ledger.history import Disagreement, disagreements

KIND = "ledger_disagreement"
OPERATION = "ledger.prove"

ROUND = timedelta(seconds=0.5)
"""Time that one round takes, and at most one slice more."""

_SLICE = 100
"""Positions a slice."""


@dataclass(frozen=True, slots=True)
class ProofRound:
    """What a round proved; ``completed`` when it came to the end of the positions."""

    proved: int
    differing: int
    completed: bool


@dataclass(frozen=True, slots=True)
class ProofState:
    """How far the pass under way has come, and how the last whole one ended."""

    positions: int
    proved: int
    started_at: datetime | None
    whole_started_at: datetime | None
    whole_ended_at: datetime | None
    whole_proved: int
    open_disagreements: int

    @property
    def coverage(self) -> float:
        """Share of all positions that the pass under way has proved; between two passes that is none."""
        return min(1.0, self.proved / self.positions) if self.positions else 1.0


def prove(database: Database, at: datetime, budget: timedelta = ROUND) -> ProofRound:
    """Go on with the pass until ``budget`` is used up or the pass is over."""
    deadline = time.monotonic() + budget.total_seconds()
    with database.reading() as connection:
        begun_at: int = connection.execute(text("SELECT proved_to FROM ledger_proof")).scalar_one()
    proved_to, proved = begun_at, 0
    found: list[Disagreement] = []
    while True:
        with database.reading() as connection:
            numbers = connection.execute(text(_NEXT), {"after": proved_to, "slice": _SLICE}).scalars().all()
            if numbers:
                found += disagreements(connection, (numbers[0], numbers[-1]))
        proved += len(numbers)
        proved_to = numbers[-1] if numbers else proved_to
        over = len(numbers) < _SLICE
        if over or time.monotonic() >= deadline:
            break
    with database.transaction() as connection:
        _tell(connection, found, (begun_at, proved_to), at)
        if over and not database.is_sqlite:
            settle_collisions(connection, at)
        _advance(connection, begun_at, proved_to, proved, len({one.position for one in found}), over, at)
    return ProofRound(proved, len({one.position for one in found}), over)


def prove_all(database: Database, at: datetime, budget: timedelta) -> ProofState:
    """A whole pass from the first position, as far as ``budget`` allows; the rounds go on from there."""
    with database.transaction() as connection:
        connection.execute(text(_ANEW))
    prove(database, at, budget)
    with database.reading() as connection:
        return read_proof(connection)


def read_proof(connection: Connection) -> ProofState:
    """How far the proof has come."""
    row = connection.execute(text("SELECT * FROM ledger_proof")).one()
    return ProofState(
        positions=connection.execute(text("SELECT count(*) FROM position")).scalar_one(),
        proved=row.proved,
        started_at=_moment(row.started_at),
        whole_started_at=_moment(row.whole_started_at),
        whole_ended_at=_moment(row.whole_ended_at),
        whole_proved=row.whole_proved,
        open_disagreements=len(_open_subjects(connection)),
    )


def _tell(connection: Connection, found: Sequence[Disagreement], among: tuple[int, int], at: datetime) -> None:
    """Record what differs; close what differed among the positions proved (the first number excluded) and is mended."""
    by_position: dict[int, list[Disagreement]] = {}
    for one in found:
        by_position.setdefault(one.position, []).append(one)
    record_failures(connection, [_failure(ones, at) for ones in by_position.values()])
    first, last = among
    mended = [
        subject
        for subject in _open_subjects(connection)
        if first < (position := int(subject.rpartition(":")[2])) <= last and position not in by_position
    ]
    resolve_subjects(connection, mended, at, "replaying the ledger gives the position again")


def _failure(found: Sequence[Disagreement], at: datetime) -> NewFailure:
    one = found[0]
    lot = f" lot {one.lot}" if one.lot else ""
    return NewFailure(
        kind=KIND,
        subject=f"{OPERATION}:{one.position}",
        message=f"{one.sku} at {one.location}{lot}: {'; '.join(_differences(found))}",
        occurred_at=at,
        recorded_at=at,
        operation=OPERATION,
        sku=one.sku,
        location=one.location,
        error_code=KIND,
        attempts=1,
        quantity=one.stored - one.replayed,
        evidence={f"{each.state}, {each.against}": [each.stored, each.replayed] for each in found},
    )


def _differences(found: Iterable[Disagreement]) -> Iterable[str]:
    for one in found:
        yield f"{one.state.replace('_', ' ')} is kept as {one.stored}, its {one.against} say {one.replayed}"


def _open_subjects(connection: Connection) -> Sequence[str]:
    return connection.execute(text(_OPEN), {"kind": KIND}).scalars().all()


def _advance(
    connection: Connection, begun_at: int, proved_to: int, proved: int, differing: int, over: bool, at: datetime
) -> None:
    """Write down how far it came; where another process advanced meanwhile, its word stands."""
    bound = {"begun_at": begun_at, "proved_to": proved_to, "proved": proved, "differing": differing,
             "at": to_microseconds(at)}  # fmt: skip
    advanced = connection.execute(text(_ADVANCE), bound)
    if over and advanced.rowcount:
        connection.execute(text(_END), {"at": to_microseconds(at)})


def _moment(microseconds: int | None) -> datetime | None:
    return from_microseconds(microseconds) if microseconds is not None else None


_NEXT = "SELECT position_id FROM position WHERE position_id > :after ORDER BY position_id LIMIT :slice"

_OPEN = "SELECT subject FROM failure WHERE resolved_at IS NULL AND subject IS NOT NULL AND kind = :kind"

_ANEW = "UPDATE ledger_proof SET proved_to = 0, proved = 0, differing = 0, started_at = NULL"

_ADVANCE = """
UPDATE ledger_proof SET proved_to = :proved_to, proved = proved + :proved, differing = differing + :differing,
       started_at = COALESCE(started_at, :at), updated_at = :at
WHERE proved_to = :begun_at
"""

_END = """
UPDATE ledger_proof SET whole_started_at = started_at, whole_ended_at = :at, whole_proved = proved,
       whole_differing = differing, proved_to = 0, proved = 0, differing = 0, started_at = NULL
"""
