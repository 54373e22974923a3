"""Group commit: what many threads bring at the same time is written in one transaction, each hears of its own.

The commit is the dear part of a small write, so callers that come while others write are written together. There is
no thread of its own: the caller at the head of the queue leads, which means it takes what waits, writes it and tells
the others. A lone caller so leads at once and waits for nobody. After a transaction of several callers the next leader
waits for as many again, at most ``WAIT_S``: they have just been answered and are on their way back.

The queue is first come, first served, so a caller waits at most for the transactions of those before it.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core_sync.errors import DatabaseUnavailable
from core_sync.ledger.events import Event
from core_sync.ledger.outcome import BatchOutcome, Origin
from core_sync.ledger.shares import Share

WAIT_S = 0.005
"""The longest a leader waits for others."""

EVENTS_MAX = 100
"""Events that are gathered; a larger arrival makes a transaction of its own."""


def together(waiting: Sequence[Share], events_max: int = EVENTS_MAX) -> int:
    """How many of ``waiting``, from the first on, make a transaction: one actor's, up to ``events_max`` events."""
    events = 0
    for count, share in enumerate(waiting):
        events += len(share.events)
        if count and (events > events_max or share.actor != waiting[0].actor):
            return count
    return len(waiting)


def worth_waiting(waiting: Sequence[Share], last_callers: int, events_max: int = EVENTS_MAX) -> bool:
    """Whether fewer wait than were written together last time, and there is room for more."""
    return len(waiting) < last_callers and sum(len(share.events) for share in waiting) < events_max


@dataclass(eq=False, slots=True)
class _Caller:
    """One thread that waits, to lead or to be answered."""

    share: Share
    called: threading.Event = field(default_factory=threading.Event)
    leads: bool = False
    outcome: BatchOutcome | None = None
    error: Exception | None = None


class Gathering:
    """Writes what threads bring, by up to ``writers`` of them at once."""

    def __init__(
        self,
        write: Callable[[Sequence[Share]], Sequence[BatchOutcome]],
        writers: int = 1,
        wait_s: float = WAIT_S,
    ) -> None:
        """``write`` makes one transaction of some arrivals and tells the outcome of each; all or none is written."""
        self._write = write
        self._wait_s = wait_s
        self._idle = writers
        self._collects = False
        self._last_callers = 1
        self._waiting: deque[_Caller] = deque()
        self._came = threading.Condition()

    def apply(
        self,
        events: Sequence[Event],
        recorded_at: datetime,
        actor: str | None = None,
        origins: Sequence[Origin] | None = None,
    ) -> BatchOutcome:
        """What became of ``events``, once they are written; none go nowhere.

        Raises:
            DatabaseUnavailable: nothing was written; the same may be sent again.
            Exception: whatever writing these events alone raises; another caller's trouble is never raised here.
        """
        if not events:
            return BatchOutcome()
        origins = origins or [Origin("", row) for row in range(1, len(events) + 1)]
        caller = _Caller(Share(events, recorded_at, origins, actor))
        with self._came:
            self._waiting.append(caller)
            self._call_leader()
            self._came.notify()
        caller.called.wait()
        if caller.leads:
            self._lead()
        if caller.error is not None:
            raise caller.error
        assert caller.outcome is not None
        return caller.outcome

    @property
    def waiting(self) -> int:
        """How many callers wait for a transaction that has not begun."""
        return len(self._waiting)

    def _call_leader(self) -> None:
        """Let the head of the queue lead, where a writer is idle and nobody collects for it yet."""
        if self._waiting and self._idle and not self._collects:
            self._idle -= 1
            self._collects = True
            self._waiting[0].leads = True
            self._waiting[0].called.set()

    def _lead(self) -> None:
        callers: list[_Caller] = []
        try:
            with self._came:
                try:
                    self._came.wait_for(lambda: not worth_waiting(self._shares(), self._last_callers), self._wait_s)
                finally:
                    callers = [self._waiting.popleft() for _ in range(together(self._shares()))]
                    self._last_callers = len(callers)
                    self._collects = False
                    self._call_leader()
            self._settle(callers)
        finally:
            with self._came:
                self._idle += 1
                self._call_leader()
            for caller in callers:
                if caller.outcome is None and caller.error is None:
                    caller.error = RuntimeError("the thread that wrote for this one was stopped; nothing is known")
                caller.called.set()

    def _shares(self) -> list[Share]:
        return [caller.share for caller in self._waiting]

    def _settle(self, callers: Sequence[_Caller]) -> None:
        """Write for all; where that fails for another reason than the database, for each apart."""
        try:
            outcomes = self._write([caller.share for caller in callers])
        except Exception as error:
            if len(callers) == 1 or isinstance(error, DatabaseUnavailable):
                for caller in callers:
                    caller.error = error
                return
            for caller in callers:
                self._settle([caller])
            return
        for caller, outcome in zip(callers, outcomes, strict=True):
            caller.outcome = outcome
