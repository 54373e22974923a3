"""Put new signals into cases, and settle the anomalies whose difference or failure is gone."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.signals import Signal, open_or_join_all
from core_sync.clock import to_microseconds
from ml.triage.agreement import settle_deltas
from ml.triage.grouping import Scope, anomaly_fingerprint, failure_fingerprint


def gather(connection: Connection, at: datetime) -> int:
    """Every failure and anomaly that is in no case goes into one; returns how many that were."""
    failures = connection.execute(text(_NEW_FAILURES)).all()
    signals = [
        Signal(
            failure_fingerprint(
                row.root_cause,
                row.subclass,
                Scope(row.system or "", row.channel or "", row.sku or "", row.location or ""),
            ),
            "failure",
            row.failure_id,
        )
        for row in failures
    ]
    _let_go(connection, signals, at)
    open_or_join_all(connection, signals, at)
    failing = {row.sku: row.fingerprint for row in connection.execute(text(_FAILING_SKUS))}
    anomalies = connection.execute(text(_NEW_ANOMALIES)).all()
    strange = [Signal(anomaly_fingerprint(Scope(sku=row.sku), failing), "anomaly", row.anomaly_id) for row in anomalies]
    _let_go(connection, strange, at)
    open_or_join_all(connection, strange, at)
    return len(signals) + len(strange)


def settle(connection: Connection, at: datetime) -> int:
    """Settle each anomaly whose figures agree again, or whose failure is gone; returns how many.

    A delta is settled by a later comparison. A movement stays as it was told: one that a failure explained
    is settled with that failure, any other when a person resolves its case.
    """
    bound = {"at": to_microseconds(at)}
    settled = settle_deltas(connection, at) + max(connection.execute(text(_FAILURE_GONE), bound).rowcount, 0)
    connection.execute(text(_REVIEW), bound)
    return settled


def _let_go(connection: Connection, signals: Sequence[Signal], at: datetime) -> None:
    """What a person resolved does not come back with a case that new ``signals`` bring back."""
    rows = [{"fingerprint": name, "at": to_microseconds(at)} for name in sorted({s.fingerprint for s in signals})]
    if rows:
        connection.execute(text(_RESOLVED_BEFORE), rows)


_NEW_FAILURES = """
SELECT f.failure_id, f.system, f.channel, f.sku, f.location, d.root_cause, d.subclass
FROM failure f JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.resolved_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'failure' AND s.signal_id = f.failure_id)
ORDER BY f.failure_id
"""

_FAILING_SKUS = """
SELECT f.sku, c.fingerprint FROM failure f
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
JOIN exception_case c ON c.case_id = s.case_id
WHERE f.resolved_at IS NULL AND f.sku IS NOT NULL AND c.status <> 'resolved' AND c.fingerprint LIKE '%|' || f.sku
ORDER BY f.failure_id
"""

_NEW_ANOMALIES = """
SELECT a.anomaly_id, a.sku FROM anomaly a
WHERE a.settled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM case_signal s WHERE s.kind = 'anomaly' AND s.signal_id = a.anomaly_id)
ORDER BY a.anomaly_id
"""

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
