"""What was said, and what was found strange, as lists."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class JudgementShown:
    """One judgement: what was said of how many rows, by whom, and whether it still stands."""

    judgement: int
    said: str
    reason: str
    case: int | None
    audit: int | None
    sku: str
    location: str
    channel: str
    kind: str
    until: datetime | None
    said_by: str
    said_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    rows: int


@dataclass(frozen=True, slots=True)
class AnomalyShown:
    """One anomaly, in a case or kept off the list (``suppressed_by`` the judgement by which it was expected)."""

    anomaly: int
    kind: str
    system: str
    sku: str
    location: str
    channel: str
    occurred_at: datetime
    expected: int | None
    actual: int | None
    p_value: float
    fault_probability: float
    reasons: list[str]
    case: int | None
    settled_at: datetime | None
    settlement: str | None
    suppressed_by: int | None


def read_judgements(connection: Connection, case_id: int | None = None, limit: int = 100) -> list[JudgementShown]:
    """The newest judgements, of all or of one case."""
    wanted = "TRUE" if case_id is None else "j.case_id = :case"
    bound = {"case": case_id, "limit": min(limit, MOST_SHOWN)}
    rows = connection.execute(text(_JUDGEMENTS.format(wanted=wanted)), bound).mappings()
    return [
        JudgementShown(
            row["judgement_id"], row["said"], row["reason"], row["case_id"], row["audit_id"], row["sku"],
            row["location"], row["channel"], row["kind"], _moment(row["until"]), row["said_by"],
            from_microseconds(row["said_at"]), row["ended_by"], _moment(row["ended_at"]), row["told"],
        )
        for row in rows
    ]  # fmt: skip


def read_anomalies(
    connection: Connection,
    sku: str | None = None,
    location: str | None = None,
    channel: str | None = None,
    suppressed: bool | None = None,
    limit: int = 100,
) -> list[AnomalyShown]:
    """The newest anomalies; with ``suppressed`` only those that were kept off the list, or only the others."""
    bound: dict[str, Any] = {"sku": sku, "location": location, "channel": channel, "limit": min(limit, MOST_SHOWN)}
    wanted = "TRUE" if suppressed is None else f"a.suppressed_by IS {'NOT ' if suppressed else ''}NULL"
    for name in ("sku", "location", "channel"):
        if bound[name]:
            wanted += f" AND a.{name} = :{name}"
    rows = connection.execute(text(_ANOMALIES.format(wanted=wanted)), bound).mappings()
    return [
        AnomalyShown(
            row["anomaly_id"], row["kind"], row["system"], row["sku"], row["location"], row["channel"],
            from_microseconds(row["occurred_at"]), row["expected"], row["actual"], row["p_value"],
            row["fault_probability"], msgspec.json.decode(row["reasons"], type=list[str]), row["case_id"],
            _moment(row["settled_at"]), row["settlement"], row["suppressed_by"],
        )
        for row in rows
    ]  # fmt: skip


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else from_microseconds(microseconds)


_JUDGEMENTS = """
SELECT j.*, (SELECT COUNT(*) FROM judged_fact f WHERE f.judgement_id = j.judgement_id) AS told
FROM judgement j WHERE {wanted}
ORDER BY j.judgement_id DESC LIMIT :limit
"""

_ANOMALIES = """
SELECT a.*, s.case_id FROM anomaly a
LEFT JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id
WHERE {wanted} ORDER BY a.anomaly_id DESC LIMIT :limit
"""
