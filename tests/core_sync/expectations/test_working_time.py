"""Working time passes while a place works, and not while it is closed."""

from hypothesis import given
from hypothesis import strategies as st

from core_sync.expectations.working_time import SLOT_US, WorkingTime, hours_of, slots_of

MINUTE = 60_000_000
worked = st.sets(st.integers(0, 60), max_size=40).map(sorted)
moments = st.integers(0, 65 * SLOT_US // MINUTE).map(lambda minutes: minutes * MINUTE)


def by_minutes(slots: list[int], since: int, until: int) -> float:
    """Counted minute by minute."""
    return sum(minute // SLOT_US in slots for minute in range(since, until, MINUTE)) * 60.0


@given(worked, moments, moments)
def test_it_is_the_minutes_in_slots_that_were_worked(slots: list[int], since: int, until: int) -> None:
    assert WorkingTime(slots).seconds(since, until) == by_minutes(slots, since, until)


@given(worked, moments, moments, moments)
def test_two_spans_add_up(slots: list[int], one: int, two: int, three: int) -> None:
    first, second, third = sorted((one, two, three))
    time = WorkingTime(slots)
    assert time.seconds(first, third) == time.seconds(first, second) + time.seconds(second, third)


@given(worked, moments, st.integers(1, 180))
def test_the_moment_at_which_so_much_has_passed_is_the_first_such(slots: list[int], since: int, minutes: int) -> None:
    time = WorkingTime(slots)
    reached = time.reached(since, minutes * 60)
    if reached is None:
        assert time.since(since) < minutes * 60
    else:
        assert time.seconds(since, reached) >= minutes * 60 > time.seconds(since, reached - 1)


@given(worked, st.integers(1, 180))
def test_the_latest_start_is_the_last_moment_since_which_so_much_has_passed(slots: list[int], minutes: int) -> None:
    time = WorkingTime(slots)
    start = time.latest_start(minutes * 60)
    if start is None:
        assert time.since(0) < minutes * 60
    else:
        assert time.since(start) >= minutes * 60 > time.since(start + 1)


def test_a_closed_weekend_takes_no_time() -> None:
    friday_evening, monday_morning = 20 * 12, (20 + 60) * 12
    time = WorkingTime([friday_evening - 1, monday_morning])
    assert time.seconds((friday_evening - 1) * SLOT_US, (monday_morning + 1) * SLOT_US) == 600


@given(st.lists(st.integers(0, 10**13), max_size=30))
def test_slots_are_kept_as_bits_of_their_hours(told: list[int]) -> None:
    assert slots_of(hours_of(told)) == sorted({moment // SLOT_US for moment in told})
