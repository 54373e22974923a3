"""A source's silence is surprising while it should speak, and not in a night, on a Sunday, or when business is slow."""

import random
from datetime import UTC, datetime, timedelta

from core_sync.clock import to_microseconds
from core_sync.expectations.rhythm import HOURS_A_WEEK, Rhythm, hour_of_week, learn_rhythm
from core_sync.expectations.working_time import HOUR_US, hours_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def spoken(weeks: int, every_min: float, seed: int = 1, saturdays: bool = False) -> list[datetime]:
    """What a warehouse that works from 6 to 20 on weekdays tells, at random moments."""
    chance, moment, told = random.Random(seed), MONDAY, []
    while moment < MONDAY + timedelta(weeks=weeks):
        moment += timedelta(minutes=chance.expovariate(1 / every_min))
        if 6 <= moment.hour < 20 and moment.weekday() < (6 if saturdays else 5):
            told.append(moment)
    return told


def rhythm_of(told: list[datetime], until: datetime) -> Rhythm:
    rhythm = learn_rhythm(hours_of(map(to_microseconds, told)), to_microseconds(until) // HOUR_US)
    assert rhythm is not None
    return rhythm


def silence(rhythm: Rhythm, since: datetime, **span: float) -> float:
    return rhythm.surprise(to_microseconds(since), to_microseconds(since + timedelta(**span)))


def test_a_week_begins_on_monday() -> None:
    assert hour_of_week(to_microseconds(MONDAY) // HOUR_US) == 0
    assert hour_of_week(to_microseconds(MONDAY + timedelta(days=6, hours=23)) // HOUR_US) == HOURS_A_WEEK - 1


def test_after_one_week_a_night_and_a_weekend_are_no_silence() -> None:
    rhythm = rhythm_of(spoken(1, 3), MONDAY + timedelta(weeks=1, hours=7))
    assert silence(rhythm, MONDAY + timedelta(days=8, hours=20), hours=10) < 1
    assert silence(rhythm, MONDAY + timedelta(days=11, hours=20), hours=58) < 1


def test_an_hour_and_a_half_of_silence_in_working_time_is_too_much() -> None:
    rhythm = rhythm_of(spoken(3, 3), MONDAY + timedelta(weeks=3))
    assert silence(rhythm, MONDAY + timedelta(days=22, hours=10), hours=1.5) > rhythm.limit


def test_a_source_that_seldom_speaks_is_given_more_time() -> None:
    often, seldom = (rhythm_of(spoken(4, every), MONDAY + timedelta(weeks=4)) for every in (3, 45))
    assert seldom.patience_s() > 3 * often.patience_s()
    assert seldom.usual_s > often.usual_s


def test_no_sound_gap_of_the_next_weeks_is_too_long() -> None:
    told = spoken(10, 6, seed=3, saturdays=True)
    known = [moment for moment in told if moment < MONDAY + timedelta(weeks=4)]
    rhythm = rhythm_of(known, MONDAY + timedelta(weeks=4))
    for before, after in zip(told[len(known) :], told[len(known) + 1 :], strict=False):
        assert rhythm.surprise(to_microseconds(before), to_microseconds(after)) <= rhythm.limit


def test_before_a_week_has_passed_nothing_is_known() -> None:
    told = spoken(1, 3)
    assert learn_rhythm(hours_of(map(to_microseconds, told[:-200])), to_microseconds(told[-200]) // HOUR_US) is None


def test_when_business_is_slow_silence_says_less() -> None:
    rhythm = rhythm_of(spoken(3, 3), MONDAY + timedelta(weeks=3))
    slow = [moment for n, moment in enumerate(spoken(1, 3, seed=9)) if n % 8 == 0]
    level = rhythm.level(hours_of(map(to_microseconds, slow)), to_microseconds(slow[-1]))
    assert level < 0.6
    assert rhythm.level(hours_of(map(to_microseconds, spoken(1, 3))), to_microseconds(spoken(1, 3)[-1])) > 0.85
