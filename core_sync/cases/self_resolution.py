"""What happens to cases by itself: they resolve when their cause is gone, wake when due, and overrides expire."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, text

from core_sync.cases.recurrence import raised
from core_sync.cases.rows import CASES, change_case, in_parts
from core_sync.cases.rules import AWAKE, Status, rank_value
from core_sync.cases.signals import SYSTEM
from core_sync.cases.timeline import add_entry
from core_sync.cases.waking import wake
from core_sync.cases.weigh import ask_beside
from core_sync.clock import to_microseconds

ASKED_AT_ONCE = 500
"""Anomalies of one case that are asked about together."""

OpenAmong = Callable[[Collection[int]], Collection[int]]
"""Of the anomalies named, those that are not settled. Anomalies are opinions, kept by the room that holds them."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Which cases moved by themselves."""

    resolved: list[int]
    woken: list[int]
    overrides_expired: list[int]


def resolve_settled(connection: Connection, at: datetime, open_anomalies: OpenAmong | None = None) -> Settled:
    """Resolve every case whose failures are all resolved and whose anomalies are all settled; wake what is due.

    Looked at are cases that ask to be weighed again, for whoever closes a failure or settles an anomaly asks for that.
    Where nobody says which anomalies are settled, none is.
    """
    resolved = []
    for row in _without_open_failures(connection, open_anomalies):
        changes = {
            "status": Status.RESOLVED,
            "resolved_at": to_microseconds(at),
            "resolution": "its cause is gone",
            **AWAKE,
            "needs_review": False,
        }
        slept = {name: row._mapping[name] for name in AWAKE}
        before = {"status": row.status, "resolved_at": None, "resolution": None, **slept}
        change_case(connection, row.case_id, changes, to_microseconds(at))
        add_entry(connection, row.case_id, SYSTEM, "resolved", at, _how(connection, row.case_id), before, changes)
        resolved.append(row.case_id)
    ask_beside(connection, resolved)
    return Settled(resolved, wake(connection, at), _expire_overrides(connection, at))


def _without_open_failures(connection: Connection, open_anomalies: OpenAmong | None) -> list[Row[Any]]:
    candidates = list(connection.execute(text(_NO_OPEN_FAILURE)))
    if open_anomalies is None:
        return [row for row in candidates if not row.anomalies]
    wide = [row for row in candidates if row.anomalies > ASKED_AT_ONCE]
    still_open = {row.case_id for row in wide if _has_open(connection, row.case_id, open_anomalies)}
    narrow = [row.case_id for row in candidates if 0 < row.anomalies <= ASKED_AT_ONCE]
    for part in in_parts(narrow):
        marks = ", ".join(str(int(case_id)) for case_id in part)
        found = connection.execute(
            text(f"SELECT signal_id, case_id FROM case_signal WHERE kind = 'anomaly' AND case_id IN ({marks})")
        )
        case_of = {int(signal_id): int(case_id) for signal_id, case_id in found}
        still_open |= {case_of[signal_id] for signal_id in open_anomalies(case_of)}
    return [row for row in candidates if row.case_id not in still_open]


def _has_open(connection: Connection, case_id: int, open_anomalies: OpenAmong) -> bool:
    """Whether a case of very many anomalies has an open one, the newest first: most often the first part tells."""
    before = None
    while True:
        asked = {"case_id": case_id, "before": before, "most": ASKED_AT_ONCE}
        part = connection.execute(text(_NEWEST), asked).all()
        if not part:
            return False
        if open_anomalies([row.signal_id for row in part]):
            return True
        before = part[-1].case_signal_id


def _how(connection: Connection, case_id: int) -> str:
    """How the failures of the case ended, in the words of whoever closed them."""
    rows = connection.execute(text(_ENDINGS), {"case_id": case_id}).scalars()
    endings = [ending for ending in rows if ending]
    return "its cause is gone" + (f": {'; '.join(endings)}" if endings else "")


def _expire_overrides(connection: Connection, at: datetime) -> list[int]:
    moment = to_microseconds(at)
    due = select(CASES).where(CASES.c.override_until <= moment, CASES.c.status != Status.RESOLVED)
    names = ("override_root_cause", "override_rank", "override_reason", "override_until")
    expired = []
    for row in connection.execute(due).all():
        changes: dict[str, Any] = dict.fromkeys(names)
        loss = raised(row.expected_loss, row.recurrences, row.recurrences_there)
        rank = rank_value(loss, row.time_to_harm_h, row.fault_probability)
        ranked = {"rank_value": rank, "needs_review": True}
        change_case(connection, row.case_id, {**changes, **ranked}, moment)
        before = {name: row._mapping[name] for name in names}
        add_entry(connection, row.case_id, SYSTEM, "override expired", at, row.override_reason, before, changes)
        expired.append(row.case_id)
    return expired


_NO_OPEN_FAILURE = """
SELECT c.case_id, c.status, c.snoozed_until, c.snoozed_above, c.snoozed_stock_below,
       (SELECT COUNT(*) FROM case_signal s WHERE s.case_id = c.case_id AND s.kind = 'anomaly') AS anomalies
FROM exception_case c
WHERE c.needs_review AND c.status <> 'resolved' AND c.signals > 0
  AND NOT EXISTS (
    SELECT 1 FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id
    WHERE s.case_id = c.case_id AND s.kind = 'failure' AND f.resolved_at IS NULL
  )
ORDER BY c.case_id
"""

_NEWEST = """
SELECT case_signal_id, signal_id FROM case_signal
WHERE case_id = :case_id AND kind = 'anomaly' AND (CAST(:before AS bigint) IS NULL OR case_signal_id < :before)
ORDER BY case_signal_id DESC LIMIT :most
"""

_ENDINGS = """
SELECT DISTINCT f.resolution FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id
WHERE s.case_id = :case_id AND s.kind = 'failure' ORDER BY f.resolution LIMIT 3
"""
