"""The circuit breaker and the request budget of a channel: pure."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core_sync.channels.port import ChannelLimits
from core_sync.outbox.breaker import (
    CLOSED,
    LONGEST_PAUSE_S,
    TRIP_AFTER,
    Breaker,
    Permit,
    observe,
    permit,
    probing,
)
from core_sync.outbox.budget import Budget, listings_affordable, next_token_at, spend
from core_sync.outbox.rules import LEASE, Heard
from tests.core_sync.stocked import MORNING

HOUR = timedelta(hours=1)
WELL = (Heard.ANSWERED, Heard.BUSY)


def out() -> Breaker:
    breaker = CLOSED
    for _ in range(TRIP_AFTER):
        breaker = observe(breaker, Heard.SILENT, MORNING, 1.0)
    return breaker


def test_silent_answers_in_a_row_open_it_and_one_answer_between_them_does_not() -> None:
    breaker = CLOSED
    for told in (Heard.SILENT, Heard.SILENT, Heard.ANSWERED, Heard.SILENT, Heard.SILENT):
        breaker = observe(breaker, told, MORNING, 1.0)
    assert (breaker.state, permit(breaker, MORNING)) == ("trying", Permit.FREELY)
    breaker = observe(breaker, Heard.SILENT, MORNING, 1.0)
    assert (breaker.state, permit(breaker, MORNING)) == ("open", Permit.NOTHING)


def test_a_refused_credential_opens_it_at_once() -> None:
    assert observe(CLOSED, Heard.LOCKED_OUT, MORNING, 1.0).is_open


def test_after_its_pause_it_lets_one_probe_through_and_nobody_else_until_that_has_ended() -> None:
    breaker = out()
    assert permit(breaker, MORNING + HOUR) is Permit.ONE_PROBE
    breaker = probing(breaker, MORNING + HOUR)
    assert permit(breaker, MORNING + HOUR) is Permit.NOTHING
    assert permit(breaker, MORNING + HOUR + LEASE) is Permit.ONE_PROBE  # whoever probed has died


def test_it_remembers_since_when_the_channel_is_out_and_forgets_when_it_answers() -> None:
    breaker = observe(out(), Heard.SILENT, MORNING + HOUR, 1.0)
    assert (breaker.since, breaker.troubles) == (MORNING, TRIP_AFTER + 1)
    assert observe(breaker, Heard.BUSY, MORNING + HOUR, 1.0) == CLOSED


@given(st.lists(st.tuples(st.sampled_from(list(Heard)), st.integers(1, 100), st.floats(0, 1)), max_size=40))
def test_it_is_open_only_after_trouble_and_never_pauses_longer_than_its_bound(
    history: list[tuple[Heard, int, float]],
) -> None:
    breaker, now, troubles = CLOSED, MORNING, 0
    for told, seconds, jitter in history:
        now += timedelta(seconds=seconds)
        one_listings_own = told is Heard.FORBIDDEN and not breaker.is_open
        breaker = observe(breaker, told, now, jitter)
        troubles = 0 if told in WELL else troubles + (not one_listings_own)
        assert breaker.troubles == troubles
        if told in WELL:
            assert breaker == CLOSED
        if breaker.open_until is not None:
            assert timedelta(0) < breaker.open_until - now <= timedelta(seconds=LONGEST_PAUSE_S)


@given(
    st.floats(0.01, 100),
    st.integers(1, 50),
    st.integers(1, 40),
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 500)), max_size=30),
)
def test_no_more_requests_are_sent_than_rate_and_burst_allow(
    rate: float, skus_per_push: int, burst: int, asked: list[tuple[int, int]]
) -> None:
    limits = ChannelLimits(rate, skus_per_push, 30.0, burst=burst)
    budget, now, requests = Budget(), MORNING, 0
    for wait_ms, listings in asked:
        now += timedelta(milliseconds=wait_ms)
        sent = min(listings, listings_affordable(budget, limits, now))
        if sent:
            budget = spend(budget, limits, sent, now)
            requests += -(-sent // skus_per_push)
        assert requests <= burst + rate * (now - MORNING).total_seconds() + 1e-6
        assert listings_affordable(budget, limits, next_token_at(budget, limits, now) + timedelta(microseconds=1)) >= 1
