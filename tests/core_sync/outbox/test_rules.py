"""What an answer means for its listing and its channel, how long to wait, and which push goes first: the pure rules."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_sync.channels.port import OVER_BUDGET, UNKNOWN_LISTING, Accepted, PushAnswer, Rejected
from core_sync.outbox.rules import (
    ATTEMPTS_MAX,
    BENCH_S,
    DeadLetter,
    Done,
    GiveUp,
    Heard,
    Next,
    RetryAt,
    Urgency,
    after,
    class_of,
    heard,
    urgency_of,
    wait_before,
)
from tests.core_sync.outbox.scripted import NO_ANSWER, NO_CONNECTION
from tests.core_sync.stocked import MORNING

BROKEN = Rejected("broken", "E500", 500, transient=True)
MAINTENANCE = Rejected("back soon", "E503", 503, transient=True, retry_after_s=90)
SLOW_DOWN = Rejected("too fast", "E429", 429, transient=True, retry_after_s=7)
REFUSED = Rejected("no such unit", "INVALID", 400)
UNLISTED = Rejected("not listed", UNKNOWN_LISTING, 404)
KEPT_BACK = Rejected("over our budget", OVER_BUDGET, transient=True, retry_after_s=0.5)
FORBIDDEN = Rejected("not yours", "FORBIDDEN", 403)
LOCKED = Rejected("token expired", "UNAUTHORIZED", 401)


def later(seconds: float, *, counted: bool = True) -> RetryAt:
    return RetryAt(MORNING + timedelta(seconds=seconds), counted)


@pytest.mark.parametrize(
    ("answer", "attempt", "expected"),
    [
        (Accepted(), 1, Done()),
        (REFUSED, 1, GiveUp(DeadLetter.REFUSED)),
        (UNLISTED, 1, GiveUp(DeadLetter.UNLISTED)),
        (BROKEN, 1, later(2)),
        (MAINTENANCE, 1, later(90)),
        (NO_ANSWER, 3, later(8)),
        (NO_CONNECTION, 1, later(2)),
        (NO_ANSWER, ATTEMPTS_MAX, GiveUp(DeadLetter.NO_ANSWER)),
        (LOCKED, 1, later(2)),
        (FORBIDDEN, 1, later(2)),
        (FORBIDDEN, ATTEMPTS_MAX, later(64)),
        (SLOW_DOWN, ATTEMPTS_MAX + 1, later(128, counted=False)),
        (KEPT_BACK, ATTEMPTS_MAX, later(0.5, counted=False)),
    ],
)
def test_what_becomes_of_a_listing_after_each_answer(answer: PushAnswer, attempt: int, expected: Next) -> None:
    assert after(answer, attempt, MORNING, jitter=1.0) == expected


def test_what_is_forbidden_is_given_up_once_others_were_answered_meanwhile() -> None:
    assert after(FORBIDDEN, ATTEMPTS_MAX, MORNING, jitter=1.0, its_own=True) == GiveUp(DeadLetter.REFUSED)
    assert after(FORBIDDEN, ATTEMPTS_MAX - 1, MORNING, jitter=1.0, its_own=True) == later(32)


@pytest.mark.parametrize("answer", [BROKEN, NO_ANSWER, NO_CONNECTION, LOCKED])
def test_while_the_whole_channel_is_out_no_listing_is_given_up(answer: PushAnswer) -> None:
    then = after(answer, ATTEMPTS_MAX + 10, MORNING, jitter=0.0, channel_out=True)
    assert then == later(BENCH_S, counted=False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Accepted(), Heard.ANSWERED),
        (REFUSED, Heard.ANSWERED),
        (UNLISTED, Heard.ANSWERED),
        (Rejected("changed", "STALE", 409, transient=True), Heard.ANSWERED),
        (SLOW_DOWN, Heard.BUSY),
        (KEPT_BACK, Heard.BUSY),
        (BROKEN, Heard.SILENT),
        (MAINTENANCE, Heard.SILENT),
        (NO_ANSWER, Heard.SILENT),
        (NO_CONNECTION, Heard.SILENT),
        (FORBIDDEN, Heard.FORBIDDEN),
        (LOCKED, Heard.LOCKED_OUT),
    ],
)
def test_what_each_answer_tells_of_its_channel(answer: PushAnswer, expected: Heard) -> None:
    assert heard(answer) is expected


def test_waits_double_up_to_a_bound_and_jitter_may_shorten_them_to_nothing() -> None:
    assert [wait_before(attempt, 1.0) for attempt in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert wait_before(5_000, 1.0) == 300.0
    assert wait_before(5, 0.0) == 0.0


units = st.integers(0, 10**9)
money = st.integers(-(10**6), 10**9)


@given(units, st.none() | units, money, money, st.integers(0, 10**15))
def test_zero_goes_before_decreases_and_those_before_increases_whatever_is_at_stake(
    quantity: int, told: int | None, margin: int, penalty: int, at_stake: int
) -> None:
    decrease = Urgency.DECREASE if told is not None and quantity < told else Urgency.INCREASE
    expected = Urgency.ZERO if quantity == 0 else decrease
    assert class_of(urgency_of(quantity, told, margin, penalty, at_stake)) is expected


def test_within_a_class_the_larger_loss_goes_first() -> None:
    few, many = urgency_of(9, 10, 100, 50), urgency_of(1, 10, 100, 50)
    dear = urgency_of(9, 10, 10_000, 50)
    assert dear < many < few
    assert urgency_of(0, 10, 1, 0) < dear < urgency_of(10**6, 0, 10**6, 0)
