"""Read what can be read: names that a channel chokes on do not keep all the others from being seen.

A question that fails is asked again in halves, one half after the other down to single names, so that each failure
narrows the search. Who asks again later does well to begin with what was not asked, then what failed in company, and
to leave for last what failed alone: then every look comes further, however many names there are to choke on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, ReadFailed

FAILURES_MAX = 16
"""Failures after which the rest is left: enough to find one name among tens of thousands."""

ASK_THE_WITNESS = 3
"""Questions that may fail, and none succeed, before something else is asked for."""

TIMEOUT_FAILURES = 2
"""As many failures does one question count that nobody answered in time: it took as long as they do."""

_OF_THE_CHANNEL = frozenset({NOT_SENT, OVER_BUDGET, "NO_REPORT"})
_LETS_NOBODY_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})

T = TypeVar("T", bound=Mapping[str, object])


@dataclass
class ReadAround(Generic[T]):
    """What was read, in parts, and by name what could not be.

    Args:
        parts: what was read.
        alone: names that failed when nothing else was asked for.
        in_company: names that failed together with others, which may be the reason.
        not_asked: names left for another time.
        out: why the channel as a whole could not be read; None where it could, or nobody knows.
        answers: whether it was seen to answer about something.
    """

    parts: list[T] = field(default_factory=list)
    alone: dict[str, ReadFailed] = field(default_factory=dict)
    in_company: dict[str, ReadFailed] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)
    out: ReadFailed | None = None
    answers: bool = False

    @property
    def unread(self) -> dict[str, ReadFailed]:
        """Names that were asked for in vain."""
        return self.in_company | self.alone


def read_around(
    read: Callable[[Sequence[str]], T],
    names: Sequence[str],
    witness: Callable[[], str | None] = lambda: None,
    failures_max: int = FAILURES_MAX,
) -> ReadAround[T]:
    """Ask for all ``names`` at once; where that fails, for halves, until those are left that fail by themselves.

    Where the first few questions all fail, ``witness`` names something else that could be read lately: if it still can,
    the channel is well and the names are the reason; if not, or where there is none and nothing at all can be read, the
    channel is out. One name that failed, and nothing to compare it with, is told of as one.
    """
    found: ReadAround[T] = ReadAround()
    waiting, failures, failed = [list(names)] if names else [], 0, 0
    while waiting and found.out is None and failures < failures_max:
        part = waiting.pop()
        try:
            found.parts.append(read(part))
            found.answers = True
        except ReadFailed as error:
            failures += TIMEOUT_FAILURES if error.code == "READ_TIMEOUT" else 1
            failed += 1
            if is_of_the_channel(error):
                found.out = error
                waiting.append(part)
            elif len(part) == 1:
                found.alone[part[0]] = error
            elif failures >= failures_max:
                found.in_company |= dict.fromkeys(part, error)
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
        if not found.answers and found.out is None and (failed == ASK_THE_WITNESS or not waiting):
            _ask_the_witness(read, witness(), found)
    found.not_asked = [name for part in reversed(waiting) for name in part]
    if not found.answers and found.out is None and len(found.unread) + len(found.not_asked) > 1:
        found.out = next(iter(found.unread.values()))
    return found


def _ask_the_witness(read: Callable[[Sequence[str]], T], known: str | None, found: ReadAround[T]) -> None:
    """See whether the channel still answers about what is ``known``; where it does not, it is out."""
    if known is None:
        return
    try:
        read([known])
    except ReadFailed as error:
        found.out = error
    else:
        found.answers = True


def is_of_the_channel(error: ReadFailed) -> bool:
    """Whether any other question would fail as well."""
    return error.code in _OF_THE_CHANNEL or error.retry_after_s is not None or error.http_status in _LETS_NOBODY_IN
