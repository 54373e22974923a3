"""A database filled with very many open cases over many more signals, made by the database itself from numbers."""

from sqlalchemy import Connection, text

from benchmarks.rig.loading import unchecked, without_indexes
from core_sync.cases.tally import fold
from core_sync.database.engine import Database

CHANNELS, LOCATIONS, OWNERS = 12, 20, 8
SKUS_A_CASE = 2
"""One SKU for every so many cases, and for every so many signals, up to ``SKUS_MAX``."""
SKUS_MAX = 500_000
WIDE = "c.n % 10 = 0 AND c.n <= 1000000"
"""Signals of the first case, an outage: one in ten, at most 100,000; the others lie evenly."""
ANOMALY = "c.n % 10 = 5"
"""Signals that are anomalies; the others are failures."""

CAUSES = ("timeout", "sku_mapping", "stale_reservation", "duplicate", "posting_delay", "other")


def fill(database: Database, cases: int, signals: int, at: int) -> None:
    """``cases`` open cases, ``signals`` signals, what they are narrowed and found by; ``at`` in microseconds."""
    bound = {"cases": cases, "signals": signals, "at": at}
    for statement in (_MASTER, _CASES, _SCOPES, _WORDS):
        with database.transaction() as connection:
            for one in statement.split(";"):
                _run(connection, one, bound)
    with without_indexes(database, ("failure", "anomaly", "diagnosis", "case_signal")):
        for statement in (_FAILURES, _ANOMALIES, _DIAGNOSES, _FAILURES_IN, _ANOMALIES_IN):
            with unchecked(database) as connection:
                _run(connection, statement, bound)
    for statement in (_SIGNALS_IN, _MARKS):
        with database.transaction() as connection:
            for one in statement.split(";"):
                _run(connection, one, bound)
    fold(database)
    if not database.is_sqlite:
        with database.transaction() as connection:
            for table, column in (("exception_case", "case_id"), ("failure", "failure_id"), ("anomaly", "anomaly_id")):
                after = f"(SELECT MAX({column}) FROM {table})"
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {after})"))


def _run(connection: Connection, statement: str, bound: dict[str, int]) -> None:
    lite = connection.dialect.name == "sqlite"
    for word, most in (("{cases}", ":cases"), ("{signals}", ":signals"), ("{channels}", str(CHANNELS))):
        counted = (
            f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {most}) SELECT n FROM c)"
            if lite
            else f"(SELECT n FROM generate_series(1, CAST({most} AS bigint)) AS n)"
        )
        statement = statement.replace(word, counted)
    used = {name: value for name, value in bound.items() if f":{name}" in statement}
    connection.execute(text(statement), used)


_CAUSE = "CASE c.n % 6 " + " ".join(f"WHEN {n} THEN '{cause}'" for n, cause in enumerate(CAUSES)) + " END"
_SKU = f"'SKU-' || (c.n / {SKUS_A_CASE} % {SKUS_MAX})"
_CASE_OF = f"CASE WHEN {WIDE} THEN 1 ELSE 1 + (c.n * 7919) % CAST(:cases AS bigint) END"
_CHANNEL, _LOCATION = f"'channel-' || (c.n % {CHANNELS})", f"'LOC-' || (c.n % {LOCATIONS})"
_LOSS = "10000 * (1 + (c.n * 7919) % 1000) * (1 + 100 / (1 + c.n % 37))"

_MASTER = f"""
INSERT INTO channel (channel, kind, priority, mode) SELECT {_CHANNEL}, 'shopify', 1, 'live' FROM {{channels}} c
"""

_CASES = f"""
INSERT INTO exception_case (case_id, fingerprint, status, title, root_cause, subclass, probability, abstained,
    fault_probability, exposure, expected_loss, currency, exposure_terms, time_to_harm_h, weighed_at, recurrences,
    rank_value, reasons, skus, locations, channels, signals, recommended_action, autonomy, owner, opened_at, updated_at,
    model_versions, needs_review)
SELECT c.n, {_CAUSE} || '|' || c.n, CASE WHEN c.n % 3 = 0 THEN 'acknowledged' ELSE 'new' END,
       {_CAUSE} || ': ' || {_SKU}, {_CAUSE}, NULL, 0.9, c.n % 11 = 0, 1.0, {_LOSS}, {_LOSS}, 'EUR',
       '{{"exposure": {{"value": 12.5, "unit": "EUR", "basis": "computed", "why": "the update did not arrive"}}}}',
       c.n % 48, CAST(:at AS bigint), 0, ({_LOSS}) / 10000.0, '["the request timed out", "the listing shows too much"]',
       '["' || {_SKU} || '"]', '["' || {_LOCATION} || '"]', '["' || {_CHANNEL} || '"]',
       0, 'retry_push', 'approve',
       CASE WHEN c.n % 4 = 0 THEN 'owner-' || (c.n % {OWNERS}) END, CAST(:at AS bigint) - c.n, CAST(:at AS bigint),
       '{{"root_cause": "1"}}', FALSE
FROM {{cases}} c
"""

_FAILURES = f"""
INSERT INTO failure (failure_id, id, kind, occurred_at, recorded_at, message, system, channel, operation, sku, location,
    http_status, error_code, attempts, latency_ms, surroundings)
SELECT c.n, 'F-' || c.n, 'push', CAST(:at AS bigint) - c.n, CAST(:at AS bigint) - c.n,
       'upstream request timed out after 30 s, order ' || c.n, {_CHANNEL}, {_CHANNEL}, 'push_inventory', {_SKU},
       {_LOCATION}, 504, 'TIMEOUT', 3, 30000.0, '{{}}'
FROM {{signals}} c WHERE NOT ({ANOMALY})
"""

_ANOMALIES = f"""
INSERT INTO anomaly (anomaly_id, kind, fact_id, system, sku, location, channel, state, occurred_at, score, p_value,
    fault_probability, reasons, model_version, scored_at)
SELECT c.n, 'delta', c.n, 'wms', {_SKU}, {_LOCATION}, '', 'on_hand', CAST(:at AS bigint) - c.n, 6.0, 0.001, 0.7,
       '["a rare quantity"]', '1', CAST(:at AS bigint)
FROM {{signals}} c WHERE {ANOMALY}
"""

_DIAGNOSES = f"""
INSERT INTO diagnosis (failure_id, root_cause, subclass, probability, abstained, probabilities, reasons, model_version,
    made_at)
SELECT c.n, CASE WHEN {WIDE} THEN 'timeout' ELSE {_CAUSE} END, CASE WHEN {WIDE} THEN 'outage' END, 0.9, FALSE,
       '{{"timeout": 0.9, "other": 0.1}}', '["the request timed out"]', '1',
       CAST(:at AS bigint)
FROM {{signals}} c WHERE NOT ({ANOMALY})
"""

_FAILURES_IN = f"""
INSERT INTO case_signal (case_id, kind, signal_id, pinned, added_at)
SELECT {_CASE_OF}, 'failure', c.n, FALSE, CAST(:at AS bigint) FROM {{signals}} c WHERE NOT ({ANOMALY})
"""

_ANOMALIES_IN = f"""
INSERT INTO case_signal (case_id, kind, signal_id, pinned, added_at)
SELECT {_CASE_OF}, 'anomaly', c.n, FALSE, CAST(:at AS bigint) FROM {{signals}} c WHERE {ANOMALY}
"""

_SIGNALS_IN = """
UPDATE exception_case SET signals = (SELECT COUNT(*) FROM case_signal s WHERE s.case_id = exception_case.case_id)
"""

_SCOPES = f"""
INSERT INTO case_scope (kind, value, case_id) SELECT 'sku', {_SKU}, c.n FROM {{cases}} c;
INSERT INTO case_scope (kind, value, case_id) SELECT 'location', {_LOCATION}, c.n FROM {{cases}} c;
INSERT INTO case_scope (kind, value, case_id) SELECT 'channel', {_CHANNEL}, c.n FROM {{cases}} c
"""

_WORDS = f"""
INSERT INTO case_words (case_id, words)
SELECT c.n, 'after channel f' || c.n || ' request s sku timed upstream ' || REPLACE({_CAUSE}, '_', ' ') || ' ' ||
       (c.n / {SKUS_A_CASE}) || ' order' || (c.n % 1000) || ' 504'
FROM {{cases}} c
"""

_MARKS = """
INSERT INTO scored_up_to (kind, fact_id, model_version) SELECT 'failure', MAX(failure_id), '' FROM failure;
INSERT INTO scored_up_to (kind, fact_id, model_version) SELECT 'anomaly', MAX(anomaly_id), '' FROM anomaly
"""
