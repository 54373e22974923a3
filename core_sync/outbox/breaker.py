"""The circuit breaker of one channel: pauses when it answers nobody, probes, resumes. A pure state machine.

closed ──TRIP_AFTER silent answers in a row, or locked out──► open ──pause over──► one probe
  ▲                                                            ▲                     │
  └──────────────── any answer of a working channel ───────────┼─────────────────────┤
                                                               └──── silent again ───┘
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core_sync.outbox.rules import LEASE, Heard

TRIP_AFTER = 3
"""Silent answers in a row that stand for an outage: one may be a lost packet, two a restart."""

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
"""An outage that is over is noticed within this, and a dead channel is asked no more often."""


class Permit(StrEnum):
    """What the breaker lets through."""

    FREELY = "freely"
    ONE_PROBE = "one_probe"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Breaker:
    """Silent answers in a row ``since`` when; open while ``open_until`` is set, which is when to probe next."""

    troubles: int = 0
    since: datetime | None = None
    open_until: datetime | None = None
    probes: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the channel is out."""
        return self.open_until is not None

    @property
    def state(self) -> str:
        """``closed``, ``open``, or ``trying`` after a first silent answer."""
        return "open" if self.is_open else "trying" if self.troubles else "closed"


CLOSED = Breaker()


def permit(breaker: Breaker, at: datetime) -> Permit:
    """What may be pushed at ``at``."""
    if breaker.open_until is None:
        return Permit.FREELY
    return Permit.ONE_PROBE if breaker.open_until <= at else Permit.NOTHING


def probing(breaker: Breaker, at: datetime) -> Breaker:
    """The breaker while somebody probes: others keep off until the probe has ended, or its dispatcher has died."""
    return replace(breaker, open_until=at + LEASE)


def observe(breaker: Breaker, told: Heard, at: datetime, jitter: float) -> Breaker:
    """The breaker after an answer that told ``told``; ``jitter`` from 0 to 1 shortens the pause by up to half."""
    if told in (Heard.ANSWERED, Heard.BUSY):
        return CLOSED
    since = breaker.since or at
    if told is Heard.FORBIDDEN and not breaker.is_open:
        return replace(breaker, since=since)
    troubles = breaker.troubles + 1
    if not breaker.is_open and troubles < TRIP_AFTER and told is not Heard.LOCKED_OUT:
        return Breaker(troubles, since)
    probes = breaker.probes + 1 if breaker.is_open else 0
    pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(probes, 30)) * (1 + jitter) / 2
    return Breaker(troubles, since, at + timedelta(seconds=pause_s), probes)
