"""Put new signals into cases, and settle the anomalies whose difference or failure is gone."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.cases.signals import Signal, open_or_join_all
from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.database.upsert import upsert
from ml.feedback.expected import suppress_new
from ml.triage.agreement import compared_again, settle_deltas
from ml.triage.borne_out import doubted, settle_movements
from ml.triage.frames import scored_up_to
from ml.triage.grouping import Scope, anomaly_fingerprint
from ml.triage.neighbours import settle_without_fault
from ml.triage.outages import told_apart
from ml.triage.tables import ScoredUpTo

GATHERED: Mapping[str, tuple[str, str]] = {
    "failure": ("failure", "failure_id"),
    "anomaly": ("anomaly", "anomaly_id"),
}
"""The signals that are put into cases, by table and column of their number."""

GATHERED_AT_ONCE = 5_000
"""Signals of a kind put into cases in one transaction."""

SETTLED_AT_ONCE = 500
"""Figures looked at in one transaction."""


def gather_all(database: Database, at: datetime) -> set[int]:
    """``gather`` until nothing is left, some at once: on a bad day nobody who writes waits for all of it."""
    gathered: set[int] = set()
    while True:
        with database.transaction() as connection:
            part = gather(connection, at)
        gathered |= part
        if not part:
            return gathered


def gather(connection: Connection, at: datetime, most: int = GATHERED_AT_ONCE) -> set[int]:
    """Failures and anomalies past the marks that are in no case go into one, the newest first; returns those cases.

    What people said to expect is marked, and goes into none.

    Args:
        most: no more than so many failures, and so many anomalies.
    """
    if connection.dialect.name != "sqlite":  # there, whoever writes is alone
        connection.execute(text(_ALONE))
    marks = scored_up_to(connection)
    failures = connection.execute(text(_NEW_FAILURES), {"done": marks.get("failure", 0), "most": most}).all()[::-1]
    signals = told_apart(connection, failures)
    _let_go(connection, signals, at)
    cases = open_or_join_all(connection, signals, at)
    suppress_new(connection, marks.get("anomaly", 0), at)
    anomalies = connection.execute(text(_NEW_ANOMALIES), {"done": marks.get("anomaly", 0), "most": most}).all()[::-1]
    failing = _failing(connection, {row.sku for row in anomalies})
    strange = [Signal(anomaly_fingerprint(Scope(sku=row.sku), failing), "anomaly", row.anomaly_id) for row in anomalies]
    _let_go(connection, strange, at)
    return {*cases, *open_or_join_all(connection, strange, at)}


def settle(database: Database, at: datetime) -> int:
    """Settle each anomaly whose figures agree again, or whose failure is gone; returns how many.

    A delta is settled by a later comparison, and so is a movement that it bears out. One that a failure explained is
    settled with that failure, what is shown for a fault beside it when no such judgement stands, any other when a
    person resolves its case.
    """
    with database.transaction() as connection:
        gone = connection.execute(text(_FAILURE_GONE), {"at": to_microseconds(at)}).rowcount
        settled = _reviewed(connection, max(gone, 0) + settle_without_fault(connection, at), at)
    with database.reading() as connection:
        compared = connection.execute(text(_COMPARED)).scalar_one()
        anew = compared != scored_up_to(connection).get("compared")
        figures, movements = (compared_again(connection), doubted(connection)) if anew else ([], [])
    for start in range(0, max(len(figures), len(movements)), SETTLED_AT_ONCE):
        with database.transaction() as connection:
            over = settle_deltas(connection, figures[start : start + SETTLED_AT_ONCE], at)
            over += settle_movements(connection, movements[start : start + SETTLED_AT_ONCE], at)
            settled += _reviewed(connection, over, at)
    _mark(database, {"compared": compared})
    return settled


def _reviewed(connection: Connection, settled: int, at: datetime) -> int:
    if settled:
        connection.execute(text(_REVIEW), {"at": to_microseconds(at)})
    return settled


def mark_gathered(database: Database, marks: Mapping[str, int]) -> None:
    """Say that every signal up to ``marks`` has been gathered: later rounds look only at what is newer.

    To be called once ``gather`` has committed. Without it nothing is lost, and the next round looks at more.
    """
    _mark(database, marks)


def _mark(database: Database, marks: Mapping[str, int]) -> None:
    with database.reading() as connection:
        before = scored_up_to(connection)
    ahead = {kind: number for kind, number in marks.items() if number > before.get(kind, 0)}
    if ahead:
        rows = [{"kind": kind, "fact_id": number, "model_version": ""} for kind, number in ahead.items()]
        with database.transaction() as connection:
            upsert(connection, ScoredUpTo, rows, ("kind",))


def _failing(connection: Connection, skus: Collection[str]) -> dict[str, str]:
    """The fingerprints of open failure cases by SKU; of several the newest failure's."""
    if not skus:
        return {}
    statement = _FAILING_SKUS.replace("{wanted}", wanted_skus(connection))
    return {row.sku: row.fingerprint for row in connection.execute(text(statement), {"skus": as_json(skus)})}


def _let_go(connection: Connection, signals: Sequence[Signal], at: datetime) -> None:
    """What a person resolved does not come back with a case that new ``signals`` bring back."""
    rows = [{"fingerprint": name, "at": to_microseconds(at)} for name in sorted({s.fingerprint for s in signals})]
    if rows:
        connection.execute(text(_RESOLVED_BEFORE), rows)


_ALONE = "LOCK TABLE scored_up_to IN SHARE UPDATE EXCLUSIVE MODE"
"""One gathers at a time; nobody who reads, and nobody who notes what was scored, waits."""

_NEW_FAILURES = """
SELECT f.failure_id, f.system, f.channel, f.sku, f.location, f.surroundings, d.root_cause, d.subclass
FROM failure f JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.failure_id > :done AND f.resolved_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'failure' AND s.signal_id = f.failure_id)
ORDER BY f.failure_id DESC LIMIT :most
"""

_FAILING_SKUS = """
SELECT f.sku, c.fingerprint FROM ({wanted}) w JOIN failure f ON f.sku = w.sku
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
JOIN exception_case c ON c.case_id = s.case_id
WHERE f.resolved_at IS NULL AND f.sku IS NOT NULL AND c.status <> 'resolved' AND c.fingerprint LIKE '%|' || f.sku
ORDER BY f.failure_id
"""

_NEW_ANOMALIES = """
SELECT a.anomaly_id, a.sku FROM anomaly a
WHERE a.anomaly_id > :done AND a.settled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'anomaly' AND s.signal_id = a.anomaly_id)
ORDER BY a.anomaly_id DESC LIMIT :most
"""

_COMPARED = """
SELECT (SELECT COALESCE(SUM(done_up_to), 0) FROM reconciliation) + (SELECT COALESCE(MAX(anomaly_id), 0) FROM anomaly)
"""
"""A number that grows with every figure that is compared and with every anomaly: as long as it stays, none settles."""

_FAILURE_GONE = """
UPDATE anomaly SET settled_at = :at, settlement = 'the failure that explained it is gone'
WHERE settled_at IS NULL AND kind = 'movement' AND EXISTS (
    SELECT 1 FROM case_signal s JOIN case_signal o ON o.case_id = s.case_id AND o.kind = 'failure'
    WHERE s.kind = 'anomaly' AND s.signal_id = anomaly.anomaly_id)
  AND NOT EXISTS (
    SELECT 1 FROM case_signal s JOIN case_signal o ON o.case_id = s.case_id AND o.kind = 'failure'
    JOIN failure f ON f.failure_id = o.signal_id AND f.resolved_at IS NULL
    WHERE s.kind = 'anomaly' AND s.signal_id = anomaly.anomaly_id)
"""

_RESOLVED_BEFORE = """
UPDATE anomaly SET settled_at = :at, settlement = 'its case was resolved'
WHERE settled_at IS NULL AND anomaly_id IN (
    SELECT s.signal_id FROM exception_case c JOIN case_signal s ON s.case_id = c.case_id AND s.kind = 'anomaly'
    WHERE c.fingerprint = :fingerprint AND c.status = 'resolved')
"""

_REVIEW = """
UPDATE exception_case SET needs_review = TRUE
WHERE status <> 'resolved' AND case_id IN (
    SELECT s.case_id FROM anomaly a JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id
    WHERE a.settled_at = :at)
"""
