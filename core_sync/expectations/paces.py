"""What was observed of how long things take: kept by kind, source, place and hours of the week, and read back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from core_sync.expectations.pace import FLOOR, Limit, Pace, bin_of, shrunk
from core_sync.expectations.rhythm import hour_of_week
from core_sync.expectations.working_time import HOUR_US

PERIOD_US = 28 * 24 * HOUR_US
PERIODS = 3
"""So many spans of 28 days are remembered, the newest of which has just begun or is about to end."""

EVENT_LAG = "event_lag"
"""Not an expectation: how long after an event we usually hear of it, by the clock."""

Place = tuple[str, int, str]
"""Kind, source and location of what met it."""


def band_of(moment: int) -> int:
    """Which hours of the week a moment lies in: a quarter of a day, of a weekday or of a weekend, in UTC."""
    day, hour = divmod(hour_of_week(moment // HOUR_US), 24)
    return hour // 6 + (4 if day >= 5 else 0)


@dataclass
class Observations:
    """Observed lengths until they are written."""

    counts: dict[tuple[str, int, str, int, int, int], int] = field(default_factory=dict)

    def add(self, kind: str, source_id: int, location: str, began: int, seconds: float) -> None:
        """One more: what began at ``began`` took ``seconds``."""
        row = (kind, source_id, location, band_of(began), began // PERIOD_US, bin_of(seconds))
        self.counts[row] = self.counts.get(row, 0) + 1

    def write(self, connection: Connection) -> None:
        """Add them to what was observed before, and forget what is too old."""
        if not self.counts:
            return
        names = ("kind", "source", "location", "band", "period", "bin")
        rows = [{**dict(zip(names, row, strict=True)), "seen": seen} for row, seen in sorted(self.counts.items())]
        connection.execute(text(_ADD), rows)
        newest: dict[Place, int] = {}
        for kind, source_id, location, _, period, _ in self.counts:
            place = (kind, source_id, location)
            newest[place] = max(period, newest.get(place, period))
        connection.execute(
            text(_FORGET),
            [
                {"kind": kind, "source": source_id, "location": location, "period": period - PERIODS + 1}
                for (kind, source_id, location), period in sorted(newest.items())
            ],
        )


@dataclass(frozen=True)
class Paces:
    """What was observed of one kind, by source and location, and by the hours of the week within."""

    kind: str
    by_band: Mapping[tuple[int, str], Mapping[int, Pace]]

    def source_of(self, location: str) -> int | None:
        """The source that most often meets this kind at ``location``; None where it was never met there."""
        seen = {
            source: self._of_place(source, place).observations for source, place in self.by_band if place == location
        }
        return max(sorted(seen), key=lambda source: seen[source], default=None)

    def usual_s(self, source_id: int, location: str) -> float | None:
        """What half of them took at most at a place, else of that source anywhere; None where too few were seen."""
        known = [self._of_place(source_id, location), self._of_source(source_id)]
        return next((pace.usual_s for pace in known if pace.observations >= FLOOR), None)

    def limit(self, source_id: int | None, location: str, band: int | None, otherwise_s: float) -> Limit:
        """How long it may take at a place, in some hours of the week (None: in any)."""
        if source_id is None:
            return Limit(None, otherwise_s, 0)
        place = self._of_place(source_id, location)
        everywhere = self._of_source(source_id)
        closest = [] if band is None else [self.by_band.get((source_id, location), {}).get(band, Pace({}))]
        return shrunk([*closest, place, everywhere], otherwise_s)

    def _of_source(self, source_id: int) -> Pace:
        return self._sum(self._of_place(source, where) for source, where in self.by_band if source == source_id)

    def _of_place(self, source_id: int, location: str) -> Pace:
        return self._sum(self.by_band.get((source_id, location), {}).values())

    @staticmethod
    def _sum(paces: Iterable[Pace]) -> Pace:
        total = Pace({})
        for pace in paces:
            total += pace
        return total


def read_paces(connection: Connection, kind: str) -> Paces:
    """What was observed of ``kind``."""
    counts: dict[tuple[int, str], dict[int, dict[int, int]]] = {}
    for source_id, location, band, bin_, seen in connection.execute(text(_READ), {"kind": kind}):
        counts.setdefault((source_id, location), {}).setdefault(band, {})[bin_] = int(seen)
    return Paces(kind, {place: {band: Pace(bins) for band, bins in bands.items()} for place, bands in counts.items()})


_ADD = """
INSERT INTO observed_pace (kind, source_id, location, band, period, bin, seen)
VALUES (:kind, :source, :location, :band, :period, :bin, :seen)
ON CONFLICT (kind, source_id, location, band, period, bin) DO UPDATE SET seen = observed_pace.seen + excluded.seen
"""

_FORGET = """
DELETE FROM observed_pace
WHERE kind = :kind AND source_id = :source AND location = :location AND period < :period
"""

_READ = """
SELECT source_id, location, band, bin, SUM(seen) FROM observed_pace WHERE kind = :kind
GROUP BY source_id, location, band, bin
"""
