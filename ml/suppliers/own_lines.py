"""One's own purchase order lines as the model of lateness reads them."""

from datetime import datetime

import polars as pl
from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds

MOMENT = pl.Datetime("us", "UTC")
SCHEMA = {
    "line": pl.Int64, "supplier": pl.String, "item": pl.String, "ordered_at": pl.Int64, "promised_at": pl.Int64,
    "received_at": pl.Int64, "quantity": pl.Float64, "value": pl.Float64,
}  # fmt: skip
UNTOLD = ("site", "destination", "transport", "product_class")
"""What our table of deliveries has no column for."""


def own_lines(connection: Connection, at: datetime) -> pl.DataFrame:
    """The lines with a promise as known ``at`` that moment, for ``deliveries.with_past``.

    What has not come and is past its promise counts as late from now on. Of lines that are not ``is_due`` only those
    that came early have an outcome: it describes the past of later lines, and does not tell how many come late. Lines
    that cannot be true (received before ordered, or of no quantity) are left out; ``value`` is at cost, missing where
    the SKU has none.
    """
    rows = connection.execute(text(_LINES), {"at": to_microseconds(at)})
    lines = pl.DataFrame([tuple(row) for row in rows], schema=SCHEMA, orient="row")
    moments = [pl.from_epoch(name, "us").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") for name in _MOMENTS]
    told = lines.with_columns(moments).with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in UNTOLD)
    overdue = pl.col("received_at").is_null() & (pl.col("promised_at") < at)
    told = told.with_columns(
        received_at=pl.when(overdue).then(pl.lit(at, dtype=MOMENT)).otherwise(pl.col("received_at")),
        is_open=pl.col("received_at").is_null(),
        is_due=pl.col("promised_at") <= at,
    )
    return told.with_columns(recorded_at=pl.col("received_at"))


_MOMENTS = ("ordered_at", "promised_at", "received_at")

_LINES = """
SELECT d.delivery_id, d.supplier, d.sku, d.ordered_at, d.promised_at,
       CASE WHEN d.received_at <= :at THEN d.received_at END, d.ordered_quantity,
       CAST(d.ordered_quantity * s.unit_cost AS DOUBLE PRECISION) / 10000
FROM delivery d LEFT JOIN sku s ON s.sku = d.sku
WHERE d.promised_at IS NOT NULL AND d.ordered_at <= :at AND d.ordered_quantity > 0
  AND (d.received_at IS NULL OR d.received_at >= d.ordered_at)
ORDER BY d.delivery_id
"""
