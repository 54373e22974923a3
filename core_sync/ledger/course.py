"""The course of a SKU's stock over the last weeks: on hand at the end of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class DayOfStock:
    """On hand when a day (UTC) ended, or now where it has not, and the units that left for sales on it."""

    day: datetime
    on_hand: int
    shipped: int


def stock_course(
    connection: Connection, sku: str, location: str | None, until: datetime, days: int
) -> Sequence[DayOfStock]:
    """The last ``days`` days up to that of ``until``, at ``location`` or all together; none for an unknown SKU."""
    bound = {"sku": sku, "location": location or ""}
    now = connection.execute(text(_NOW), bound).scalar_one()
    if now is None:
        return []
    last = to_microseconds(until) // DAY_US
    first = last - days + 1
    by_day = {
        row.day: (row.moved, row.shipped)
        for row in connection.execute(text(_BY_DAY), {**bound, "since": first * DAY_US})
    }
    on_hand = int(now) - sum(moved for day, (moved, _) in by_day.items() if day > last)
    found: list[DayOfStock] = []
    for day in range(last, first - 1, -1):
        moved, shipped = by_day.get(day, (0, 0))
        found.append(DayOfStock(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day), on_hand, int(shipped)))
        on_hand -= int(moved)
    return found[::-1]


_NOW = "SELECT SUM(on_hand) FROM position WHERE sku = :sku AND :location IN ('', location)"

_BY_DAY = f"""
SELECT l.occurred_at / {DAY_US} AS day, SUM(l.on_hand_delta) AS moved,
       SUM(CASE WHEN l.type = 'ship' THEN -l.on_hand_delta ELSE 0 END) AS shipped
FROM position p JOIN ledger_entry l ON l.position_id = p.position_id
WHERE p.sku = :sku AND :location IN ('', p.location) AND l.occurred_at >= :since GROUP BY 1
"""
