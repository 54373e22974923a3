"""Time while a place works: slots of five minutes in which something was told of it. Pure.

A closed night, a Sunday and a holiday take no time, however long they are by the clock, and nobody needs to say
when they are. A length told in working time is compared with lengths measured the same way.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

SLOT_US = 300_000_000
SLOTS_AN_HOUR = 12
HOUR_US = SLOT_US * SLOTS_AN_HOUR
SLOT_S = SLOT_US / 1e6


def slots_of(hours: Mapping[int, int]) -> list[int]:
    """Slots since 1970, in order, from bits by hour since 1970."""
    return [
        hour * SLOTS_AN_HOUR + slot
        for hour in sorted(hours)
        for slot in range(SLOTS_AN_HOUR)
        if hours[hour] >> slot & 1
    ]


def hours_of(moments: Iterable[int]) -> dict[int, int]:
    """Bits by hour since 1970, of moments in microseconds since 1970."""
    hours: dict[int, int] = {}
    for moment in moments:
        hour, slot = divmod(moment // SLOT_US, SLOTS_AN_HOUR)
        hours[hour] = hours.get(hour, 0) | 1 << slot
    return hours


class WorkingTime:
    """When a place worked, as far as it is known; moments are microseconds since 1970."""

    def __init__(self, slots: list[int]) -> None:
        """``slots`` are those in which it worked, in order."""
        self._slots = slots

    @property
    def known_until(self) -> int | None:
        """The end of the last slot in which it worked."""
        return (self._slots[-1] + 1) * SLOT_US if self._slots else None

    def seconds(self, since: int, until: int) -> float:
        """Working time between two moments; 0 where the second is not later."""
        if until <= since:
            return 0.0
        first, last = since // SLOT_US, until // SLOT_US
        start, stop = bisect_left(self._slots, first), bisect_left(self._slots, last)
        worked = (stop - start) * SLOT_US
        if start < len(self._slots) and self._slots[start] == first:
            worked -= since - first * SLOT_US
        if stop < len(self._slots) and self._slots[stop] == last:
            worked += until - last * SLOT_US
        return max(0, worked) / 1e6

    def since(self, moment: int) -> float:
        """Working time from ``moment`` on, as far as it is known."""
        return self.seconds(moment, self.known_until or moment)

    def reached(self, since: int, seconds: float) -> int | None:
        """The moment at which ``seconds`` of working time have passed after ``since``; None: not yet."""
        if self.since(since) < seconds:
            return None
        low, high = since, self.known_until or since
        while low < high:
            middle = (low + high) // 2
            if self.seconds(since, middle) < seconds:
                low = middle + 1
            else:
                high = middle
        return low

    def latest_start(self, seconds: float) -> int | None:
        """The latest moment from which at least ``seconds`` (more than 0) have passed; None: not so much is known."""
        wanted = -(-seconds // SLOT_S)
        place = len(self._slots) - int(wanted)
        if place < 0 or not self._slots:
            return None
        spare = int(wanted * SLOT_US - seconds * 1e6)
        return self._slots[place] * SLOT_US + spare
