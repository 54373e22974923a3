"""One case with what every room knows of it: facts, the anomalies among its signals, and the runs of its actions."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from api.shapes import Shape, detail_shape
from core_sync.cases.detail import read_case
from core_sync.clock import from_microseconds


def read_detail(connection: Connection, case_id: int, at: datetime) -> Shape:
    """The case ``case_id`` with evidence, timeline and runs.

    Raises:
        NotFound: there is no such case.
    """
    detail = read_case(connection, case_id, at)
    shape = detail_shape(detail, _anomalies(connection, case_id))
    return {**shape, "grouped": _grouped(connection, case_id), "runs": runs_of(connection, case_id)}


def _grouped(connection: Connection, case_id: int) -> str:
    """Why its signals are one case, and whether people put some of them there."""
    from ml.triage.grouping import told_together

    fingerprint, is_placed = connection.execute(text(_GROUPED), {"case_id": case_id}).one()
    return told_together(fingerprint, bool(is_placed))


def runs_of(connection: Connection, case_id: int) -> list[Shape]:
    """Every run of the case's actions, the newest first."""
    from remediation.runs.store import runs_of_case  # the other rooms are not needed where no case is read

    return [run_shape(run) for run in runs_of_case(connection, case_id)]


def run_shape(run: Any) -> Shape:
    """One run, with its plan in words."""
    return {
        "run": run.run_id,
        "case": run.case_id,
        "action": run.action,
        "status": run.status,
        "autonomy": run.autonomy,
        "why": run.why,
        "choice": run.choice,
        "requested_by": run.requested_by,
        "requested_at": run.requested_at,
        "decided_by": run.decided_by,
        "decided_at": run.decided_at,
        "outcome": run.outcome,
        "plan": plan_shape(run.plan),
    }


def plan_shape(plan: Any) -> Shape:
    """What an action will do, or would."""
    return {
        "action": plan.action,
        "case": plan.case_id,
        "summary": plan.summary,
        "changes": [{"what": one.what, "target": one.target, "quantity": one.quantity} for one in plan.changes],
        "choices": [{"name": one.name, "says": one.says, "likeness": one.likeness} for one in plan.choices],
        "units": plan.units,
        "money": plan.money / 10_000,
        "reversible": plan.reversible,
    }


def _anomalies(connection: Connection, case_id: int) -> dict[int, Shape]:
    found: dict[int, Shape] = {}
    for row in connection.execute(text(_ANOMALIES), {"case_id": case_id}).mappings():
        told: Shape = {name: value for name, value in row.items() if value is not None and name != "anomaly_id"}
        for name in ("occurred_at", "settled_at"):
            if name in told:
                told[name] = from_microseconds(told[name])
        told["reasons"] = msgspec.json.decode(told["reasons"])
        found[row["anomaly_id"]] = told
    return found


_ANOMALIES = """
SELECT a.anomaly_id, a.kind, a.system, a.sku, a.location, a.channel, a.state, a.occurred_at, a.score, a.p_value,
       a.fault_probability, a.expected, a.actual, a.reasons, a.model_version, a.settled_at, a.settlement
FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
WHERE s.kind = 'anomaly' AND s.case_id = :case_id ORDER BY a.anomaly_id DESC LIMIT 200
"""

_GROUPED = """
SELECT c.fingerprint, EXISTS (SELECT 1 FROM case_signal s WHERE s.case_id = c.case_id AND s.pinned) AS is_placed
FROM exception_case c WHERE c.case_id = :case_id
"""
