"""Sources that have fallen silent: told once, closed when they speak again.

Only who has been silent for a while is looked at. How a source speaks is learned once a day from its last weeks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.expectations.activity import ANYWHERE, hours_with_words
from core_sync.expectations.kinds import SOURCE_SPEAKS
from core_sync.expectations.limits import SetLimits, read_limits
from core_sync.expectations.rhythm import HOURS_A_WEEK, LEVEL_HOURS, WEEKS, Rhythm, learn_rhythm
from core_sync.expectations.wording import length
from core_sync.expectations.working_time import HOUR_US, SLOT_US
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects

LOOKED_AT_AFTER = timedelta(minutes=10)
"""Nobody is silent before."""

LEARNED_FOR = timedelta(days=1)
"""How long a learned rhythm is used before it is learned again."""


@dataclass(frozen=True, slots=True)
class Listened:
    """How many sources (each for a place, or as a whole) were found silent, and how many speak again."""

    silent: int = 0
    speaking: int = 0


@dataclass(frozen=True, slots=True)
class Speaker:
    """A source as far as it speaks of a location, or of any (empty); when it was last heard and how it speaks."""

    source_id: int
    source: str
    location: str
    last_heard_at: int
    learned_at: int | None
    rhythm: Rhythm | None
    silent: bool

    @property
    def subject(self) -> str:
        """The failure subject of its silence."""
        return f"expected:{SOURCE_SPEAKS.kind}:{msgspec.json.encode([self.source, self.location]).decode()}"


def listen(database: Database, at: datetime) -> Listened:
    """Tell of sources that are silent when they should speak, and close the failures of those that speak again."""
    now = to_microseconds(at)
    quiet_since = now - LOOKED_AT_AFTER // timedelta(microseconds=1)
    with database.reading() as connection:
        back = [_speaker(row) for row in connection.execute(text(_BACK), {"since": quiet_since})]
        quiet = [_speaker(row) for row in connection.execute(text(_QUIET), {"since": quiet_since})]
        known = [_known(connection, one, now) for one in quiet]
        limits = read_limits(connection)
        silent = [one for one in known if not one.silent and _too_long(connection, one, limits, now)]
    told = _widest(silent, [one for one in known if one.silent])
    learned = [new for new, old in zip(known, quiet, strict=True) if new is not old]
    if not (learned or back or told):
        return Listened()
    with database.transaction() as connection:
        _remember(connection, learned)
        speaking = [one for one in back if _mark(connection, one, False)]
        resolve_subjects(connection, [one.subject for one in speaking], at, "it speaks again")
        fallen = [one for one in told if _mark(connection, one, True)]
        record_failures(connection, [_failure(one, limits, at) for one in fallen])
    return Listened(len(fallen), len(speaking))


def read_speakers(connection: Connection) -> list[Speaker]:
    """Every source and place with words, by name."""
    return [_speaker(row) for row in connection.execute(text(_ALL))]


def _too_long(connection: Connection, one: Speaker, limits: SetLimits, now: int) -> bool:
    said = limits.of(SOURCE_SPEAKS.kind, one.source, one.location)
    if said is not None:
        return said.limit_s is not None and _silent_s(one, now) > said.limit_s
    if one.rhythm is None:
        return False
    surprise = one.rhythm.surprise(one.last_heard_at, now)
    if surprise <= one.rhythm.limit:
        return False
    since = one.last_heard_at // HOUR_US - LEVEL_HOURS
    lately = hours_with_words(connection, one.source_id, one.location, "recorded", since)
    return surprise * one.rhythm.level(lately, one.last_heard_at) > one.rhythm.limit


def _silent_s(one: Speaker, now: int) -> float:
    """Seconds of silence; in the hours in which it usually speaks, once these are known."""
    if one.rhythm is None:
        return (now - one.last_heard_at) / 1e6
    slots = range(one.last_heard_at // SLOT_US, now // SLOT_US)
    return sum(one.rhythm.speaks_at(slot * SLOT_US) for slot in slots) * SLOT_US / 1e6


def _widest(fallen: Sequence[Speaker], silent: Iterable[Speaker]) -> list[Speaker]:
    """Those of ``fallen`` to tell: a source that is silent as a whole is one silence, whatever places it spoke of."""
    whole = {one.source_id for one in (*fallen, *silent) if one.location == ANYWHERE}
    return [one for one in fallen if one.location == ANYWHERE or one.source_id not in whole]


def _known(connection: Connection, one: Speaker, now: int) -> Speaker:
    """``one`` with its rhythm learned anew, where that is due."""
    if one.learned_at is not None and now - one.learned_at < LEARNED_FOR // timedelta(microseconds=1):
        return one
    hour = now // HOUR_US
    hours = hours_with_words(connection, one.source_id, one.location, "recorded", hour - WEEKS * HOURS_A_WEEK)
    rhythm = learn_rhythm(hours, hour)
    return Speaker(one.source_id, one.source, one.location, one.last_heard_at, now, rhythm, one.silent)


def _remember(connection: Connection, learned: Sequence[Speaker]) -> None:
    rows = [
        {
            "source": one.source_id, "location": one.location, "at": one.learned_at,
            "rhythm": msgspec.json.encode(asdict(one.rhythm)).decode() if one.rhythm is not None else None,
        }
        for one in learned
    ]  # fmt: skip
    if rows:
        connection.execute(text(_LEARNED), rows)


def _mark(connection: Connection, one: Speaker, silent: bool) -> bool:
    """Note whether it is silent; False where somebody else did."""
    bound = {"source": one.source_id, "location": one.location, "silent": silent}
    return connection.execute(text(_MARK), bound).rowcount == 1


def _speaker(row: Row[Any]) -> Speaker:
    rhythm = msgspec.json.decode(row.rhythm, type=Rhythm) if row.rhythm is not None else None
    return Speaker(
        row.source_id, row.name, row.location, row.last_heard_at, row.learned_at, rhythm, bool(row.silent)
    )  # fmt: skip


def _failure(one: Speaker, limits: SetLimits, at: datetime) -> NewFailure:
    heard = from_microseconds(one.last_heard_at)
    place = f" of {one.location}" if one.location else ""
    said = limits.of(SOURCE_SPEAKS.kind, one.source, one.location)
    usually = f", which usually come every {length(one.rhythm.usual_s)}" if one.rhythm is not None else ""
    return NewFailure(
        kind="expectation",
        subject=one.subject,
        message=f"no messages from {one.source}{place} since {heard:%Y-%m-%d %H:%M} UTC{usually}: "
        "its interface or its queue stands still",
        occurred_at=heard,
        recorded_at=at,
        system=one.source,
        operation=f"expect.{SOURCE_SPEAKS.kind}",
        location=one.location or None,
        error_code=f"EXPECTED_{SOURCE_SPEAKS.kind.upper()}",
        event_lag_s=(at - heard).total_seconds(),
        evidence={
            "expected": SOURCE_SPEAKS.kind,
            "missing": SOURCE_SPEAKS.missing,
            "since": heard.isoformat(),
            "event_lag_normal_s": one.rhythm.usual_s if one.rhythm is not None else None,
            "observations": one.rhythm.words if one.rhythm is not None else 0,
            "set_by": said.owner if said is not None else None,
        },
    )


_ALL = """
SELECT r.source_id, s.name, r.location, r.last_heard_at, r.learned_at, r.rhythm, r.silent
FROM source_rhythm r JOIN source s ON s.source_id = r.source_id ORDER BY s.name, r.location
"""

_QUIET = """
SELECT r.source_id, s.name, r.location, r.last_heard_at, r.learned_at, r.rhythm, r.silent
FROM source_rhythm r JOIN source s ON s.source_id = r.source_id
WHERE r.last_heard_at <= :since ORDER BY s.name, r.location
"""

_BACK = """
SELECT r.source_id, s.name, r.location, r.last_heard_at, r.learned_at, r.rhythm, r.silent
FROM source_rhythm r JOIN source s ON s.source_id = r.source_id
WHERE r.silent AND r.last_heard_at > :since
"""

_LEARNED = """
UPDATE source_rhythm SET rhythm = :rhythm, learned_at = :at WHERE source_id = :source AND location = :location
"""

_MARK = """
UPDATE source_rhythm SET silent = :silent WHERE source_id = :source AND location = :location AND silent <> :silent
"""
