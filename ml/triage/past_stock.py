"""What was free of each SKU through the last weeks: oversells happen at the stock there is then, not at today's."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import to_microseconds
from ml.exposure.demand import HOURS_A_DAY

HISTORY = timedelta(days=28)
"""How far back stock and demand are looked at."""
EVERY = timedelta(hours=8)
"""Between two looks: goods often come in at one time of the day."""
LOOKS = HISTORY // EVERY
DAY_US = 86_400_000_000
IN_STOCK = {"sku": pl.String, "day": pl.Int64, "hours": pl.Float64}
"""Hours in which there was something to ship, by SKU and day since 1970."""
PIECE = 20_000
"""SKUs looked at together."""
Floats = NDArray[np.float64]
_EVERY_US = EVERY // timedelta(microseconds=1)


def free_stock(connection: Connection, skus: Collection[str] | None = None) -> dict[str, int]:
    """Units free now of each SKU with known stock, or of those of ``skus``, less safety stock."""
    wanted = "" if skus is None else f"JOIN ({wanted_skus(connection)}) w ON w.sku = p.sku "
    rows = connection.execute(
        text(
            "SELECT p.sku, SUM(p.on_hand - p.allocated - p.quality_hold) - COALESCE((SELECT SUM(s.quantity) "
            f"FROM safety_stock s WHERE s.sku = p.sku), 0) AS units FROM position p {wanted}"
            "WHERE p.relative IS FALSE GROUP BY p.sku ORDER BY p.sku"
        ),
        {} if skus is None else {"skus": as_json(skus)},
    )
    return {name: int(units) for name, units in rows}


def skus_in_order(connection: Connection, first: str, most: int) -> list[str]:
    """At most so many SKUs with known stock, from ``first`` on, in the order of their bytes on either database."""
    by_bytes = "BINARY" if connection.dialect.name == "sqlite" else '"C"'
    statement = text(
        f"SELECT DISTINCT sku COLLATE {by_bytes} FROM position "
        f"WHERE relative IS FALSE AND sku COLLATE {by_bytes} >= :first ORDER BY 1 LIMIT :most"
    )
    return list(connection.execute(statement, {"first": first, "most": most}).scalars())


def past_stock(connection: Connection, skus: Sequence[str], free: Sequence[int], at: datetime) -> Floats:
    """Units (skus, looks) that were free of each SKU at looks ``EVERY`` so often in the weeks before ``at``.

    ``free`` is what is free now. Looks before the first thing known of any of the SKUs are left out.
    """
    bound = {"skus": as_json(skus)}
    begun = connection.execute(text(_BEGUN.format(wanted=wanted_skus(connection))), bound).scalar_one()
    known = LOOKS if begun is None else min((to_microseconds(at) - int(begun)) // _EVERY_US, LOOKS)
    return _levels(connection, skus, free, at)[:, : known + 1]


def in_stock_hours(connection: Connection, free: Mapping[str, int], at: datetime) -> pl.DataFrame:
    """Hours with something free, by SKU and day, in the weeks before ``at`` (columns of ``IN_STOCK``).

    Days with stock throughout are left out; of the present one only what has passed counts. ``free`` is what is free
    now of each SKU whose stock is known.
    """
    now = to_microseconds(at)
    days, day_of = np.unique((now - np.arange(LOOKS + 1) * _EVERY_US) // DAY_US, return_inverse=True)
    passed = np.where(days == now // DAY_US, now % DAY_US / DAY_US * HOURS_A_DAY, HOURS_A_DAY)
    # Looks of one day stand together, the newest first; days rise.
    begins = np.searchsorted(-day_of, -np.arange(len(days) - 1, -1, -1))
    skus, parts = list(free), [pl.DataFrame(schema=IN_STOCK)]
    for start in range(0, len(skus), PIECE):
        some = skus[start : start + PIECE]
        there = (_levels(connection, some, [free[sku] for sku in some], at) > 0).astype(np.float64)
        hours = np.add.reduceat(there, begins, axis=1)[:, ::-1] / np.bincount(day_of) * passed
        rows, columns = np.nonzero(hours < HOURS_A_DAY)
        names = pl.Series("sku", [some[row] for row in rows.tolist()], dtype=pl.String)
        parts.append(pl.DataFrame({"sku": names, "day": days[columns], "hours": hours[rows, columns]}, schema=IN_STOCK))
    return pl.concat(parts)


def _levels(connection: Connection, skus: Sequence[str], free: Sequence[int], at: datetime) -> Floats:
    """Units (skus, looks) at every look, going back: what was there before the changes of the last span, of two, ..."""
    now = to_microseconds(at)
    bound = {"skus": as_json(skus), "at": now, "every": _EVERY_US, "since": now - LOOKS * _EVERY_US}
    changed = np.zeros((len(skus), LOOKS + 1))
    row_of = {sku: row for row, sku in enumerate(skus)}
    for sku, ago, units in connection.execute(text(_CHANGED.format(wanted=wanted_skus(connection))), bound):
        changed[row_of[sku], ago] += float(units)
    there = np.array(free, dtype=np.float64)
    return np.column_stack([there, there[:, None] - np.cumsum(changed[:, :LOOKS], axis=1)])


_CHANGED = """
SELECT p.sku, (:at - l.occurred_at) / :every AS ago,
       SUM(l.on_hand_delta - l.allocated_delta - l.quality_hold_delta)
FROM ({wanted}) w JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id
WHERE p.relative IS FALSE AND l.occurred_at > :since AND l.occurred_at <= :at GROUP BY 1, 2
"""

_BEGUN = """
SELECT MIN(l.occurred_at)
FROM ({wanted}) w JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id
"""
