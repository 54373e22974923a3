"""How long things take: counts by length, and from them what is usual and what is too long. Pure.

Lengths are counted in bins that grow by a tenth each, so every length is known to within a tenth and counts of
any order, place or time add up (the idea of DDSketch: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable
quantile sketch", VLDB 2019).

Too long is what an exponential tail beyond the fifth longest of a hundred would leave once in ``ODDS``. With few
observations a place is drawn towards what is known of its source, and that towards what people expect.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GROWTH = 1.1
"""Upper over lower edge of a bin."""

ODDS = 5_000
"""How seldom something sound takes longer than the limit, if its tail is exponential."""

TAIL = math.log(0.05 * ODDS) / math.log(0.20 / 0.05)
"""An exponential tail from one in five to one in twenty, so many times longer, leaves one in ``ODDS``."""

LEAST_MARGIN = 1.5
"""What takes nearly always as long as ever may still take half as long again."""

FLOOR = 10
"""Fewer observations say nothing by themselves."""

DRAWN = 20
"""With so many observations a place counts as much as what is known above it."""


def bin_of(seconds: float) -> int:
    """The bin of a length; up to one second is bin 0."""
    return 0 if seconds <= 1 else math.floor(math.log(seconds) / math.log(GROWTH)) + 1


def longest_in(number: int) -> float:
    """Seconds at the upper edge of bin ``number``."""
    return float(GROWTH**number)


@dataclass(frozen=True)
class Pace:
    """How often something took how long: count by bin."""

    counts: Mapping[int, int]

    @classmethod
    def of(cls, lengths: Iterable[float]) -> "Pace":
        """The pace of ``lengths`` in seconds."""
        counts: dict[int, int] = {}
        for seconds in lengths:
            number = bin_of(seconds)
            counts[number] = counts.get(number, 0) + 1
        return cls(counts)

    def __add__(self, other: "Pace") -> "Pace":
        """Both together."""
        numbers = self.counts.keys() | other.counts.keys()
        return Pace({number: self.counts.get(number, 0) + other.counts.get(number, 0) for number in numbers})

    @property
    def observations(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float:
        """Seconds that at least ``share`` of the observations took at most.

        Raises:
            ValueError: there is no observation.
        """
        wanted, seen = share * self.observations, 0
        for number in sorted(self.counts):
            seen += self.counts[number]
            if seen >= wanted and seen > 0:
                return longest_in(number)
        raise ValueError("nothing was observed")

    @property
    def usual_s(self) -> float:
        """Seconds that half of them took at most."""
        return self.quantile(0.5)

    @property
    def limit_s(self) -> float:
        """Seconds after which it is too long."""
        late = self.quantile(0.95)
        return max(LEAST_MARGIN * late, late + TAIL * (late - self.quantile(0.80)))


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something usually takes (None: not known) and may take at most, in seconds; by how many observations."""

    usual_s: float | None
    limit_s: float
    observations: int


def shrunk(known: Sequence[Pace], otherwise_s: float) -> Limit:
    """The limit of the first of ``known``, each drawn towards the next, and the last towards ``otherwise_s``.

    Args:
        known: from the closest (this hour at this place) to the widest (this source).
        otherwise_s: what people expect where nothing is known.
    """
    limit = Limit(None, otherwise_s, 0)
    for pace in reversed(known):
        seen = pace.observations
        if seen >= FLOOR:
            weight = seen / (seen + DRAWN)
            limit = Limit(
                _between(limit.usual_s, pace.usual_s, weight), _between(limit.limit_s, pace.limit_s, weight), seen
            )
    return limit


def _between(other: float | None, own: float, weight: float) -> float:
    """Between two lengths, in the measure in which they are told apart: their ratio."""
    return own if other is None else math.exp(weight * math.log(own) + (1 - weight) * math.log(other))
