"""Load what other systems say they hold."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from core_sync.interchange.rows import Row
from core_sync.snapshots.store import Figure, store_figures


def load_snapshots(connection: Connection, rows: Sequence[Row], at: datetime) -> int:
    """Write ``rows`` of the interchange table snapshots; a figure known already stays. Returns how many were new."""
    return store_figures(connection, [_figure(row) for row in rows], at)


def _figure(row: Row) -> Figure:
    as_of, quantity = row.moment("as_of"), row.whole("quantity")
    assert as_of is not None  # the table requires both, and the reader refuses rows without
    assert quantity is not None
    return Figure(row.text("system"), row.text("sku"), row.text("location"), row.text("state"), quantity, as_of)
