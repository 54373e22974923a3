"""Take a judgement back: chances, anomalies and cases are as they were, and nothing is learnt from it any more."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.cases import verbs
from core_sync.cases.rows import change_case, locked_case
from core_sync.cases.rules import Status
from core_sync.cases.timeline import add_entry
from core_sync.clock import to_microseconds
from core_sync.errors import NotFound, VerbRefused
from ml.feedback.expected import hand_over
from ml.feedback.judge import ABOUT, CASES_OF


def take_back(connection: Connection, judgement_id: int, actor: str, at: datetime) -> None:
    """Undo a judgement. What an expectation kept off the list without a case is put into one by the next triage.

    Raises:
        NotFound: there is no such judgement.
        VerbRefused: it was taken back before.
    """
    bound = {"judgement": judgement_id, "at": to_microseconds(at), "actor": actor}
    row = connection.execute(text(_JUDGEMENT), bound).mappings().one_or_none()
    if row is None:
        raise NotFound("judgement", judgement_id)
    if connection.execute(text(_END), bound).rowcount != 1:
        raise VerbRefused("take back", f"judgement {judgement_id}", f"{row['ended_by']} took it back before")
    cases = list(connection.execute(text(CASES_OF), bound).scalars())
    connection.execute(text(_OLD_CHANCE), bound)
    hand_over(connection, judgement_id, at)
    if row["audit_id"] is not None and row["said"] == "true":
        connection.execute(text(_NOT_FOUND), bound)
    first_freed = connection.execute(text(_FIRST_FREED), bound).scalar_one()
    connection.execute(text(_UNSETTLE), bound)
    if first_freed is not None:
        connection.execute(text(_GATHER_FROM), {"before": first_freed - 1})
    told = f"judgement {judgement_id} ({row['said']}) was taken back"
    for case_id in cases:
        _as_it_was(connection, case_id, told, actor, at)
    if row["case_id"] is not None and row["case_id"] not in cases:
        add_entry(connection, row["case_id"], actor, "take back", at, told)


def _as_it_was(connection: Connection, case_id: int, told: str, actor: str, at: datetime) -> None:
    """Open a case again that has something open now; have any other weighed anew."""
    case = locked_case(connection, case_id)
    ended = case.status == Status.RESOLVED and case.merged_into is None
    if ended and connection.execute(text(_HAS_OPEN), {"case": case_id}).first() is not None:
        verbs.reopen(connection, case_id, actor, at, told)
        return
    change_case(connection, case_id, {"needs_review": True}, to_microseconds(at))
    add_entry(connection, case_id, actor, "take back", at, told)


_JUDGEMENT = "SELECT said, case_id, audit_id, ended_by FROM judgement WHERE judgement_id = :judgement"

_END = "UPDATE judgement SET ended_at = :at, ended_by = :actor WHERE judgement_id = :judgement AND ended_at IS NULL"

_OLD_CHANCE = f"""
UPDATE anomaly SET fault_probability = COALESCE((
    SELECT f.probability_before FROM judged_fact f
    WHERE f.judgement_id = :judgement AND f.kind = anomaly.kind AND f.fact_id = anomaly.fact_id), fault_probability)
WHERE {ABOUT} AND NOT EXISTS (
    SELECT 1 FROM judged_fact o JOIN judgement j ON j.judgement_id = o.judgement_id
    WHERE o.kind = anomaly.kind AND o.fact_id = anomaly.fact_id AND j.ended_at IS NULL AND j.said = 'true')
"""

_HAS_OPEN = """
SELECT 1 FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
WHERE s.case_id = :case AND s.kind = 'anomaly' AND a.settled_at IS NULL LIMIT 1
"""

_NOT_FOUND = f"""
UPDATE anomaly SET settled_at = :at, settlement = 'what the audit found was taken back'
WHERE settled_at IS NULL AND model_version = 'audit' AND {ABOUT}
"""

_FREED = """
(a.suppressed_by = :judgement OR EXISTS (
    SELECT 1 FROM judged_fact f
    WHERE f.judgement_id = :judgement AND f.settled AND f.kind = a.kind AND f.fact_id = a.fact_id))
"""

_FIRST_FREED = f"SELECT MIN(a.anomaly_id) FROM anomaly a WHERE {_FREED}"

_UNSETTLE = f"""
UPDATE anomaly SET settled_at = NULL, settlement = NULL, suppressed_by = NULL
WHERE anomaly_id IN (SELECT a.anomaly_id FROM anomaly a WHERE {_FREED})
"""

_GATHER_FROM = "UPDATE scored_up_to SET fact_id = :before WHERE kind = 'anomaly' AND fact_id > :before"
