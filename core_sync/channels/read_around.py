"""Read what can be read: one name that a channel chokes on does not keep all the others from being seen."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, TypeVar

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, ReadFailed

FAILURES_MAX = 16
"""Requests that may fail before the rest is left: enough to find one name among tens of thousands."""

_OF_THE_CHANNEL = frozenset({NOT_SENT, OVER_BUDGET, "READ_TIMEOUT", "NO_REPORT"})
_LETS_NOBODY_IN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})

T = TypeVar("T", bound=Mapping[str, object])


@dataclass
class ReadAround(Generic[T]):
    """What was read, in parts, and by name what could not be."""

    parts: list[T] = field(default_factory=list)
    unread: dict[str, ReadFailed] = field(default_factory=dict)


def read_around(read: Callable[[Sequence[str]], T], names: Sequence[str]) -> ReadAround[T]:
    """Ask for all ``names`` at once; where that fails, for halves, until those are left that fail by themselves.

    Raises:
        ReadFailed: the channel as a whole does not answer, or nothing of several could be read.
    """
    found: ReadAround[T] = ReadAround()
    waiting, failures = deque([list(names)] if names else []), 0
    while waiting:
        part = waiting.popleft()
        try:
            found.parts.append(read(part))
        except ReadFailed as error:
            failures += 1
            if is_of_the_channel(error) or failures > FAILURES_MAX:
                if not found.parts:
                    raise
                found.unread |= dict.fromkeys([*part, *(name for rest in waiting for name in rest)], error)
                break
            if len(part) == 1:
                found.unread[part[0]] = error
            else:
                half = len(part) // 2
                waiting += [part[:half], part[half:]]
    if not found.parts and len(found.unread) > 1:
        raise next(iter(found.unread.values()))
    return found


def is_of_the_channel(error: ReadFailed) -> bool:
    """Whether any other question would fail as well."""
    return error.code in _OF_THE_CHANNEL or error.retry_after_s is not None or error.http_status in _LETS_NOBODY_IN
