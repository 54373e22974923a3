"""What cases consist of, read from the tables: their open failures with diagnoses, and their open anomalies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from ml.triage.precedence import giving_way


@dataclass(frozen=True)
class Signals:
    """Rows of a case's open failures, with their diagnoses, and of its open anomalies."""

    failures: Sequence[Mapping[str, Any]]
    anomalies: Sequence[Mapping[str, Any]]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """All of them."""
        return [*self.failures, *self.anomalies]

    @cached_property
    def skus(self) -> list[str]:
        """The SKUs it touches; beside a name that we do not know what it most likely means."""
        return sorted({name for row in self.rows for name in names_of(row)})


def read_signals(connection: Connection, case_ids: Collection[int]) -> dict[int, Signals]:
    """What each of the cases consists of; those without an open signal are left out."""
    failures: dict[int, list[Mapping[str, Any]]] = {}
    anomalies: dict[int, list[Mapping[str, Any]]] = {}
    bound = {"numbers": as_json(sorted(case_ids))}
    wanted = numbers(connection)
    for statement, found in ((_FAILURES, failures), (_ANOMALIES, anomalies)):
        result = connection.execute(text(statement.replace("{wanted}", wanted)), bound)
        names = tuple(result.keys())
        for values in giving_way(result):  # very many: a dictionary of a row of a mapping takes five times as long
            row = dict(zip(names, values, strict=True))
            found.setdefault(row["case_id"], []).append(row)
    return {
        case_id: Signals(failures.get(case_id, ()), anomalies.get(case_id, ()))
        for case_id in failures.keys() | anomalies.keys()
    }


def signals_on(connection: Connection, skus: Collection[str]) -> list[Mapping[str, Any]]:
    """Every open signal about one of ``skus``, or a name that may mean it, in a case which is not resolved."""
    found: list[Mapping[str, Any]] = []
    for statement in (_FAILURES_ON.format(name="sku"), _FAILURES_ON.format(name="meant_sku"), _ANOMALIES_ON):
        wanted = text(statement.replace("{wanted}", wanted_skus(connection)))
        found += [dict(row) for row in connection.execute(wanted, {"skus": as_json(skus)}).mappings()]
    return list({(row["kind"], row["signal_id"]): row for row in found}.values())


def names_of(row: Mapping[str, Any]) -> list[str]:
    """What a signal calls its SKU, and what that most likely means where we do not know it."""
    return [name for name in (row["sku"], row.get("meant_sku")) if name]


def numbers(connection: Connection) -> str:
    """SQL that turns the bound JSON list ``:numbers`` into rows of ``number``, in the connection's dialect."""
    return _NUMBERS[connection.dialect.name]


_NUMBERS = {
    "sqlite": "(SELECT value AS number FROM json_each(:numbers))",
    "postgresql": "(SELECT CAST(value AS bigint) AS number FROM json_array_elements_text(CAST(:numbers AS json)))",
}

_FAILURE = """
SELECT s.case_id, 'failure' AS kind, f.failure_id AS signal_id, f.system, f.channel, f.sku, f.location, f.operation,
       f.error_code, f.quantity, f.document, f.meant_sku,
       d.root_cause, d.subclass, d.probability, d.abstained, d.probabilities, d.reasons,
       CASE WHEN f.error_code = 'id_conflict' THEN (
         SELECT l.quantity FROM source o
         JOIN ledger_entry l ON l.source_id = o.source_id AND l.event_id = f.duplicate_of
         WHERE o.name = f.system) END AS first_quantity,
       CASE WHEN f.error_code = 'uom_mismatch' THEN (
         SELECT MIN(u.numerator / u.denominator) FROM unit_of_measure u
         WHERE u.sku = f.sku AND u.numerator > u.denominator) END AS pack,
       CASE WHEN f.operation = 'ledger.ship' AND f.document IS NOT NULL THEN EXISTS (
         SELECT 1 FROM position p JOIN open_item i ON i.position_id = p.position_id
         WHERE p.sku = COALESCE(f.meant_sku, f.sku) AND i.kind = 'reservation' AND i.open_quantity > 0
           AND (i.reference = f.document OR i.document = f.document)) ELSE FALSE END AS is_reserved
"""

_ANOMALY = """
SELECT s.case_id, a.kind, a.anomaly_id AS signal_id, a.system, a.channel, a.sku, a.location, a.state,
       COALESCE(d.expected + d.in_flight, a.expected) AS expected, COALESCE(d.reported, a.actual) AS actual,
       a.score, a.p_value, a.fault_probability, a.reasons, d.event_lag_s, d.winner,
       CASE WHEN d.winner = 'ledger' THEN d.expected + d.in_flight ELSE d.winning_quantity END AS believed,
       (SELECT (a.occurred_at - MIN(i.placed_at)) / 1000000.0 FROM open_item i JOIN position p
          ON p.position_id = i.position_id
        WHERE p.sku = a.sku AND i.kind = 'reservation' AND i.open_quantity > 0) AS reservation_age_s
"""

_NEWEST = """
LEFT JOIN delta d ON a.kind = 'delta' AND d.delta_id = (
  SELECT n.delta_id FROM delta n
  WHERE n.sku = a.sku AND n.location = a.location AND n.channel = a.channel
    AND n.system = a.system AND n.state = a.state
  ORDER BY n.as_of DESC LIMIT 1)
"""
"""A difference costs what it is by now, which the newest comparison of the same figure tells."""

_FAILURES = f"""{_FAILURE}
FROM {{wanted}} w JOIN case_signal s ON s.case_id = w.number AND s.kind = 'failure'
JOIN failure f ON f.failure_id = s.signal_id JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.resolved_at IS NULL ORDER BY f.failure_id
"""

_ANOMALIES = f"""{_ANOMALY}
FROM {{wanted}} w JOIN case_signal s ON s.case_id = w.number AND s.kind = 'anomaly'
JOIN anomaly a ON a.anomaly_id = s.signal_id
{_NEWEST}
WHERE a.settled_at IS NULL ORDER BY a.anomaly_id
"""

_FAILURES_ON = f"""{_FAILURE}
FROM ({{{{wanted}}}}) w JOIN failure f ON f.{{name}} = w.sku AND f.resolved_at IS NULL AND f.{{name}} IS NOT NULL
JOIN diagnosis d ON d.failure_id = f.failure_id
JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
JOIN exception_case c ON c.case_id = s.case_id AND c.status <> 'resolved'
ORDER BY f.failure_id
"""

_ANOMALIES_ON = f"""{_ANOMALY}
FROM ({{wanted}}) w JOIN anomaly a ON a.sku = w.sku AND a.settled_at IS NULL
JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id
JOIN exception_case c ON c.case_id = s.case_id AND c.status <> 'resolved'
{_NEWEST}
ORDER BY a.anomaly_id
"""
