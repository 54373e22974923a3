"""When to push again, and what a push's answer means for its listing: pure."""

from dataclasses import dataclass
from datetime import timedelta

from core_sync.channels.port import Accepted, PushAnswer, Rejected, Unknown

ATTEMPTS_MAX = 6
"""Tries of one value before it waits for a person or a new value."""

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0

LEASE = timedelta(seconds=60)
"""How long a dispatcher may be silent before another takes its listings over."""


@dataclass(frozen=True, slots=True)
class Next:
    """The state a listing goes into, and for ``pending`` how long it waits first."""

    state: str
    wait_s: float = 0.0


def wait_before(attempt: int, jitter: float) -> float:
    """Seconds to wait after try number ``attempt`` (from 1): doubling, bounded, with full jitter in [0, 1]."""
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))
    return longest * jitter


def after(answer: PushAnswer, attempt: int, jitter: float) -> Next:
    """What becomes of a listing after ``answer`` to try number ``attempt``."""
    match answer:
        case Accepted():
            return Next("accepted")
        case Rejected(transient=False):
            return Next("failed")
        case Rejected(retry_after_s=asked) if attempt < ATTEMPTS_MAX:
            return Next("pending", max(asked or 0.0, wait_before(attempt, jitter)))
        case Unknown() if attempt < ATTEMPTS_MAX:
            return Next("pending", wait_before(attempt, jitter))
        case _:
            return Next("failed")
