"""One's own orders as the model of fulfilment latency reads them."""

from datetime import datetime

import polars as pl
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds

MOST_ORDERS = 100_000
"""Orders that are read, the newest."""
_TOLD = {
    "entry_id": pl.Int64, "type": pl.String, "document": pl.String, "position_id": pl.Int64, "sku": pl.String,
    "location": pl.String, "channel": pl.String, "quantity": pl.Int64, "occurred_at": pl.Int64, "value": pl.Float64,
}  # fmt: skip
_KEYS = ("document", "position_id")


def own_orders(connection: Connection, at: datetime) -> pl.DataFrame:
    """The newest order lines as known ``at`` that moment, for ``orders.with_past``.

    An order line is done with its first pick, or where its warehouse tells of no pick with its shipping, and given up
    with its cancellation or the release of what was reserved. What was told later than it happened, as a past that is
    loaded, counts as known when it happened. ``value`` is at the SKU's price, missing without one.
    """
    bound = {"until": to_microseconds(at), "most": 5 * MOST_ORDERS}
    rows = connection.execute(text(_ENTRIES), bound)
    told = pl.DataFrame([tuple(row) for row in rows], schema=_TOLD, orient="row")
    placed = told.filter(pl.col("type") == "reserve").sort("occurred_at", "entry_id").unique(_KEYS, keep="first")
    ends = told.group_by(_KEYS).agg(
        *(_first(pl.col("type") == kind).alias(kind) for kind in ("pick", "ship")),
        _first(pl.col("type").is_in(("order_cancelled", "release_reservation"))).alias("closed_at"),
    )
    joined = placed.join(ends, on=_KEYS, how="left").sort("occurred_at", "entry_id").tail(MOST_ORDERS)
    known = joined.select(
        "channel",
        "closed_at",
        "value",
        order="entry_id",
        place="location",
        destination=pl.lit(None, dtype=pl.String),
        product="sku",
        placed_at="occurred_at",
        done_at=pl.coalesce("pick", "ship"),
        recorded_at=pl.coalesce("pick", "ship"),
        units="quantity",
        promised_at=pl.lit(None, dtype=pl.Int64),
    ).filter(pl.col("done_at").is_null() | (pl.col("done_at") >= pl.col("placed_at")))
    moments = ("placed_at", "done_at", "recorded_at", "closed_at", "promised_at")
    return known.with_columns(
        pl.from_epoch(name, "us").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") for name in moments
    )


def _first(where: pl.Expr) -> pl.Expr:
    """When the earliest entry of a kind happened."""
    return pl.col("occurred_at").filter(where).min()


_ENTRIES = """
SELECT l.entry_id, l.type, l.document, l.position_id, p.sku, p.location, COALESCE(l.channel, '') AS channel,
       l.quantity, l.occurred_at, CAST(l.quantity * s.unit_price AS DOUBLE PRECISION) / 10000
FROM ledger_entry l JOIN position p ON p.position_id = l.position_id LEFT JOIN sku s ON s.sku = p.sku
WHERE l.type IN ('reserve', 'pick', 'ship', 'order_cancelled', 'release_reservation') AND l.document IS NOT NULL
  AND l.occurred_at <= :until AND l.recorded_at <= :until
ORDER BY l.entry_id DESC LIMIT :most
"""
