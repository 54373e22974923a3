"""Cases of the past that are like one of today, and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds

LOOKED_AT = 400
"""Anomalies of other cases that are compared: those of the SKU and the newest of the kind."""
MOST = 5


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A case like the one asked about: how it is alike, how it ended, and what people said of it, if anything."""

    case: int
    title: str
    status: str
    resolution: str | None
    resolved_at: datetime | None
    said: str | None
    reason: str | None
    likeness: float
    alike: str


def similar_cases(connection: Connection, case_id: int, most: int = MOST) -> list[SimilarCase]:
    """The cases whose strangest anomaly is most like this case's, the most alike first.

    Half of the likeness is the share of telling features in common; the SKU gives 0.3, the place or channel 0.2.
    """
    asked = connection.execute(text(_STRANGEST), {"case": case_id}).mappings().one_or_none()
    if asked is None:
        return []
    best: dict[int, tuple[float, str]] = {}
    bound = {"case": case_id, "kind": asked["kind"], "sku": asked["sku"], "most": LOOKED_AT}
    for row in connection.execute(text(_OTHERS), bound).mappings():
        likeness, alike = _likeness(dict(asked), dict(row))
        if likeness > best.get(row["case_id"], (0.0, ""))[0]:
            best[row["case_id"]] = (likeness, alike)
    chosen = sorted(best, key=lambda case: (-best[case][0], -case))[:most]
    return [_shown(connection, case, *best[case]) for case in chosen]


def _likeness(asked: dict[str, Any], other: dict[str, Any]) -> tuple[float, str]:
    ours, theirs = _features(asked), _features(other)
    common = [name for name in ours if name in theirs]
    same_sku = asked["sku"] == other["sku"]
    same_place = (asked["location"], asked["channel"]) == (other["location"], other["channel"])
    share = len(common) / max(1, len(set(ours) | set(theirs)))
    alike = [f"same {name}" for name, holds in (("SKU", same_sku), ("place", same_place)) if holds]
    alike += [name.replace("_", " ") for name in common]
    return 0.5 * share + 0.3 * same_sku + 0.2 * same_place, ", ".join(alike)


def _features(row: dict[str, Any]) -> list[str]:
    return [str(name) for name, *_ in msgspec.json.decode(row["told"])]


def _shown(connection: Connection, case_id: int, likeness: float, alike: str) -> SimilarCase:
    row = connection.execute(text(_CASE), {"case": case_id}).mappings().one()
    ended = row["resolved_at"]
    return SimilarCase(
        case_id, row["title"], row["status"], row["resolution"],
        from_microseconds(ended) if ended is not None else None, row["said"], row["reason"], likeness, alike,
    )  # fmt: skip


_STRANGEST = """
SELECT a.* FROM case_signal s JOIN anomaly a ON a.anomaly_id = s.signal_id
WHERE s.kind = 'anomaly' AND s.case_id = :case ORDER BY a.settled_at IS NULL DESC, a.score DESC LIMIT 1
"""

_OTHERS = """
SELECT s.case_id, a.sku, a.location, a.channel, a.told FROM (
    SELECT anomaly_id FROM anomaly WHERE kind = :kind ORDER BY sku = :sku DESC, anomaly_id DESC LIMIT :most
) n JOIN anomaly a ON a.anomaly_id = n.anomaly_id
JOIN case_signal s ON s.kind = 'anomaly' AND s.signal_id = a.anomaly_id
JOIN exception_case c ON c.case_id = s.case_id
WHERE s.case_id <> :case AND c.status = 'resolved'
"""

_CASE = """
SELECT c.title, c.status, c.resolution, c.resolved_at, j.said, j.reason FROM exception_case c
LEFT JOIN judgement j ON j.judgement_id = (
    SELECT MAX(n.judgement_id) FROM judgement n WHERE n.case_id = c.case_id AND n.ended_at IS NULL)
WHERE c.case_id = :case
"""
