"""What people say of how long something may take: kept as versions, each with its owner and reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.expectations.kinds import BY_VOLUME, KINDS

LONGEST_S = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class SetLimit:
    """What somebody set for a kind, a source and a location (empty: any). ``limit_s`` None: nothing is expected."""

    kind: str
    source: str
    location: str
    limit_s: float | None
    owner: str
    reason: str
    set_at: datetime


@dataclass(frozen=True)
class SetLimits:
    """What is set now, by kind, source and location."""

    known: Mapping[tuple[str, str, str], SetLimit] = field(default_factory=dict)

    def of(self, kind: str, source: str, location: str) -> SetLimit | None:
        """What holds for a place: what was set for it, else for its source, else for its location, else for all."""
        for key in ((kind, source, location), (kind, source, ""), (kind, "", location), (kind, "", "")):
            if key in self.known:
                return self.known[key]
        return None


def set_limit(
    connection: Connection,
    kind: str,
    limit_s: float | None,
    owner: str,
    reason: str,
    at: datetime,
    source: str = "",
    location: str = "",
) -> None:
    """Say how long ``kind`` may take from now on; ``limit_s`` None: it is not expected at all.

    Raises:
        NotFound: there is no such kind.
        VerbRefused: no reason is given, or the length is none that something can take.
    """
    _check(kind, "set", reason)
    if limit_s is not None and kind in BY_VOLUME:
        raise VerbRefused("set", kind, "it goes by what else is sold, not by time; it can be off, or learned")
    if limit_s is not None and not 1 <= limit_s <= LONGEST_S:
        raise VerbRefused("set", f"{kind}", f"{limit_s:g} s is not between a second and a year")
    _write(connection, kind, source, location, limit_s, False, owner, reason, at)


def learn_again(
    connection: Connection, kind: str, owner: str, reason: str, at: datetime, source: str = "", location: str = ""
) -> None:
    """Let what is learned decide again for what was set.

    Raises:
        NotFound: there is no such kind.
        VerbRefused: nothing was set for it, or no reason is given.
    """
    _check(kind, "clear", reason)
    if (kind, source, location) not in read_limits(connection).known:
        raise VerbRefused("clear", f"{kind}", "nothing is set for it")
    _write(connection, kind, source, location, None, True, owner, reason, at)


def read_limits(connection: Connection) -> SetLimits:
    """What is set now."""
    known: dict[tuple[str, str, str], SetLimit] = {}
    for kind, source, location, limit_s, learned, owner, reason, set_at in connection.execute(text(_READ)):
        known.pop((kind, source, location), None)
        if not learned:
            known[kind, source, location] = SetLimit(
                kind, source, location, limit_s, owner, reason, from_microseconds(set_at)
            )
    return SetLimits(known)


def _check(kind: str, verb: str, reason: str) -> None:
    if kind not in KINDS:
        raise NotFound("expectation called", f"{kind}; there are {', '.join(KINDS)}")
    if not reason.strip():
        raise VerbRefused(verb, kind, "a reason must be given")


def _write(
    connection: Connection,
    kind: str,
    source: str,
    location: str,
    limit_s: float | None,
    learned: bool,
    owner: str,
    reason: str,
    at: datetime,
) -> None:
    connection.execute(
        text(_SET),
        {
            "kind": kind, "source": source, "location": location, "limit": limit_s, "learned": learned,
            "owner": owner, "reason": reason, "at": to_microseconds(at),
        },
    )  # fmt: skip


_READ = """
SELECT kind, source, location, limit_s, learned, owner, reason, set_at FROM expectation_limit ORDER BY limit_id
"""

_SET = """
INSERT INTO expectation_limit (kind, source, location, limit_s, learned, owner, reason, set_at)
VALUES (:kind, :source, :location, :limit, :learned, :owner, :reason, :at)
"""
