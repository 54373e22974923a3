"""What cases consist of, read from the tables: their open failures with diagnoses, and their open anomalies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus


@dataclass(frozen=True)
class Signals:
    """Rows of a case's open failures, with their diagnoses, and of its open anomalies."""

    failures: Sequence[Mapping[str, Any]]
    anomalies: Sequence[Mapping[str, Any]]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """All of them."""
        return [*self.failures, *self.anomalies]

    @property
    def skus(self) -> list[str]:
        """The SKUs it touches."""
        return sorted({row["sku"] for row in self.rows if row["sku"]})


NOTHING = Signals((), ())


def read_signals(connection: Connection, case_ids: Collection[int]) -> dict[int, Signals]:
    """What each of the cases consists of; those without an open signal are left out."""
    failures: dict[int, list[Mapping[str, Any]]] = {}
    anomalies: dict[int, list[Mapping[str, Any]]] = {}
    bound = {"cases": msgspec.json.encode(sorted(case_ids)).decode()}
    wanted = _NUMBERS[connection.dialect.name]
    for statement, found in ((_FAILURES, failures), (_ANOMALIES, anomalies)):
        for row in connection.execute(text(statement.replace("{wanted}", wanted)), bound).mappings():
            found.setdefault(row["case_id"], []).append(dict(row))
    return {
        case_id: Signals(failures.get(case_id, ()), anomalies.get(case_id, ()))
        for case_id in failures.keys() | anomalies.keys()
    }


def cases_beside(connection: Connection, case_ids: Collection[int], skus: Collection[str]) -> set[int]:
    """Unresolved cases that touch one of ``skus``, or one that the cases touched when they were last weighed."""
    bound = {"cases": msgspec.json.encode(sorted(case_ids)).decode(), "skus": as_json(skus)}
    numbers = _NUMBERS[connection.dialect.name]
    statement = _BESIDE.replace("{wanted}", numbers).replace("{skus}", wanted_skus(connection))
    return set(connection.execute(text(statement), bound).scalars())


_NUMBERS = {
    "sqlite": "(SELECT value AS case_id FROM json_each(:cases))",
    "postgresql": "(SELECT CAST(value AS bigint) AS case_id FROM json_array_elements_text(CAST(:cases AS json)))",
}

_BESIDE = """
SELECT DISTINCT o.case_id FROM (
    SELECT s.value FROM {wanted} w JOIN case_scope s ON s.case_id = w.case_id AND s.kind = 'sku'
    UNION SELECT k.sku FROM ({skus}) k
) t JOIN case_scope o ON o.kind = 'sku' AND o.value = t.value
JOIN exception_case c ON c.case_id = o.case_id WHERE c.status <> 'resolved'
"""

_FAILURES = """
SELECT s.case_id, 'failure' AS kind, f.failure_id AS signal_id, f.system, f.channel, f.sku, f.location, f.operation,
       f.error_code, f.quantity, d.root_cause, d.subclass, d.probability, d.abstained, d.probabilities, d.reasons
FROM {wanted} w JOIN case_signal s ON s.case_id = w.case_id AND s.kind = 'failure'
JOIN failure f ON f.failure_id = s.signal_id JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.resolved_at IS NULL ORDER BY f.failure_id
"""

_ANOMALIES = """
SELECT s.case_id, a.kind, a.anomaly_id AS signal_id, a.system, a.channel, a.sku, a.location, a.expected, a.actual,
       a.score, a.p_value, a.fault_probability, a.reasons, d.event_lag_s, d.winner,
       CASE WHEN d.winner = 'ledger' THEN a.expected ELSE d.winning_quantity END AS believed,
       (SELECT (a.occurred_at - MIN(i.placed_at)) / 1000000.0 FROM open_item i JOIN position p
          ON p.position_id = i.position_id
        WHERE p.sku = a.sku AND i.kind = 'reservation' AND i.open_quantity > 0) AS reservation_age_s
FROM {wanted} w JOIN case_signal s ON s.case_id = w.case_id AND s.kind = 'anomaly'
JOIN anomaly a ON a.anomaly_id = s.signal_id
LEFT JOIN delta d ON a.kind = 'delta' AND d.delta_id = a.fact_id
WHERE a.settled_at IS NULL ORDER BY a.anomaly_id
"""
