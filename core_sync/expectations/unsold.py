"""Tell of stock that does not sell (phantom stock), days that are too quiet, and counts that are overdue.

Looked at once an hour. What was told is closed by a sale, by stock that is gone, or by a count; a quiet day stands
for one day and is closed by the next ordinary one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.expectations.kinds import COUNT_DUE, PLACE_SHIPS, STOCK_SELLS
from core_sync.expectations.limits import SetLimits, read_limits
from core_sync.expectations.sales import ALL, WINDOW_DAYS, QuietDay, Sales, Streak, quiet_days, read_sales, streaks
from core_sync.expectations.wording import length
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects
from core_sync.kpis.daily import DAY_US

LOOKED_AT_EVERY = timedelta(hours=1)
LONGEST_STREAK_DAYS = 90
"""A SKU that has not sold for longer is no news."""


@dataclass(frozen=True, slots=True)
class Stock:
    """What is available of a SKU now, and since which day it has been in stock without a break after its last sale."""

    available: int
    since_day: int


def look_for_unsold(database: Database, at: datetime) -> int:
    """Tell what does not sell, which days were too quiet and what was not counted in time; returns how many new."""
    now = to_microseconds(at)
    with database.reading() as connection:
        looked = connection.execute(text(_LOOKED)).scalar_one_or_none()
        if looked is not None and now - looked < LOOKED_AT_EVERY // timedelta(microseconds=1):
            return 0
        limits = read_limits(connection)
        today = now // DAY_US
        sales = read_sales(connection, today - LONGEST_STREAK_DAYS - WINDOW_DAYS)
        told = set(connection.execute(text(_TOLD)).scalars())
        found = {one.subject or "": one for one in _all(connection, sales, limits, today, at)}
    with database.transaction() as connection:
        if not connection.execute(text(_LOOK), {"at": now, "before": looked or 0}).rowcount:
            return 0  # somebody else did
        new = [one for subject, one in found.items() if subject not in told]
        record_failures(connection, new)
        resolve_subjects(connection, sorted(told - set(found)), at, "it came, or is no longer expected")
    return len(new)


def _all(connection: Connection, sales: Sales, limits: SetLimits, today: int, at: datetime) -> Iterable[NewFailure]:
    if not _is_off(limits, STOCK_SELLS.kind):
        silent = streaks(sales, today)
        stock = _stock(connection, silent)
        back = {sku: one.since_day for sku, one in stock.items() if one.available > 0}
        for streak in streaks(_only(sales, back), today, back):
            yield _unsold(streak, stock[streak.sku].available, at)
    if not _is_off(limits, PLACE_SHIPS.kind):
        for quiet in quiet_days(sales, today - 1):
            yield _quiet(quiet, at)
    yield from _uncounted(connection, limits, at)


def _only(sales: Sales, skus: Mapping[str, int]) -> Sales:
    return Sales({sku: sales.by_sku[sku] for sku in skus}, sales.by_location, sales.total)


def _is_off(limits: SetLimits, kind: str) -> bool:
    said = limits.of(kind, ALL, ALL)
    return said is not None and said.limit_s is None


def _stock(connection: Connection, silent: Sequence[Streak]) -> dict[str, Stock]:
    """Of each SKU what is available, and the day from which it was in stock since its last sale."""
    found = {}
    for streak in silent:
        bound = {"sku": streak.sku, "after": (streak.last_day + 1) * DAY_US}
        row = connection.execute(text(_STOCK), bound).one()
        back = row.came_back if row.on_hand - row.moved <= 0 else None
        since = back // DAY_US if back is not None else streak.last_day
        found[streak.sku] = Stock(int(row.available), int(since))
    return found


def _unsold(streak: Streak, available: int, at: datetime) -> NewFailure:
    since = _day(streak.last_day)
    return NewFailure(
        kind="expectation",
        subject=_subject(STOCK_SELLS.kind, streak.sku),
        message=f"no sale of {streak.sku} since {since:%Y-%m-%d} though {available:,} units are available: about "
        f"{streak.expected:.1f} lines would be usual by what else was sold; perhaps it is not there: count it",
        occurred_at=since,
        recorded_at=at,
        operation=f"expect.{STOCK_SELLS.kind}",
        sku=streak.sku,
        error_code=f"EXPECTED_{STOCK_SELLS.kind.upper()}",
        quantity=available,
        evidence={
            "expected": STOCK_SELLS.kind,
            "missing": STOCK_SELLS.missing,
            "since": since.isoformat(),
            "expected_lines": round(streak.expected, 2),
            "surprise_nats": round(streak.surprise, 2),
            "limit_nats": round(streak.limit, 2),
            "lines_a_month": round(streak.lines_a_month, 1),
        },
    )


def _quiet(quiet: QuietDay, at: datetime) -> NewFailure:
    day = _day(quiet.day)
    return NewFailure(
        kind="expectation",
        subject=_subject(PLACE_SHIPS.kind, quiet.location),
        message=f"{quiet.location} shipped {quiet.lines:,} lines on {day:%Y-%m-%d}, where about {quiet.usual:,.0f} are "
        f"usual on a {day:%A}: orders, messages or people are missing",
        occurred_at=day,
        recorded_at=at,
        operation=f"expect.{PLACE_SHIPS.kind}",
        location=quiet.location,
        error_code=f"EXPECTED_{PLACE_SHIPS.kind.upper()}",
        evidence={"expected": PLACE_SHIPS.kind, "missing": PLACE_SHIPS.missing, "lines": quiet.lines,
                  "usual_lines": round(quiet.usual, 1)},
    )  # fmt: skip


def _uncounted(connection: Connection, limits: SetLimits, at: datetime) -> Iterable[NewFailure]:
    """Locations with stock that was not counted for longer than somebody said it may be."""
    for row in connection.execute(text(_PLACES)).scalars().all():
        said = limits.of(COUNT_DUE.kind, ALL, row)
        if said is None or said.limit_s is None:
            continue
        bound = {"location": row, "before": to_microseconds(at) - int(said.limit_s * 1e6)}
        late = connection.execute(text(_LATE), bound).one()
        if not late.positions:
            continue
        never = f", {late.never:,} of them never" if late.never else ""
        yield NewFailure(
            kind="expectation",
            subject=_subject(COUNT_DUE.kind, row),
            message=f"{late.positions:,} of {late.stocked:,} positions with stock in {row} were not counted within "
            f"{length(said.limit_s)}{never}; count {late.first} first",
            occurred_at=at,
            recorded_at=at,
            operation=f"expect.{COUNT_DUE.kind}",
            location=row,
            error_code=f"EXPECTED_{COUNT_DUE.kind.upper()}",
            quantity=late.positions,
            evidence={"expected": COUNT_DUE.kind, "missing": COUNT_DUE.missing, "limit_s": said.limit_s,
                      "set_by": said.owner},
        )  # fmt: skip


def _subject(kind: str, name: str) -> str:
    return f"expected:{kind}:{msgspec.json.encode([name]).decode()}"


def _day(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


_LOOKED = "SELECT sales_looked_at FROM expectations_read"

_LOOK = """
UPDATE expectations_read SET sales_looked_at = :at WHERE sales_looked_at = :before
"""

_KINDS = f"'expect.{STOCK_SELLS.kind}', 'expect.{PLACE_SHIPS.kind}', 'expect.{COUNT_DUE.kind}'"

_TOLD = f"""
SELECT subject FROM failure WHERE resolved_at IS NULL AND operation IN ({_KINDS}) AND subject IS NOT NULL
"""

_STOCK = """
SELECT COALESCE(SUM(p.on_hand), 0) AS on_hand,
       COALESCE(SUM(p.on_hand - p.allocated - p.quality_hold), 0) AS available,
       COALESCE(SUM((SELECT SUM(l.on_hand_delta) FROM ledger_entry l
                     WHERE l.position_id = p.position_id AND l.occurred_at >= :after)), 0) AS moved,
       MIN((SELECT MIN(l.occurred_at) FROM ledger_entry l
            WHERE l.position_id = p.position_id AND l.occurred_at >= :after AND l.on_hand_delta > 0)) AS came_back
FROM position p WHERE p.sku = :sku
"""

_PLACES = "SELECT DISTINCT location FROM position ORDER BY location"

_LATE = """
SELECT COUNT(*) AS stocked,
       SUM(CASE WHEN COALESCE(last_count_at, 0) < :before THEN 1 ELSE 0 END) AS positions,
       SUM(CASE WHEN last_count_at IS NULL THEN 1 ELSE 0 END) AS never,
       (SELECT f.sku FROM position f WHERE f.location = :location AND f.on_hand <> 0
        ORDER BY COALESCE(f.last_count_at, 0), f.on_hand DESC, f.sku LIMIT 1) AS first
FROM position WHERE location = :location AND on_hand <> 0
"""
