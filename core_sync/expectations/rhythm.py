"""When a source speaks in a week, and how surprising its silence is. Pure.

Each hour of the week has a chance that a slot of five minutes is spoken in, from the last weeks. A silence is as
surprising as all its slots staying empty by chance: the sum of −ln(1 − chance), in nats. A night or a Sunday in which
nobody ever speaks adds nothing, so only silence when there should be words counts.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core_sync.expectations.pace import TAIL
from core_sync.expectations.working_time import SLOT_S, SLOT_US, SLOTS_AN_HOUR, slots_of

HOURS_A_WEEK = 168
WEEKS = 8
"""So many of the last weeks tell the rhythm."""

LEAST_HOURS = 7 * 24
"""A source is known after a whole week: any week has its weekend."""

LEAST_WORDS = 50
"""… and after so many slots with words."""

LEAST_SURPRISE = math.log(1_000_000)
"""A silence that chance gives once in so many times is never too long, however even the source."""

LEVEL_SLOTS = 36
"""Slots that should have had words, by which is judged whether a source speaks as much as usual these hours."""

LEVEL_HOURS = 48
"""… looking back at most so far."""

_HEARD_MOST = 0.97
"""No slot is surer than this: one missed beat is no alarm."""

_DRAWN = 6
"""Slots by which an hour of the week is drawn towards what its day and its time of day suggest."""

_THURSDAY = 72
"""1970 began on a Thursday: three days after Monday."""


def hour_of_week(hour: int) -> int:
    """0 for Monday's first hour in UTC, of an ``hour`` since 1970."""
    return (hour + _THURSDAY) % HOURS_A_WEEK


@dataclass(frozen=True)
class Rhythm:
    """How a source speaks: the chance of a word in a slot by hour of the week, and the surprise that is too much."""

    chances: Sequence[float]
    limit: float
    usual_s: float
    """The usual time between two slots with words, by the clock."""
    words: int
    """Slots with words that it was learned from."""

    def surprise(self, since: int, until: int) -> float:
        """Of silence between two moments (microseconds since 1970), in nats; slots not yet over do not count."""
        return _surprise(self.chances, since // SLOT_US + 1, until // SLOT_US)

    def level(self, hours: Mapping[int, int], last_heard_at: int) -> float:
        """How much it spoke just before it was last heard, against what is usual for the hour: at most 1.

        Where business is slow, or stock has run out, a source speaks less without being silent.

        Args:
            hours: bits of the slots with words, by hour since 1970, of the last days.
            last_heard_at: microseconds since 1970.
        """
        last = last_heard_at // SLOT_US
        expected, heard, slot = 0.0, 0, last
        while slot > last - LEVEL_HOURS * SLOTS_AN_HOUR and expected < LEVEL_SLOTS:
            hour, place = divmod(slot, SLOTS_AN_HOUR)
            expected += self.chances[hour_of_week(hour)]
            heard += hours.get(hour, 0) >> place & 1
            slot -= 1
        return min(1.0, (heard + _DRAWN) / (expected + _DRAWN))

    def patience_s(self) -> float:
        """Seconds of silence that are too long at the time at which it speaks most."""
        return math.ceil(self.limit / _of_slot(max(self.chances))) * SLOT_S

    def speaks_at(self, moment: int) -> bool:
        """Whether it is among the hours in which it is usually heard: at least a quarter as often as on average."""
        usual = sum(chance * chance for chance in self.chances) / max(1e-9, sum(self.chances))
        return self.chances[hour_of_week(moment // (SLOT_US * SLOTS_AN_HOUR))] >= usual / 4


def learn_rhythm(hours: Mapping[int, int], until: int) -> Rhythm | None:
    """The rhythm in the last weeks before the hour ``until``; None while too little is known.

    Args:
        hours: bits of the slots with words, by hour since 1970.
        until: the hour since 1970 that is not over yet.
    """
    recent = {hour: bits for hour, bits in hours.items() if until - WEEKS * HOURS_A_WEEK <= hour < until}
    slots = slots_of(recent)
    if len(slots) < LEAST_WORDS or until - min(recent) < LEAST_HOURS:
        return None
    chances = _chances(recent, range(min(recent), until))
    surprises = sorted(_surprise(chances, before + 1, after) for before, after in itertools.pairwise(slots))
    gaps = sorted(after - before for before, after in itertools.pairwise(slots))
    late = surprises[int(0.95 * len(surprises))]
    limit = late + TAIL * (late - surprises[int(0.80 * len(surprises))])
    return Rhythm(chances, max(LEAST_SURPRISE, limit), gaps[len(gaps) // 2] * SLOT_S, len(slots))


def _chances(hours: Mapping[int, int], span: range) -> list[float]:
    """The chance of a word in a slot, by hour of the week; what is little known follows its day and time of day."""
    observed, spoken = [0] * HOURS_A_WEEK, [0] * HOURS_A_WEEK
    for hour in span:
        observed[hour_of_week(hour)] += SLOTS_AN_HOUR
        spoken[hour_of_week(hour)] += hours.get(hour, 0).bit_count()
    whole = sum(spoken) / sum(observed)
    by_day = [_share(spoken[day * 24 : day * 24 + 24], observed[day * 24 : day * 24 + 24]) for day in range(7)]
    by_time = [_share(spoken[time::24], observed[time::24]) for time in range(24)]
    chances = []
    for hour in range(HOURS_A_WEEK):
        suggested = min(1.0, by_day[hour // 24] * by_time[hour % 24] / whole)
        chances.append((spoken[hour] + _DRAWN * suggested) / (observed[hour] + _DRAWN))
    return chances


def _share(spoken: Sequence[int], observed: Sequence[int]) -> float:
    return sum(spoken) / max(1, sum(observed))


def _surprise(chances: Sequence[float], first: int, stop: int) -> float:
    """Of slots ``first`` up to and without ``stop`` staying empty, in nats."""
    total, slot = 0.0, first
    while slot < stop:
        hour = slot // SLOTS_AN_HOUR
        end = min(stop, (hour + 1) * SLOTS_AN_HOUR)
        total += (end - slot) * _of_slot(chances[hour_of_week(hour)])
        slot = end
    return total


def _of_slot(chance: float) -> float:
    return -math.log(1 - min(_HEARD_MOST, chance))
