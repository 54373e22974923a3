"""The only reader of facts for triage: new deltas, new movements, new failures, as frames and rows."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from sqlalchemy import Connection, text

from core_sync.database.engine import Database
from core_sync.database.settled import settled_up_to
from ml.features.behind import HOURS, MOVED
from ml.features.deltas import NUMBERS, SNAPSHOT
from ml.features.movements import Movements
from ml.triage.failures_before import with_failures

HISTORY_ROWS = 200_000
"""Facts before the new ones that are read to know each SKU's habits; older ones tell nothing more."""

FETCH_ROWS = 50_000
HOUR_US = 3_600_000_000

DELTA_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "delta_id": pl.Int64,
    "system": pl.String,
    "as_of": pl.Int64,
    "sku": pl.String,
    "location": pl.String,
    "channel": pl.String,
    "state": pl.String,
    **dict.fromkeys(NUMBERS, pl.Float64),
    SNAPSHOT: pl.Float64,
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


def deltas_since(connection: Connection, after: int, newest: int) -> pl.DataFrame:
    """Deltas after ``after`` up to ``newest``, rows by as-of time.

    What its system's rule lets pass is no row. ``FAILURES`` are of what was recorded by each row's moment, ``MOVED`` of
    the changes before it.
    """
    numbers = ", ".join(f"d.{name}" for name in NUMBERS)
    statement = (
        f"SELECT d.delta_id, d.system, d.as_of, d.sku, d.location, d.channel, d.state, {numbers}, n.snapshot "
        "FROM delta d JOIN (SELECT reconciliation_id, ROW_NUMBER() OVER (PARTITION BY system ORDER BY as_of) "
        "AS snapshot FROM reconciliation) n ON n.reconciliation_id = d.reconciliation_id "
        "WHERE d.delta_id > :after AND d.delta_id <= :newest AND d.within_tolerance IS FALSE"
    )
    frame = _read(connection, statement, after, newest, DELTA_SCHEMA)
    as_of = pl.from_epoch("as_of", time_unit="us").dt.replace_time_zone("UTC")
    told = with_failures(connection, frame.sort("as_of", "delta_id"))
    return with_moved(connection, told).with_columns(as_of)


def with_moved(connection: Connection, deltas: pl.DataFrame) -> pl.DataFrame:
    """``deltas`` with by how much the figure's state changed in ``HOURS`` before each one's moment.

    At its place, or everywhere; of a channel's figure what is available, times the channel's share.

    Only what was known when the difference was found counts.
    """
    ids = deltas["delta_id"]
    bound = {"first": ids.min() or 0, "last": ids.max() or 0}
    told = connection.execute(text(_MOVED), bound).all()
    schema: dict[str, pl.DataType | type[pl.DataType]] = {"delta_id": pl.Int64, **dict.fromkeys(MOVED, pl.Float64)}
    moved = pl.DataFrame([tuple(row) for row in told], schema, orient="row")
    return deltas.join(moved, on="delta_id", how="left", maintain_order="left").with_columns(pl.col(MOVED).fill_null(0))


_SINCE = ", ".join(
    f"CAST(SUM(CASE WHEN m.occurred_at > m.as_of - {hours * HOUR_US} THEN m.change ELSE 0 END) * m.share AS FLOAT)"
    for hours in HOURS
)
_SHARE = """
COALESCE((SELECT r.share_ten_thousandths / 10000.0 FROM channel_rule r WHERE d.channel <> '' AND r.channel = d.channel
  AND r.sku IN ('', d.sku) AND r.valid_from <= d.as_of AND (r.valid_until IS NULL OR r.valid_until > d.as_of)
  ORDER BY r.sku DESC, r.version DESC LIMIT 1), 1.0)
"""
_MOVED = f"""
SELECT m.delta_id, {_SINCE} FROM (
  SELECT d.delta_id, d.as_of, d.share, l.occurred_at,
    CASE d.state WHEN 'allocated' THEN l.allocated_delta WHEN 'quality_hold' THEN l.quality_hold_delta
      WHEN 'available' THEN l.on_hand_delta - l.allocated_delta - l.quality_hold_delta ELSE l.on_hand_delta END
      AS change
  FROM (SELECT d.*, {_SHARE} AS share FROM delta d
    WHERE d.delta_id BETWEEN :first AND :last AND d.within_tolerance IS FALSE) d
  JOIN position p ON p.sku = d.sku AND (d.location = '' OR p.location = d.location)
  JOIN ledger_entry l ON l.position_id = p.position_id AND l.occurred_at <= d.as_of
    AND l.occurred_at > d.as_of - {max(HOURS) * HOUR_US} AND l.recorded_at <= d.recorded_at
) m GROUP BY m.delta_id, m.share
"""


def movements_since(connection: Connection, after: int, newest: int) -> pl.DataFrame:
    """What entries after ``after`` up to ``newest`` did to on hand (no counts); by their time."""
    statement = (
        "SELECT l.entry_id, s.name, l.occurred_at, p.sku, p.location, l.type, l.on_hand_delta, l.document "
        "FROM ledger_entry l JOIN source s ON s.source_id = l.source_id "
        "JOIN position p ON p.position_id = l.position_id "
        "WHERE l.entry_id > :after AND l.entry_id <= :newest AND l.on_hand_delta <> 0 AND l.type <> 'count'"
    )
    return in_order(_read(connection, statement, after, newest, MOVEMENT_SCHEMA), "occurred_at", "entry_id")


def in_order(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """``frame`` by ``columns``; one row is in order."""
    return frame if frame.height <= 1 else frame.sort(*columns)


def _read(
    connection: Connection,
    statement: str,
    after: int,
    newest: int,
    schema: dict[str, pl.DataType | type[pl.DataType]],
) -> pl.DataFrame:
    """The rows of ``statement`` as a frame, fetched in pieces so that memory holds one piece of Python objects."""
    found = connection.execute(text(statement), {"after": after, "newest": newest})
    parts = []
    while rows := found.fetchmany(FETCH_ROWS):
        parts.append(pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row"))
        if len(rows) < FETCH_ROWS:
            break
    if not parts:
        return pl.DataFrame(schema=schema)
    return parts[0] if len(parts) == 1 else pl.concat(parts)


def as_movements(frame: pl.DataFrame, time: str = "occurred_at") -> Movements:
    """The rows of ``movements_since`` as the feature builder takes them, by the moments in column ``time``."""
    return Movements(
        time_us=frame[time].to_numpy(),
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
    return dict(connection.execute(_SCORED_UP_TO).all())


_SCORED_UP_TO = text("SELECT kind, fact_id FROM scored_up_to")


def complete_up_to(database: Database, kinds: Mapping[str, tuple[str, str]]) -> dict[str, int]:
    """By kind the number up to which its facts (table and column) are complete; without those still being written.

    On PostgreSQL a fact may be committed after one with a larger number, and would else be passed over for ever.
    """
    with database.engine.connect().execution_options(read_only=True) as connection:
        found = {kind: settled_up_to(connection, table, column) for kind, (table, column) in kinds.items()}
    return {kind: newest for kind, newest in found.items() if newest is not None}
