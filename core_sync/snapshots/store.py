"""Keep what systems say they hold, and note that it is to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.database.upsert import insert_new
from core_sync.snapshots.tables import Snapshot


@dataclass(frozen=True, slots=True)
class Figure:
    """What ``system`` says of one state of one SKU as of a moment; a channel's total has no location."""

    system: str
    sku: str
    location: str
    state: str
    quantity: int
    as_of: datetime


def store_figures(connection: Connection, figures: Sequence[Figure], at: datetime) -> int:
    """Write ``figures``; one that is known already stays as it was told first. Returns how many were new.

    Each snapshot (a system and an as-of time) that grew is due for comparison from here on.
    """
    recorded_at = to_microseconds(at)
    values = [
        {
            "system": figure.system,
            "sku": figure.sku,
            "location": figure.location,
            "state": figure.state,
            "quantity": figure.quantity,
            "as_of": to_microseconds(figure.as_of),
            "recorded_at": recorded_at,
        }
        for figure in figures
    ]
    snapshots = [
        {"system": system, "as_of": as_of, "at": recorded_at}
        for system, as_of in sorted({(row["system"], row["as_of"]) for row in values})
    ]
    if not snapshots:
        return 0
    # The row of the comparison is taken first: two loads of one snapshot then write its figures one after the
    # other, and their numbers grow in the order in which they can be seen.
    connection.execute(text(_TAKE), snapshots)
    new = insert_new(connection, Snapshot, values, ("system", "as_of", "sku", "location", "state"))
    if new:
        connection.execute(text(_TOLD), snapshots)
    return new


_TAKE = """
INSERT INTO reconciliation (system, as_of, compared, differing, tolerated, told_up_to, done_up_to, recorded_at)
VALUES (:system, :as_of, 0, 0, 0, 0, 0, :at)
ON CONFLICT (system, as_of) DO UPDATE SET told_up_to = reconciliation.told_up_to
"""

_TOLD = """
UPDATE reconciliation SET told_up_to = (
    SELECT max(s.snapshot_id) FROM snapshot s WHERE s.system = :system AND s.as_of = :as_of)
WHERE system = :system AND as_of = :as_of
"""
