"""What people say of what was found strange, and of what was drawn at random: it counts at once, and can be undone.

*True* makes the case certain, *false* settles what it rests on, *expected* keeps its scope off the list until it
ends. All three are kept with who said so and when; *true* and *false* are what the next model learns from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text
from sqlmodel import col

from core_sync.availability.promises import as_json
from core_sync.cases import verbs
from core_sync.cases.recurrence import raised
from core_sync.cases.rows import change_case, locked_case
from core_sync.cases.rules import Status, rank_value
from core_sync.cases.signals import Signal, open_or_join_all
from core_sync.cases.timeline import add_entry
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound, VerbRefused
from ml.feedback.expected import suppress_open
from ml.feedback.rules import Expected, FalseAlarm, Fault, Opinion, Scope, said_by, scope_of
from ml.feedback.tables import Audit, JudgedFact, Judgement

BY_AUDIT = "a random audit found it"


def judge_case(connection: Connection, case_id: int, opinion: Opinion, actor: str, at: datetime) -> int:
    """Say what the anomalies of a case are, those that are open and those nobody has judged; returns its number.

    Raises:
        NotFound: there is no such case.
        VerbRefused: no anomaly of it is left to judge, or the scope or the end of what is expected makes no sense.
    """
    locked_case(connection, case_id)
    subject = f"case {case_id}"
    rows = [dict(row) for row in connection.execute(text(_OF_CASE), {"case": case_id}).mappings()]
    if not rows:
        raise VerbRefused("judge", subject, "no anomaly of it is left to judge")
    scope = scope_of(rows, opinion, at, subject) if isinstance(opinion, Expected) else None
    judgement_id = _write(connection, opinion, scope, actor, at, case_id=case_id)
    _keep_facts(connection, judgement_id, rows, "alarm")
    note = _in_words(opinion, scope)
    add_entry(connection, case_id, actor, "judge", at, note, {}, {"judgement": judgement_id, "said": said_by(opinion)})
    _take_effect(connection, judgement_id, opinion, scope, at)
    _renew_cases(connection, judgement_id, note, actor, at)
    return judgement_id


def judge_audit(connection: Connection, audit_id: int, opinion: Opinion, actor: str, at: datetime) -> int:
    """Say what a row is that was drawn at random; returns the number of the judgement. A fault opens a case.

    Raises:
        NotFound: there is no such audit.
        VerbRefused: it was judged before or is an alarm by now, or the scope or the end of what is expected makes no
            sense.
    """
    subject = f"audit {audit_id}"
    connection.execute(select(col(Audit.audit_id)).where(col(Audit.audit_id) == audit_id).with_for_update())
    found = connection.execute(text(_AUDIT), {"audit": audit_id}).mappings().one_or_none()
    if found is None:
        raise NotFound("audit", audit_id)
    row = dict(found)
    if row["judged"]:
        raise VerbRefused("judge", subject, f"it was judged before; undo judgement {row['judged']} first")
    if row["alarm"]:
        raise VerbRefused("judge", subject, f"it is an alarm by now (anomaly {row['alarm']}); judge its case")
    scope = scope_of([row], opinion, at, subject) if isinstance(opinion, Expected) else None
    judgement_id = _write(connection, opinion, scope, actor, at, audit_id=audit_id)
    if isinstance(opinion, Fault):
        _found_by_audit(connection, row, at)
    _keep_facts(connection, judgement_id, [row], "audit")
    _take_effect(connection, judgement_id, opinion, scope, at)
    _renew_cases(connection, judgement_id, _in_words(opinion, scope), actor, at)
    return judgement_id


def _write(
    connection: Connection,
    opinion: Opinion,
    scope: Scope | None,
    actor: str,
    at: datetime,
    case_id: int | None = None,
    audit_id: int | None = None,
) -> int:
    values = {
        "said": said_by(opinion),
        "reason": opinion.reason,
        "case_id": case_id,
        "audit_id": audit_id,
        **(scope or Scope()).values(),
        "until": to_microseconds(opinion.until) if isinstance(opinion, Expected) else None,
        "said_by": actor,
        "said_at": to_microseconds(at),
    }
    statement = insert(Judgement).values(values).returning(col(Judgement.judgement_id))
    judgement_id = connection.execute(statement).scalar_one()
    assert judgement_id is not None  # the key of a row that is there
    return judgement_id


def _keep_facts(connection: Connection, judgement_id: int, rows: Sequence[Mapping[str, Any]], origin: str) -> None:
    facts = [
        {
            "judgement_id": judgement_id,
            "kind": row["kind"],
            "fact_id": row["fact_id"],
            "origin": origin,
            "described": row["described"],
            "probability_before": row["untold_probability"],
            "settled": False,
        }
        for row in rows
    ]
    connection.execute(insert(JudgedFact), facts)


def _take_effect(
    connection: Connection, judgement_id: int, opinion: Opinion, scope: Scope | None, at: datetime
) -> None:
    """Change the anomalies; what is settled by it is remembered, so that it can be taken back."""
    bound = {"judgement": judgement_id, "at": to_microseconds(at)}
    match opinion:
        case Fault():
            connection.execute(text(_CERTAIN), bound)
        case FalseAlarm():
            connection.execute(text(_MARK_SETTLED), bound)
            connection.execute(text(_SETTLE), {**bound, "how": f"a false alarm: {opinion.reason}"})
        case Expected():
            assert scope is not None  # every expectation has one
            suppress_open(connection, judgement_id, scope, at)


def _renew_cases(connection: Connection, judgement_id: int, note: str, actor: str, at: datetime) -> None:
    """Resolve the cases that it leaves nothing open in; have the others weighed anew, certain ones at once."""
    bound = {"judgement": judgement_id}
    for row in connection.execute(text(_TOUCHED), bound).mappings().all():
        case = locked_case(connection, row["case_id"])
        if case.status == Status.RESOLVED:
            continue
        if not row["open_signals"]:
            verbs.resolve(connection, row["case_id"], note, actor, at)
            continue
        changes: dict[str, Any] = {"needs_review": True}
        if row["certain"] and case.override_rank is None:
            loss = raised(case.exposure, case.recurrences, case.recurrences_there)
            changes |= {"fault_probability": 1.0, "expected_loss": case.exposure}
            changes["rank_value"] = rank_value(loss, case.time_to_harm_h, 1.0)
        change_case(connection, row["case_id"], changes, to_microseconds(at))


def _found_by_audit(connection: Connection, row: Mapping[str, Any], at: datetime) -> None:
    """A fault that no alarm told becomes a signal, in the case of its SKU."""
    reasons = as_json([BY_AUDIT])
    bound = {**row, "at": to_microseconds(at), "reasons": reasons}
    connection.execute(text(_MISSED), bound)
    anomaly_id = connection.execute(text(_ITS_ANOMALY), bound).scalar_one()
    open_or_join_all(connection, [Signal(f"anomaly|{row['sku']}", "anomaly", anomaly_id)], at)


def _in_words(opinion: Opinion, scope: Scope | None) -> str:
    because = f": {opinion.reason}" if opinion.reason else ""
    match opinion:
        case Fault():
            return f"a fault{because}"
        case FalseAlarm():
            return f"a false alarm{because}"
        case Expected():
            return f"expected until {opinion.until:%Y-%m-%d %H:%M} UTC for {scope}{because}"


_STANDING = """
SELECT j.judgement_id FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
WHERE f.kind = a.kind AND f.fact_id = a.fact_id AND j.ended_at IS NULL
"""

_OF_CASE = f"""
SELECT a.*, COALESCE((
    SELECT f.probability_before FROM judged_fact f JOIN judgement j ON j.judgement_id = f.judgement_id
    WHERE f.kind = a.kind AND f.fact_id = a.fact_id AND j.ended_at IS NULL AND j.said = 'true'
    ORDER BY j.judgement_id LIMIT 1), a.fault_probability) AS untold_probability
FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
WHERE s.kind = 'anomaly' AND s.case_id = :case AND (a.settled_at IS NULL OR NOT EXISTS ({_STANDING}))
ORDER BY a.anomaly_id
"""

_AUDIT = f"""
SELECT a.*, NULL AS untold_probability, ({_STANDING} ORDER BY j.judgement_id LIMIT 1) AS judged,
  (SELECT n.anomaly_id FROM anomaly n
   WHERE n.kind = a.kind AND n.fact_id = a.fact_id AND n.model_version <> 'audit') AS alarm
FROM audit a WHERE a.audit_id = :audit
"""

ABOUT = """
EXISTS (SELECT 1 FROM judged_fact f
        WHERE f.judgement_id = :judgement AND f.kind = anomaly.kind AND f.fact_id = anomaly.fact_id)
"""

_CERTAIN = f"UPDATE anomaly SET fault_probability = 1.0 WHERE settled_at IS NULL AND {ABOUT}"

_SETTLE = f"UPDATE anomaly SET settled_at = :at, settlement = :how WHERE settled_at IS NULL AND {ABOUT}"

_MARK_SETTLED = """
UPDATE judged_fact SET settled = TRUE WHERE judgement_id = :judgement
  AND EXISTS (SELECT 1 FROM anomaly a
              WHERE a.kind = judged_fact.kind AND a.fact_id = judged_fact.fact_id AND a.settled_at IS NULL)
"""

_TOUCHING = """
(a.suppressed_by = :judgement OR EXISTS (
    SELECT 1 FROM judged_fact f WHERE f.judgement_id = :judgement AND f.kind = a.kind AND f.fact_id = a.fact_id))
"""

CASES_OF = f"""
SELECT DISTINCT s.case_id FROM anomaly a
JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id WHERE {_TOUCHING} ORDER BY s.case_id
"""

_TOUCHED = f"""
SELECT c.case_id,
  (SELECT COUNT(*) FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id
   WHERE s.case_id = c.case_id AND s.kind = 'failure' AND f.resolved_at IS NULL)
  + (SELECT COUNT(*) FROM case_signal s JOIN anomaly o ON o.anomaly_id = s.signal_id
     WHERE s.case_id = c.case_id AND s.kind = 'anomaly' AND o.settled_at IS NULL) AS open_signals,
  EXISTS (SELECT 1 FROM case_signal s JOIN anomaly o ON o.anomaly_id = s.signal_id
     WHERE s.case_id = c.case_id AND s.kind = 'anomaly' AND o.settled_at IS NULL AND o.fault_probability = 1.0)
    AS certain
FROM ({CASES_OF}) c
"""

_MISSED = """
INSERT INTO anomaly (kind, fact_id, system, sku, location, channel, state, occurred_at, score, p_value,
                     fault_probability, expected, actual, reasons, model_version, scored_at, described)
VALUES (:kind, :fact_id, :system, :sku, :location, :channel, :state, :occurred_at, 0.0, 1.0, 1.0, :expected,
        :actual, :reasons, 'audit', :at, :described)
ON CONFLICT (kind, fact_id) DO UPDATE SET settled_at = NULL, settlement = NULL, fault_probability = 1.0
"""

_ITS_ANOMALY = "SELECT anomaly_id FROM anomaly WHERE kind = :kind AND fact_id = :fact_id"
