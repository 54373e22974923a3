"""Load what other systems say they hold."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from core_sync.clock import to_microseconds
from core_sync.database.upsert import insert_new
from core_sync.interchange.rows import Row
from core_sync.snapshots.tables import Snapshot


def load_snapshots(connection: Connection, rows: Sequence[Row], at: datetime) -> int:
    """Write ``rows`` of the interchange table snapshots; a figure known already stays. Returns how many were new."""
    recorded_at = to_microseconds(at)
    values = []
    for row in rows:
        as_of = row.moment("as_of")
        assert as_of is not None  # the table requires it, and the reader refuses rows without
        values.append(
            {
                "system": row.text("system"),
                "sku": row.text("sku"),
                "location": row.text("location"),
                "state": row.text("state"),
                "quantity": row.whole("quantity"),
                "as_of": to_microseconds(as_of),
                "recorded_at": recorded_at,
            }
        )
    return insert_new(connection, Snapshot, values, ("system", "as_of", "sku", "location", "state"))
