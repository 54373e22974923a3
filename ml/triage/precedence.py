"""Who goes first where several threads compute in one process: a new failure's case before the weighing of large ones.

Only one thread has the interpreter at a time, and it knows no priorities: so whoever has time asks, row after row,
whether somebody is in a hurry.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

ASKED_EVERY = 500
"""Rows between two questions: some milliseconds of work."""

WAITED_S = 0.5
"""No longer at a time, so that who has time gets on even where somebody is always in a hurry."""

T = TypeVar("T")

_changed = threading.Condition()
_hurrying: set[int] = set()
"""Threads that are in a hurry."""


@contextmanager
def hurrying() -> Iterator[None]:
    """While the block lasts, the other threads of this process give way to this one."""
    me = threading.get_ident()
    with _changed:
        _hurrying.add(me)
    try:
        yield
    finally:
        with _changed:
            _hurrying.discard(me)
            _changed.notify_all()


def giving_way(rows: Iterable[T]) -> Iterator[T]:
    """``rows``, with a rest where others are in a hurry; not to be walked in a transaction that writes."""
    for place, row in enumerate(rows, start=1):
        if place % ASKED_EVERY == 0:
            _give_way()
        yield row


def _give_way() -> None:
    me = threading.get_ident()
    with _changed:
        if me not in _hurrying:
            _changed.wait_for(lambda: not _hurrying, WAITED_S)
