"""Troubles that come back: how often, and how far that raises them on the list."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text
from sqlmodel import col

from core_sync.cases.tables import CaseEntry
from core_sync.clock import to_microseconds

RECURS_WITHIN = timedelta(days=30)
"""Older returns say nothing of the next."""

_RAISE, _MOST_RAISED = 0.1, 5
"""A tenth higher for each return, up to five: what is cured for good costs nothing next week."""


def raised_by(times: int) -> float:
    """By which factor a case that came back ``times`` is ranked above its expected loss."""
    return 1.0 + _RAISE * min(max(times, 0), _MOST_RAISED)


def raised(expected_loss: int | None, times: int) -> int | None:
    """What a case is ranked by, in the unit of ``expected_loss``."""
    return None if expected_loss is None else round(expected_loss * raised_by(times))


def times_back(connection: Connection, case_ids: Sequence[int], since: datetime) -> dict[int, int]:
    """How often each of the troubles was over and came back since then; those that never did are left out.

    It came back as the same case, or as a new one of the same fingerprint where the last was over for too long.
    """
    found: dict[int, int] = {}
    for start in range(0, len(case_ids), 500):
        statement = (
            select(col(CaseEntry.case_id), func.count())
            .where(
                col(CaseEntry.case_id).in_(case_ids[start : start + 500]),
                col(CaseEntry.verb) == "regressed",
                col(CaseEntry.at) >= to_microseconds(since),
            )
            .group_by(col(CaseEntry.case_id))
        )
        found.update({case_id: int(count) for case_id, count in connection.execute(statement)})
        marks = ", ".join(str(int(case_id)) for case_id in case_ids[start : start + 500])
        earlier = text(_EARLIER.replace("{cases}", marks))
        for case_id, count in connection.execute(earlier, {"since": to_microseconds(since)}):
            found[case_id] = found.get(case_id, 0) + int(count)
    return found


_EARLIER = """
SELECT c.case_id, COUNT(*) FROM exception_case c
JOIN exception_case o ON o.fingerprint = c.fingerprint AND o.case_id < c.case_id
WHERE c.case_id IN ({cases}) AND o.resolved_at >= :since AND o.merged_into IS NULL
GROUP BY c.case_id
"""
