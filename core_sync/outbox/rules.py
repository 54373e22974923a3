"""What a push's answer means for its listing, when to try again, and which listing goes first: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from http import HTTPStatus

from core_sync.channels.port import NOT_SENT, OVER_BUDGET, UNKNOWN_LISTING, Accepted, PushAnswer, Rejected, Unknown

ATTEMPTS_MAX = 6
"""Tries of one value before it waits for a person or a new value; tries that the whole channel spoils do not count."""

FORBIDDEN_MAX = 25
"""Listings in a row that a channel forbids, and none that it takes, which stand for its letting nobody in.

Fewer are their own trouble: the zeros of a few that were delisted stand next to each other in the order.
"""

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0

BENCH_S = 60.0
"""How long a listing keeps off after its push found the whole channel out: the next probes are others' turn.

Else one listing that the channel chokes on would be every probe. All benched listings are due once the channel answers.
"""

BENCH_OF_THE_FORBIDDEN_S = 600.0
"""The same for one that was forbidden: it may be forbidden for ever, and so may the next ones in the order."""

LEASE = timedelta(seconds=30)
"""How long a dispatcher may be silent before another takes its listings over.

Longer than one submission takes at worst: connecting, answering and reading back have time-outs of seconds.
"""

LOSS_MAX = 10**15 - 1
"""Larger losses, in ten-thousandths of money, are all the same to the order of pushes."""


class DeadLetter(StrEnum):
    """Why a value was given up; what a replay selects by."""

    REFUSED = "refused"
    """The channel said no, and would again."""
    UNLISTED = "unlisted"
    """The channel does not list the SKU: a matter of master data, said once, whatever values follow."""
    NO_ANSWER = "no_answer"
    """Tried often enough while the channel answered others: no answer came, or none that settled it."""


@dataclass(frozen=True, slots=True)
class Done:
    """The channel took it; now it must be seen to show it."""


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at ``when``; the try counts towards giving up only where it is ``counted``."""

    when: datetime
    counted: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Leave it to a person, a replay or a new value."""

    why: DeadLetter


Next = Done | RetryAt | GiveUp


class Heard(StrEnum):
    """What an answer tells of the channel as a whole."""

    ANSWERED = "answered"
    """It is there and does its work, whatever it said of this listing."""
    BUSY = "busy"
    """It is there and asks us to slow down."""
    SILENT = "silent"
    """No answer, or none that a working channel gives."""
    FORBIDDEN = "forbidden"
    """It forbids this listing: its own trouble, or of very many in a row the channel's."""
    LOCKED_OUT = "locked_out"
    """It no longer lets us in: nothing else will succeed either."""


class Urgency(IntEnum):
    """Classes of pushes in the order in which they go out: what can oversell before what can only undersell."""

    ZERO = 0
    DECREASE = 1
    INCREASE = 2


def heard(answer: PushAnswer) -> Heard:
    """What ``answer`` tells of the channel that gave it, or did not."""
    if isinstance(answer, Unknown):
        return Heard.SILENT
    if isinstance(answer, Accepted):
        return Heard.ANSWERED
    status = answer.http_status or 0
    if answer.code == NOT_SENT or (answer.transient and status >= HTTPStatus.INTERNAL_SERVER_ERROR):
        return Heard.SILENT
    if status == HTTPStatus.UNAUTHORIZED:
        return Heard.LOCKED_OUT
    if status == HTTPStatus.FORBIDDEN:
        return Heard.FORBIDDEN
    slow_down = answer.retry_after_s is not None or status == HTTPStatus.TOO_MANY_REQUESTS
    return Heard.BUSY if answer.transient and slow_down else Heard.ANSWERED


def after(
    answer: PushAnswer, attempt: int, at: datetime, jitter: float, *, channel_out: bool = False, its_own: bool = False
) -> Next:
    """What becomes of a listing after ``answer``, given at ``at``, to try number ``attempt`` (from 1).

    Args:
        answer: the channel's, unknowns having been settled by reading back where that was possible.
        attempt: tries of this value that counted, this one included.
        at: when the answer came.
        jitter: from 0 to 1; full jitter, so that many listings do not come back at once.
        channel_out: whether the channel answers nobody: then it is not this listing's failure.
        its_own: of what is forbidden, whether the channel has answered others meanwhile: else it may lock us out.
    """
    forbidden = heard(answer) is Heard.FORBIDDEN
    match answer:
        case Accepted():
            return Done()
        case Rejected(code=code, transient=False) if heard(answer) is Heard.ANSWERED:
            return GiveUp(DeadLetter.UNLISTED if code == UNKNOWN_LISTING else DeadLetter.REFUSED)
        case Rejected(code=code, retry_after_s=asked):
            counted = forbidden or not (heard(answer) is Heard.BUSY or code == OVER_BUDGET or channel_out)
            wait = max(asked or 0.0, 0.0 if code == OVER_BUDGET else wait_before(attempt, jitter))
        case Unknown():
            counted, wait = not channel_out, wait_before(attempt, jitter)
    wait = max(wait, BENCH_OF_THE_FORBIDDEN_S if forbidden else BENCH_S) if channel_out else wait
    if counted and attempt >= ATTEMPTS_MAX and (its_own or not forbidden):
        return GiveUp(DeadLetter.REFUSED if forbidden else DeadLetter.NO_ANSWER)
    return RetryAt(at + timedelta(seconds=wait), counted)


def wait_before(attempt: int, jitter: float) -> float:
    """Seconds to wait after try number ``attempt`` (from 1): doubling, bounded, with full jitter in [0, 1].

    Full jitter as in "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
    """
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempt - 1, 30))
    return longest * jitter


def urgency_of(quantity: int, told: int | None, margin: int, penalty: int, at_stake: int = 0) -> int:
    """The place of a push in the order, the smallest first: zero, decreases, increases; then the larger loss.

    Args:
        quantity: units the listing shall show.
        told: units it shows, or was last told to; None: nobody knows.
        margin: ten-thousandths of the reporting currency lost on a unit that could be sold and is not.
        penalty: ten-thousandths of the reporting currency for a unit sold that is not there, beside the margin.
        at_stake: ten-thousandths of the reporting currency that open cases expect to lose on the listing.
    """
    if quantity == 0:
        kind, units, loss = Urgency.ZERO, told or 0, margin + penalty
    elif told is not None and quantity < told:
        kind, units, loss = Urgency.DECREASE, told - quantity, margin + penalty
    else:
        kind, units, loss = Urgency.INCREASE, quantity - (told or 0), margin
    return kind * (LOSS_MAX + 1) + LOSS_MAX - min(LOSS_MAX, max(at_stake, units * loss))


def as_decrease(urgency: int) -> int:
    """The same place among decreases, for an increase of which it turned out that more may be shown than promised."""
    return urgency - (LOSS_MAX + 1) if class_of(urgency) is Urgency.INCREASE else urgency


def class_of(urgency: int) -> Urgency:
    """The class that an urgency belongs to."""
    return Urgency(urgency // (LOSS_MAX + 1))
