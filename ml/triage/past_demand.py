"""Demand of the last weeks as the ledger tells it: what was shipped while there was something to ship."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

import polars as pl
from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.clock import to_microseconds
from core_sync.ledger.effects import SIGN
from ml.exposure.demand import HISTORY as DEMAND_HISTORY
from ml.exposure.demand import HOURS_A_DAY, DemandBook, estimate
from ml.exposure.terms import Basis, Term
from ml.triage.past_stock import DAY_US, HISTORY, free_stock, in_stock_hours

POOLED_POSITIONS = 300
"""Positions, spread evenly over all in the order in which they became known, whose SKUs tell what is usual of all."""


def read_demand(connection: Connection, skus: Collection[str], at: datetime) -> DemandBook:
    """Demand by SKU and channel from what was shipped in four weeks; a day without a shipment is a day of none.

    Time in which nothing of the SKU was free is left out. What is shipped on a day of none shows that the stock figure
    is wrong, and such a day counts. What is pooled comes from the same SKUs for all.

    Days count from the first that anything at all was recorded of, not of the SKUs asked for: what is
    said of a SKU must not hang on which others are looked at with it.
    """
    pooled = _pooled(connection)
    shipped = _shipped(connection, {*skus, *pooled}, at)
    if not shipped.height:
        return estimate(pl.DataFrame(schema=DEMAND_HISTORY))
    until, since = to_microseconds(at), to_microseconds(at - HISTORY)
    first = max(since // DAY_US, min(begun(connection) // DAY_US, int(str(shipped["day"].min()))))
    days = pl.DataFrame({"day": pl.Series(range(first, until // DAY_US + 1), dtype=pl.Int64)})
    free = free_stock(connection, shipped["sku"].unique().to_list())
    sold, hours = pl.col("units").fill_null(0.0), pl.col("hours").fill_null(HOURS_A_DAY)
    history = (
        shipped.select("sku", "channel")
        .unique()
        .join(days, how="cross")
        .join(shipped, on=["sku", "channel", "day"], how="left")
        .join(in_stock_hours(connection, free, at), on=["sku", "day"], how="left")
        .with_columns(
            units=sold,
            in_stock_hours=pl.when((hours <= 0) & (sold > 0)).then(HOURS_A_DAY).otherwise(hours),
            day=pl.col("day").cast(pl.Int32).cast(pl.Date),
        )
    )
    return replace(estimate(history, pooled_over=pooled), lots=_lots(shipped))


def _lots(shipped: pl.DataFrame) -> dict[tuple[str, str], Term]:
    """Units of an order line, by SKU and channel."""
    sums = shipped.group_by("sku", "channel").agg(pl.col("units").sum(), pl.col("lines").sum())
    return {
        (sku, channel): Term(units / lines, "units/line", Basis.MEASURED, f"of {lines:,} lines shipped")
        for sku, channel, units, lines in sums.iter_rows()
    }


def begun(connection: Connection) -> int:
    """About when the books begin, in microseconds: the oldest of what was recorded first; something must be."""
    return int(connection.execute(text(_BEGUN)).scalar_one())


def _pooled(connection: Connection) -> set[str]:
    first, last = connection.execute(text("SELECT MIN(position_id), MAX(position_id) FROM position")).one()
    if first is None:
        return set()
    steps = max(1, min(POOLED_POSITIONS - 1, last - first))
    numbers = {first + (last - first) * step // steps for step in range(steps + 1)}
    marks = ", ".join(str(int(number)) for number in sorted(numbers))
    return set(connection.execute(text(f"SELECT sku FROM position WHERE position_id IN ({marks})")).scalars())


def _shipped(connection: Connection, skus: Collection[str], at: datetime) -> pl.DataFrame:
    """Units by SKU, channel ("" where none is told) and day since 1970; what was taken back was never asked for."""
    rows = connection.execute(
        text(
            f"SELECT p.sku, COALESCE(l.channel, '') AS channel, l.occurred_at / {DAY_US} AS day, "
            f"SUM({SIGN} * l.quantity) AS units, SUM({SIGN}) AS lines "
            f"FROM ({wanted_skus(connection)}) w JOIN position p ON p.sku = w.sku "
            "JOIN ledger_entry l ON l.position_id = p.position_id "
            "WHERE l.type = 'ship' AND l.occurred_at > :since AND l.occurred_at <= :until GROUP BY 1, 2, 3 "
            f"HAVING SUM({SIGN}) > 0 AND SUM({SIGN} * l.quantity) > 0"
        ),
        {"skus": as_json(sorted(skus)), "since": to_microseconds(at - HISTORY), "until": to_microseconds(at)},
    ).all()
    return pl.DataFrame(
        [tuple(row) for row in rows],
        schema={"sku": pl.String, "channel": pl.String, "day": pl.Int64, "units": pl.Float64, "lines": pl.Int64},
        orient="row",
    )


_BEGUN = "SELECT MIN(b.occurred_at) FROM (SELECT occurred_at FROM ledger_entry ORDER BY entry_id LIMIT 1000) b"
"""Without a walk through all of it."""
