"""What is expected raises no case: what comes in its scope is marked, counted and kept, until it ends."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from ml.feedback.rules import Scope


@dataclass(frozen=True, slots=True)
class Suppression:
    """One expectation: its scope, who said so, why, until when, and how many anomalies it has kept off the list."""

    judgement: int
    sku: str
    location: str
    channel: str
    kind: str
    reason: str
    until: datetime
    said_by: str
    said_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    in_force: bool
    suppressed: int


def suppress_new(connection: Connection, after: int, at: datetime) -> int:
    """Mark the anomalies numbered above ``after`` that are in no case and are expected at ``at``; returns how many."""
    bound = {"at": to_microseconds(at), "after": after}
    return max(0, connection.execute(text(_SUPPRESS_NEW), bound).rowcount)


def suppress_open(connection: Connection, judgement_id: int, scope: Scope, at: datetime) -> None:
    """Settle every open anomaly within ``scope``, whichever case it is in."""
    bound = {"judgement": judgement_id, "at": to_microseconds(at), **scope.values()}
    connection.execute(text(_SUPPRESS_OPEN), bound)


def hand_over(connection: Connection, judgement_id: int, at: datetime) -> None:
    """Leave what an ended expectation kept off the list to another one that covers it too."""
    connection.execute(text(_HAND_OVER), {"judgement": judgement_id, "at": to_microseconds(at)})


def read_suppressions(connection: Connection, at: datetime, ended: bool = False) -> list[Suppression]:
    """What is expected now, the next to end first; with ``ended`` what was, too."""
    rows = connection.execute(text(_SUPPRESSIONS), {"at": to_microseconds(at), "ended": ended}).mappings()
    return [
        Suppression(
            row["judgement_id"], row["sku"], row["location"], row["channel"], row["kind"], row["reason"],
            from_microseconds(row["until"]), row["said_by"], from_microseconds(row["said_at"]), row["ended_by"],
            from_microseconds(row["ended_at"]) if row["ended_at"] is not None else None,
            row["ended_at"] is None and row["until"] > to_microseconds(at), row["suppressed"],
        )
        for row in rows
    ]  # fmt: skip


_COVERS = """
j.said = 'expected' AND j.ended_at IS NULL AND j.until > :at
AND j.sku IN ('', a.sku) AND j.location IN ('', a.location) AND j.channel IN ('', a.channel)
AND j.kind IN ('', a.kind)
"""

_COVERING = (
    f"(SELECT MIN(j.judgement_id) FROM judgement j, anomaly a WHERE a.anomaly_id = anomaly.anomaly_id AND {_COVERS})"
)

_HAND_OVER = f"UPDATE anomaly SET suppressed_by = COALESCE({_COVERING}, suppressed_by) WHERE suppressed_by = :judgement"

_SUPPRESS_NEW = f"""
UPDATE anomaly SET settled_at = :at, settlement = 'it is expected', suppressed_by = {_COVERING}
WHERE anomaly_id > :after AND settled_at IS NULL AND {_COVERING} IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'anomaly' AND s.signal_id = anomaly.anomaly_id)
"""

_SUPPRESS_OPEN = """
UPDATE anomaly SET settled_at = :at, settlement = 'it is expected', suppressed_by = :judgement
WHERE settled_at IS NULL AND :sku IN ('', sku) AND :location IN ('', location) AND :channel IN ('', channel)
  AND :kind IN ('', kind)
"""

_SUPPRESSIONS = """
SELECT j.*, (SELECT COUNT(*) FROM anomaly a WHERE a.suppressed_by = j.judgement_id) AS suppressed
FROM judgement j
WHERE j.said = 'expected' AND (:ended OR (j.ended_at IS NULL AND j.until > :at)) ORDER BY j.until, j.judgement_id
"""
