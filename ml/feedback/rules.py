"""What can be said of something strange, and how far what is expected reaches: pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from core_sync.errors import VerbRefused

TRUE, FALSE, EXPECTED = "true", "false", "expected"

LONGEST = timedelta(days=366)
"""Nothing is expected for longer: who still expects it then says so again."""

USUAL_DIMENSIONS = ("sku", "location", "channel")
"""What an expectation is narrowed to unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expectation covers: every anomaly that has these values; an empty one stands for any."""

    sku: str = ""
    location: str = ""
    channel: str = ""
    kind: str = ""

    def __str__(self) -> str:
        said = [f"{name} {value}" for name, value in self.values().items() if value]
        return ", ".join(said)

    def values(self) -> dict[str, str]:
        """Dimension and value."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


DIMENSIONS = tuple(one.name for one in fields(Scope))


@dataclass(frozen=True, slots=True)
class Fault:
    """It was a fault."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """It was no fault, for a reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """It is strange and as it should be, until then, within these dimensions of what was found."""

    reason: str
    until: datetime
    within: Collection[str] = USUAL_DIMENSIONS


Opinion = Fault | FalseAlarm | Expected


def said_by(opinion: Opinion) -> str:
    """The word under which an opinion is kept."""
    match opinion:
        case Fault():
            return TRUE
        case FalseAlarm():
            return FALSE
        case Expected():
            return EXPECTED


def opinion_of(said: str, reason: str, until: datetime | None, within: Collection[str] | None, subject: str) -> Opinion:
    """The opinion that a door was told.

    Raises:
        VerbRefused: the word is none of the three, or what that word needs is missing.
    """
    match said:
        case "true":
            return Fault(reason.strip())
        case "false":
            if not reason.strip():
                raise VerbRefused("judge", subject, "a false alarm needs a reason: the next model learns from it")
            return FalseAlarm(reason.strip())
        case "expected":
            if until is None:
                raise VerbRefused("judge", subject, "say until when it is expected")
            return Expected(reason.strip(), until, within or USUAL_DIMENSIONS)
    raise VerbRefused("judge", subject, f"{said} is no judgement; there are {TRUE}, {FALSE}, {EXPECTED}")


def scope_of(rows: Iterable[Mapping[str, Any]], opinion: Expected, at: datetime, subject: str) -> Scope:
    """The narrowest scope in the dimensions asked for that covers all ``rows``.

    Raises:
        VerbRefused: the end is past or too far off, a dimension is none, or the scope would cover everything.
    """
    unknown = sorted(set(opinion.within) - set(DIMENSIONS))
    if unknown:
        raise VerbRefused("judge", subject, f"{unknown[0]} is no dimension; there are {', '.join(DIMENSIONS)}")
    if opinion.until <= at:
        raise VerbRefused("judge", subject, f"{opinion.until.isoformat()} is past")
    if opinion.until > at + LONGEST:
        raise VerbRefused("judge", subject, f"{opinion.until.isoformat()} is more than {LONGEST.days} days off")
    named = list(rows)
    shared = {
        name: values.pop() if len(values := {row[name] or "" for row in named}) == 1 else "" for name in opinion.within
    }
    scope = Scope(**shared)
    if not (scope.sku or scope.location or scope.channel):
        raise VerbRefused("judge", subject, "name the SKU, location or channel: else nothing would raise a case")
    return scope
