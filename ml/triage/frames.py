"""The only reader of facts for triage: new deltas, new movements, new failures, as frames and rows."""

import numpy as np
import polars as pl
from sqlalchemy import Connection, text

from ml.features.deltas import NUMBERS
from ml.features.movements import Movements

HISTORY_ROWS = 200_000
"""Older facts tell a detector nothing more of a SKU's habits."""

DELTA_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "delta_id": pl.Int64,
    "system": pl.String,
    "as_of": pl.Int64,
    "sku": pl.String,
    "location": pl.String,
    "channel": pl.String,
    "state": pl.String,
    **dict.fromkeys(NUMBERS, pl.Float64),
}

MOVEMENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "entry_id": pl.Int64,
    "system": pl.String,
    "occurred_at": pl.Int64,
    "sku": pl.String,
    "location": pl.String,
    "type": pl.String,
    "effect": pl.Int64,
    "document": pl.String,
}


def deltas_up_to(connection: Connection, newest: int) -> pl.DataFrame:
    """Deltas up to ``newest``, and enough before the new ones to know each row's habits; rows by as-of time."""
    numbers = ", ".join(f"d.{name}" for name in NUMBERS)
    rows = connection.execute(
        text(
            f"SELECT d.delta_id, d.system, d.as_of, d.sku, d.location, d.channel, d.state, {numbers} FROM delta d "
            "WHERE d.delta_id <= :newest ORDER BY d.delta_id DESC LIMIT :most"
        ),
        {"newest": newest, "most": HISTORY_ROWS},
    ).all()
    frame = pl.DataFrame([tuple(row) for row in rows], schema=DELTA_SCHEMA, orient="row")
    as_of = pl.from_epoch("as_of", time_unit="us").dt.replace_time_zone("UTC")
    return frame.sort("as_of", "delta_id").with_columns(as_of)


def movements_up_to(connection: Connection, newest: int) -> pl.DataFrame:
    """What entries up to ``newest`` did to on hand, counts left out, and enough before; rows by their own time."""
    rows = connection.execute(
        text(
            "SELECT l.entry_id, s.name, l.occurred_at, p.sku, p.location, l.type, l.on_hand_delta, l.document "
            "FROM ledger_entry l JOIN source s ON s.source_id = l.source_id "
            "JOIN position p ON p.position_id = l.position_id "
            "WHERE l.entry_id <= :newest AND l.on_hand_delta <> 0 AND l.type <> 'count' "
            "ORDER BY l.entry_id DESC LIMIT :most"
        ),
        {"newest": newest, "most": HISTORY_ROWS},
    ).all()
    frame = pl.DataFrame([tuple(row) for row in rows], schema=MOVEMENT_SCHEMA, orient="row")
    return frame.sort("occurred_at", "entry_id")


def as_movements(frame: pl.DataFrame) -> Movements:
    """The rows of ``movements_up_to`` as the feature builder takes them."""
    return Movements(
        time_us=frame["occurred_at"].to_numpy(),
        sku=frame["sku"],
        location=frame["location"],
        kind=frame["type"],
        effect=frame["effect"].to_numpy().astype(np.int64),
        document=frame["document"] if frame["document"].null_count() < frame.height else None,
    )


def newest_ids(connection: Connection) -> dict[str, int]:
    """The newest delta and ledger entry."""
    return {
        "delta": int(connection.execute(text("SELECT COALESCE(MAX(delta_id), 0) FROM delta")).scalar_one()),
        "movement": int(connection.execute(text("SELECT COALESCE(MAX(entry_id), 0) FROM ledger_entry")).scalar_one()),
    }


def scored_up_to(connection: Connection) -> dict[str, int]:
    """The newest fact of each kind that was scored."""
    return dict(connection.execute(text("SELECT kind, fact_id FROM scored_up_to")).all())
