"""Put new signals into cases, and settle the anomalies whose difference is gone."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases.signals import Signal, open_or_join_all
from core_sync.clock import to_microseconds
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
    open_or_join_all(connection, signals, at)
    failing = {row.sku: row.fingerprint for row in connection.execute(text(_FAILING_SKUS))}
    anomalies = connection.execute(text(_NEW_ANOMALIES)).all()
    strange = [Signal(anomaly_fingerprint(Scope(sku=row.sku), failing), "anomaly", row.anomaly_id) for row in anomalies]
    open_or_join_all(connection, strange, at)
    return len(signals) + len(strange)


def settle_deltas(connection: Connection, at: datetime) -> int:
    """Settle each delta anomaly whose figures agree again in a later comparison; returns how many."""
    settled = connection.execute(text(_AGREES_AGAIN), {"at": to_microseconds(at)})
    return max(settled.rowcount, 0)


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

_AGREES_AGAIN = """
UPDATE anomaly SET settled_at = :at, settlement = 'the figures agree again'
WHERE settled_at IS NULL AND kind = 'delta' AND EXISTS (
    SELECT 1 FROM reconciliation r
    WHERE r.system = anomaly.system AND r.as_of > anomaly.occurred_at
      AND EXISTS (
          SELECT 1 FROM snapshot n WHERE n.system = r.system AND n.as_of = r.as_of
            AND n.sku = anomaly.sku AND n.location = anomaly.location AND n.state = anomaly.state)
      AND NOT EXISTS (
          SELECT 1 FROM delta d WHERE d.reconciliation_id = r.reconciliation_id
            AND d.sku = anomaly.sku AND d.location = anomaly.location AND d.state = anomaly.state
            AND d.reported <> d.expected + d.in_flight)
)
"""
