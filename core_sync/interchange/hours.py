"""Times of day, time zones and days of the week, as people write them into tables."""

import re
from datetime import time
from zoneinfo import ZoneInfo

from core_sync.interchange.refusals import CellRefused

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as tables name them, in the order of ``datetime.weekday``."""

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(:00)?", re.ASCII)


def read_clock(cell: object) -> str:
    """``cell`` as hours and minutes, ``16:30``."""
    if isinstance(cell, time) and cell.tzinfo is None and not (cell.second or cell.microsecond):
        return cell.strftime("%H:%M")
    found = _CLOCK.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None:
        raise CellRefused(f"{str(cell)[:40]!r} is no time of day; write hours and minutes, like 16:30")
    return f"{int(found[1]):02d}:{found[2]}"


def read_zone(cell: object) -> str:
    """``cell`` as the name of an IANA time zone."""
    try:
        return ZoneInfo(str(cell).strip()).key
    except (KeyError, ValueError, OSError) as error:
        raise CellRefused(f"{str(cell)[:40]!r} is no IANA time zone; write one like Europe/London") from error


def read_weekdays(cell: object) -> str:
    """``cell`` as days in their order, a blank between two; spans like ``mon-fri`` and lists like ``mon, wed`` do."""
    days: set[int] = set()
    for word in re.split(r"[\s,;]+", re.sub(r"\s*-\s*", "-", str(cell).strip().lower())):
        first, _, last = word.partition("-")
        begin, end = _day(first), _day(last or first)
        days |= {day % len(WEEKDAYS) for day in range(begin, end + 1 if end >= begin else end + 1 + len(WEEKDAYS))}
    return " ".join(WEEKDAYS[day] for day in sorted(days))


def _day(word: str) -> int:
    if word not in WEEKDAYS:
        raise CellRefused(f"{word[:40]!r} is no day of the week; write them like mon-fri or mon, wed, sat")
    return WEEKDAYS.index(word)
