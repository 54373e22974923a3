"""Load what systems tell of their orders: a list of all that are open as of a moment, and what became of others."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.interchange.rows import Row


def load_orders(connection: Connection, rows: Sequence[Row]) -> int:
    """Write ``rows`` of the interchange table orders; the newest word on each counts. Returns how many were news."""
    values = [_values(row) for row in rows]
    if not values:
        return 0
    values.sort(key=lambda row: (str(row["system"]), str(row["document"]), row["as_of"]))
    told = connection.execute(text(_TELL), values, execution_options={"preserve_rowcount": True})
    newest: dict[str, object] = {}
    for row in sorted(values, key=lambda row: int(str(row["as_of"]))):
        newest[str(row["system"])] = row["as_of"]
    connection.execute(text(_LIST), [{"system": name, "as_of": as_of} for name, as_of in sorted(newest.items())])
    return told.rowcount


def _values(row: Row) -> dict[str, object]:
    as_of, placed_at = row.moment("as_of"), row.moment("placed_at")
    assert as_of is not None  # the table requires it, and the reader refuses rows without
    return {
        "system": row.text("system"),
        "document": row.text("document"),
        "state": row.text("state"),
        "placed_at": to_microseconds(placed_at) if placed_at is not None else None,
        "as_of": to_microseconds(as_of),
    }


_TELL = """
INSERT INTO told_order (system, document, state, placed_at, as_of)
VALUES (:system, :document, :state, :placed_at, :as_of)
ON CONFLICT (system, document) DO UPDATE SET state = excluded.state, as_of = excluded.as_of,
    placed_at = COALESCE(excluded.placed_at, told_order.placed_at)
WHERE excluded.as_of > told_order.as_of
"""

_LIST = """
INSERT INTO order_list (system, as_of) VALUES (:system, :as_of)
ON CONFLICT (system) DO UPDATE SET as_of = excluded.as_of WHERE excluded.as_of > order_list.as_of
"""
