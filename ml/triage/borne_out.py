"""When a strange movement is over: what was counted since bears it out.

A movement that did not happen as it was told leaves the books wrong by its units. Where every system that has reported
the position since differs from the books no more than it usually did, it happened as told, and nothing is left to mend.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from ml.triage.agreement import Figure, is_over, latest_residual, usual_residual


@dataclass(frozen=True, slots=True)
class Doubted:
    """An unsettled movement: what it did to on hand, and from when on a comparison knew of it (microseconds)."""

    anomaly_id: int
    sku: str
    location: str
    effect: int
    occurred_at: int
    known_at: int
    system: str
    """One that was compared since."""


def doubted(connection: Connection) -> list[list[Doubted]]:
    """The movements that are not settled, each once with every system whose snapshots were compared since."""
    rows = [Doubted(*row) for row in connection.execute(text(_OPEN))]
    return [list(of_one) for _, of_one in groupby(rows, key=lambda row: row.anomaly_id)]


def settle_movements(connection: Connection, movements: Iterable[Sequence[Doubted]], at: datetime) -> int:
    """Settle each of ``movements`` that what was reported since bears out; returns how many."""
    found = [
        {"anomaly": of_one[0].anomaly_id, "at": to_microseconds(at)}
        for of_one in movements
        if _is_borne_out(connection, of_one)
    ]
    if found:
        connection.execute(text(_SETTLE), found)
    return len(found)


def _is_borne_out(connection: Connection, of_one: Sequence[Doubted]) -> bool:
    """Whether any system has reported the position since, and none differs as if the movement were wrong."""
    reported = False
    for one in of_one:
        figure = Figure(one.system, one.sku, one.location, "on_hand")
        now = latest_residual(connection, figure, one.known_at)
        if now is None:
            continue
        usual = usual_residual(connection, figure, one.occurred_at)
        if not is_over(round(usual) + one.effect, usual, now):
            return False
        reported = True
    return reported


_OPEN = """
SELECT a.anomaly_id, a.sku, a.location, a.actual, a.occurred_at, l.recorded_at, r.system
FROM anomaly a JOIN ledger_entry l ON l.entry_id = a.fact_id
JOIN (SELECT system, MAX(as_of) AS last FROM reconciliation GROUP BY system) r
  ON r.last > l.recorded_at AND r.last > a.occurred_at
WHERE a.settled_at IS NULL AND a.kind = 'movement' AND a.actual IS NOT NULL
ORDER BY a.anomaly_id
"""

_SETTLE = """
UPDATE anomaly SET settled_at = :at, settlement = 'what was counted since bears it out'
WHERE anomaly_id = :anomaly AND settled_at IS NULL
"""
