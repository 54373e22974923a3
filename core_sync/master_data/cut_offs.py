"""Times of day by which orders must be ready, and how long it is until the next one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from core_sync.interchange.hours import WEEKDAYS


@dataclass(frozen=True, slots=True)
class CutOffTime:
    """``clock`` in ``zone`` on ``weekdays`` (0 is Monday); an empty channel or location stands for all."""

    name: str
    clock: time
    zone: ZoneInfo
    weekdays: frozenset[int]
    channel: str = ""
    location: str = ""

    def holds_for(self, channel: str, location: str) -> bool:
        """Whether what is sold on ``channel`` from ``location`` must be ready by it."""
        return self.channel in ("", channel) and self.location in ("", location)

    def next_after(self, at: datetime) -> datetime:
        """The first such moment after ``at``; an hour that a change of clocks skips is read as of before the change."""
        today = at.astimezone(self.zone).date()
        days = (today + timedelta(days=ahead) for ahead in range(len(WEEKDAYS) + 2))
        moments = (datetime.combine(day, self.clock, self.zone) for day in days if day.weekday() in self.weekdays)
        return next(moment for moment in moments if moment > at)


def read_cut_offs(connection: Connection) -> list[CutOffTime]:
    """Every cut-off time, by name."""
    rows = connection.execute(
        text("SELECT cut_off, clock, zone, weekdays, channel, location FROM cut_off ORDER BY cut_off")
    )
    return [
        CutOffTime(
            name,
            time.fromisoformat(clock),
            ZoneInfo(zone),
            frozenset(WEEKDAYS.index(day) for day in weekdays.split()),
            channel or "",
            location or "",
        )
        for name, clock, zone, weekdays, channel, location in rows
    ]


def next_cut_off(
    cut_offs: Iterable[CutOffTime], channel: str, location: str, at: datetime
) -> tuple[CutOffTime, datetime] | None:
    """The first to come of those that hold for what ``channel`` sells from ``location``, and when that is."""
    ahead = [(one, one.next_after(at)) for one in cut_offs if one.holds_for(channel, location)]
    return min(ahead, key=lambda pair: (pair[1], pair[0].name), default=None)
