"""Stock that does not sell, and days on which a place ships too little: counted by day, looked at once an hour.

The clock of a SKU that does not sell is what all others sell: nights, weekends, holidays and silent sources pass
without a sale of anybody's. A SKU that had a share ``s`` of all lines before is expected to have had ``s × M`` of the
``M`` lines since. Days are taken as negative binomial with one dispersion ``k`` for all SKUs (learned, by moments),
so that no line of it on days expected to bring ``μ₁ … μₙ`` has the chance ``Π (1 + μᵢ / k)^−k``. A SKU that sells
``n`` lines a month has ``n`` gaps a month; a gap is told once its chance is below ``FALSE_A_SKU_MONTH / n``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from core_sync.kpis.daily import DAY_US
from core_sync.ledger.effects import SIGN

ALL = ""
"""Instead of a SKU or a location: of any."""

FALSE_A_SKU_MONTH = 0.01
"""False alarms that are accepted for each SKU that sells, a month."""

WINDOW_DAYS = 42
FEWEST_LINES = 12
"""Of a SKU, in the window before its last sale; below, nothing is expected of it."""
FEWEST_DAYS = 14
MOST_EVEN, LEAST_EVEN = 1_000.0, 0.5
"""Bounds of the dispersion k."""

VOLUME_WEEKS = 6
FEWEST_WEEKS = 3
VOLUME_SPREADS = 4.0
"""A day is too quiet when it lies so many spreads below the same weekday's usual."""
VOLUME_SHARE = 0.5
"""And below this part of it."""


@dataclass(frozen=True)
class Sales:
    """Lines shipped by day (since 1970, UTC): of each SKU, of each location, and of all."""

    by_sku: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    by_location: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    total: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Streak:
    """A SKU without a sale since ``last_day``: lines expected meanwhile, and how unlikely none is, in nats."""

    sku: str
    last_day: int
    expected: float
    surprise: float
    limit: float
    lines_a_month: float


@dataclass(frozen=True, slots=True)
class QuietDay:
    """A location that shipped ``lines`` on ``day``, where ``usual`` are shipped on that weekday."""

    location: str
    day: int
    lines: int
    usual: float


def note_sales(connection: Connection, first: int, last: int) -> None:
    """Count the shipments among the ledger entries after ``first`` up to ``last``, less those that were taken back."""
    for sku, location in (("p.sku", "''"), ("''", "p.location"), ("''", "''")):
        connection.execute(text(_ADD.format(sku=sku, location=location)), {"first": first, "last": last})


def read_sales(connection: Connection, since_day: int) -> Sales:
    """What was shipped by day, from ``since_day`` on."""
    by_sku: dict[str, dict[int, int]] = {}
    by_location: dict[str, dict[int, int]] = {}
    total: dict[int, int] = {}
    for sku, location, day, lines in connection.execute(text(_READ), {"since": since_day}):
        if sku != ALL:
            by_sku.setdefault(sku, {})[day] = lines
        elif location != ALL:
            by_location.setdefault(location, {})[day] = lines
        else:
            total[day] = lines
    return Sales(by_sku, by_location, total)


def evenness(sales: Sales, today: int) -> float:
    """The dispersion k of a SKU's lines a day around its share of all lines, pooled over the SKUs that sell."""
    squares = excess = 0.0
    for days in sales.by_sku.values():
        known = _known_days(sales, today, today - WINDOW_DAYS)
        lines = sum(days.get(day, 0) for day in known)
        whole = sum(sales.total[day] for day in known)
        if lines < FEWEST_LINES or not whole:
            continue
        for day in known:
            mean = lines / whole * sales.total[day]
            squares += mean * mean
            excess += (days.get(day, 0) - mean) ** 2 - mean
    return min(MOST_EVEN, max(LEAST_EVEN, squares / excess)) if excess > 0 else MOST_EVEN


def streaks(sales: Sales, today: int, since: Mapping[str, int] | None = None) -> Sequence[Streak]:
    """SKUs whose silence, up to the end of the day before ``today``, is too unlikely to be chance.

    ``since`` names, by SKU, a later day than the last sale from which on it was in stock.
    """
    k = evenness(sales, today)
    found = []
    for sku, days in sales.by_sku.items():
        last = max(days)
        start = max(last, (since or {}).get(sku, last))
        before = _known_days(sales, last + 1, last + 1 - WINDOW_DAYS)
        lines, whole = sum(days.get(day, 0) for day in before), sum(sales.total[day] for day in before)
        if lines < FEWEST_LINES or len(before) < FEWEST_DAYS or start >= today - 1:
            continue
        share = (lines - 1) / whole  # the sale that ends the window is there by choice
        means = [share * sales.total[day] for day in range(start + 1, today) if day in sales.total]
        surprise = sum(k * math.log1p(mean / k) for mean in means)
        a_month = share * whole / (last + 1 - before[0]) * 30
        limit = math.log(max(1.0, a_month / FALSE_A_SKU_MONTH))
        if surprise > limit:
            found.append(Streak(sku, last, sum(means), surprise, limit, a_month))
    return found


def quiet_days(sales: Sales, day: int) -> Sequence[QuietDay]:
    """Locations that shipped far less on ``day``, which is over, than on the same weekdays before."""
    found = []
    for location, days in sales.by_location.items():
        first = min(days)
        weeks = [day - 7 * week for week in range(1, VOLUME_WEEKS + 1) if day - 7 * week >= first]
        seen = [days.get(one, 0) for one in weeks]
        if len(seen) < FEWEST_WEEKS:
            continue
        usual = sum(seen) / len(seen)
        spread = math.sqrt(max(usual, sum((one - usual) ** 2 for one in seen) / (len(seen) - 1), 1.0))
        lines = days.get(day, 0)
        if lines < usual - VOLUME_SPREADS * spread and lines < VOLUME_SHARE * usual:
            found.append(QuietDay(location, day, lines, usual))
    return found


def _known_days(sales: Sales, until: int, since: int) -> list[int]:
    return [day for day in range(since, until) if day in sales.total]


_ADD = f"""
INSERT INTO sales_day (sku, location, day, lines)
SELECT {{sku}}, {{location}}, l.occurred_at / {DAY_US}, SUM({SIGN})
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id
WHERE l.entry_id > :first AND l.entry_id <= :last AND l.type = 'ship'
GROUP BY 1, 2, 3
ON CONFLICT (sku, location, day) DO UPDATE SET lines = sales_day.lines + excluded.lines
"""

_READ = "SELECT sku, location, day, lines FROM sales_day WHERE day >= :since AND lines > 0"
