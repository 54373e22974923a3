"""Eight rows a day that raised no alarm, drawn at random for people to look at: what nobody suspected is learnt too.

Every row scored on a day draws a lot from the day, its kind and its number alone; the eight smallest are looked at
on the next day. So the draw is the same for everybody, however many processes scored the rows and in which order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds
from core_sync.database.upsert import insert_new
from ml.anomaly.thresholds import DAILY_AUDITS
from ml.feedback.tables import Audit

Ints = NDArray[np.int64]
FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = ("delta", "movement")


def day_of(at: datetime) -> int:
    """Days since 1970, UTC."""
    return (at - FIRST_DAY).days


def lots(day: int, kind: str, fact_ids: Ints) -> Ints:
    """The lot of each fact (n,), uniform below 2^62: two rounds of splitmix64 (Steele, Lea, Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        seed = _mixed(np.array([day * len(KINDS) + KINDS.index(kind)], dtype=np.uint64))
        return (_mixed(fact_ids.astype(np.uint64) ^ seed) >> np.uint64(2)).astype(np.int64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def smallest(day: int, kind: str, fact_ids: Ints) -> list[tuple[int, int]]:
    """Place and lot of those of the facts (n,) that can be among the day's audits."""
    drawn = lots(day, kind, fact_ids)
    return [(place, int(drawn[place])) for place in np.argsort(drawn, kind="stable")[:DAILY_AUDITS].tolist()]


def keep_audits(connection: Connection, scored_on: int, rows: Sequence[dict[str, object]]) -> None:
    """Enter ``rows`` (columns of ``Audit`` but the day), scored on a day, for the next one; the smallest lots stay."""
    day = scored_on + 1
    known = [lot for (lot,) in connection.execute(text(_LOTS), {"day": day})]
    worst = max(known) if len(known) >= DAILY_AUDITS else None
    promising = [{**row, "day": day} for row in rows if worst is None or int(str(row["draw"])) < worst]
    if promising and insert_new(connection, Audit, promising, ("kind", "fact_id")):
        connection.execute(text(_KEEP_SMALLEST), {"day": day, "most": DAILY_AUDITS})


@dataclass(frozen=True, slots=True)
class AuditShown:
    """One row to look at. Its score is not shown: who looks at it is not to be led."""

    audit: int
    day: datetime
    kind: str
    system: str
    sku: str
    location: str
    channel: str
    state: str
    occurred_at: datetime
    expected: int | None
    actual: int | None
    judgement: int | None
    said: str | None
    said_by: str | None


def read_audits(connection: Connection, at: datetime) -> list[AuditShown]:
    """The audits of the day of ``at``, those without an answer first."""
    return [
        AuditShown(
            row["audit_id"], FIRST_DAY + timedelta(days=row["day"]), row["kind"], row["system"], row["sku"],
            row["location"], row["channel"], row["state"], from_microseconds(row["occurred_at"]),
            row["expected"], row["actual"], row["judgement_id"], row["said"], row["said_by"],
        )
        for row in connection.execute(text(_AUDITS), {"day": day_of(at)}).mappings()
    ]  # fmt: skip


_LOTS = "SELECT draw FROM audit WHERE day = :day"

_KEEP_SMALLEST = """
DELETE FROM audit WHERE day = :day AND audit_id NOT IN (
    SELECT audit_id FROM audit WHERE day = :day ORDER BY draw, audit_id LIMIT :most)
"""

_AUDITS = """
SELECT a.*, j.judgement_id, j.said, j.said_by FROM audit a
LEFT JOIN judgement j ON j.audit_id = a.audit_id AND j.ended_at IS NULL
WHERE a.day = :day AND NOT EXISTS (
    SELECT 1 FROM anomaly n WHERE n.kind = a.kind AND n.fact_id = a.fact_id AND n.model_version <> 'audit')
ORDER BY j.judgement_id IS NOT NULL, a.draw
"""
