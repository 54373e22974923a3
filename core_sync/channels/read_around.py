"""Read what can be read: names that a channel chokes on do not keep all the others from being seen.

A question that fails is asked again in halves, one half after the other down to single names, so that each failure
narrows the search. The halves are others each time: who asks again for what was left comes further, however many
names there are to choke on.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, ReadFailed

FAILURES_MAX = 16
"""Failures after which the rest is left: enough to find one name among tens of thousands that is answered badly."""

TIMEOUT_FAILURES = 2
"""As many failures does one question count that nobody answered in time: it took as long as they do."""

ASK_WITNESSES_AFTER = 2
"""Questions that may fail, and none succeed, before something else is asked for."""

_OF_THE_CHANNEL = frozenset({NOT_SENT, OVER_BUDGET, "NO_REPORT"})
_LETS_NOBODY_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})

T = TypeVar("T", bound=Mapping[str, object])


@dataclass
class ReadAround(Generic[T]):
    """What was read, in parts, and by name what could not be.

    Args:
        parts: what was read.
        alone: names that failed when nothing else was asked for.
        not_asked: names left for another time: never asked for, or together with others that may be the reason.
        out: why the channel as a whole could not be read; None where it could, or nobody knows.
        answers: whether it was seen to answer about something.
    """

    parts: list[T] = field(default_factory=list)
    alone: dict[str, ReadFailed] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)
    out: ReadFailed | None = None
    answers: bool = False

    @property
    def is_well(self) -> bool:
        """Whether the channel as a whole can be read: it answered, and did not go out meanwhile."""
        return self.answers and self.out is None


def read_around(
    read: Callable[[Sequence[str]], T],
    names: Sequence[str],
    witnesses: Callable[[], Sequence[str]] = tuple,
    failures_max: int = FAILURES_MAX,
) -> ReadAround[T]:
    """Ask for all ``names`` at once; where that fails, for halves, until those are left that fail by themselves.

    Where the first questions all fail, ``witnesses`` names a few others that could be read lately: if one of them can
    be, the channel is well and the names are the reason; if none, or where there are none and nothing at all can be
    read, the channel is out. One name that failed, and nothing to compare it with, is told of as one.
    """
    found: ReadAround[T] = ReadAround()
    waiting = [list(names)] if names else []
    failures, failed, last = 0, 0, None
    while waiting and found.out is None and failures < failures_max:
        part = waiting.pop()
        try:
            found.parts.append(read(part))
            found.answers = True
        except ReadFailed as error:
            failures += TIMEOUT_FAILURES if error.code == "READ_TIMEOUT" else 1
            failed, last = failed + 1, error
            if is_of_the_channel(error):
                found.out = error
                found.not_asked += part
            elif len(part) == 1:
                found.alone[part[0]] = error
            elif failures >= failures_max:
                found.not_asked += part
            else:
                half, others = len(part) // 2, random.sample(part, len(part))
                waiting += [others[half:], others[:half]]
        if not found.answers and found.out is None and (failed == ASK_WITNESSES_AFTER or not waiting):
            _ask(witnesses(), read, found)
    found.not_asked += [name for part in waiting for name in part]
    if not found.answers and len(found.alone) + len(found.not_asked) > 1:
        found.out = found.out or last
    return found


def _ask(witnesses: Sequence[str], read: Callable[[Sequence[str]], T], found: ReadAround[T]) -> None:
    """See whether the channel still answers about one of ``witnesses``; where it does about none, it is out."""
    for name in witnesses:
        try:
            read([name])
        except ReadFailed as error:
            found.out = error
        else:
            found.answers, found.out = True, None
            return


def is_of_the_channel(error: ReadFailed) -> bool:
    """Whether any other question would fail as well."""
    return error.code in _OF_THE_CHANNEL or error.retry_after_s is not None or error.http_status in _LETS_NOBODY_IN
