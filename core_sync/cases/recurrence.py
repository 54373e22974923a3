"""Troubles that come back, themselves or others of their cause at their place, and how far that raises them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text
from sqlmodel import col

from core_sync.cases.rows import CASES, in_parts
from core_sync.cases.tables import CaseEntry
from core_sync.clock import to_microseconds

RECURS_WITHIN = timedelta(days=30)
"""Older returns say nothing of the next."""

_RAISE, _MOST_RAISED = 0.1, 5
"""A tenth higher for each return, up to five: what is cured for good costs nothing next week."""


THERE_AS_ONE = 5
"""So many other troubles of one cause at one place tell as much as one that came back: something there makes them."""

_LATEST = 2_000
"""Of the troubles that are over the latest are looked through for those of a place."""


def raised_by(times: int, there: int = 0) -> float:
    """By which factor a case is ranked above its expected loss that came back ``times``, ``there`` others beside it."""
    return 1.0 + _RAISE * min(max(times, 0) + max(there, 0) // THERE_AS_ONE, _MOST_RAISED)


def raised(expected_loss: int | None, times: int, there: int = 0) -> int | None:
    """What a case is ranked by, in the unit of ``expected_loss``."""
    return None if expected_loss is None else round(expected_loss * raised_by(times, there))


Place = tuple[str, str]
"""A root cause, and a location."""


@dataclass(frozen=True, slots=True)
class Known:
    """Which trouble a case is, and the root cause that a person says it has (None: nobody does)."""

    fingerprint: str
    said_cause: str | None = None


def known_troubles(connection: Connection, case_ids: Collection[int], at: datetime) -> dict[int, Known]:
    """Each of the cases as it is known at ``at``."""
    named = (CASES.c.case_id, CASES.c.fingerprint, CASES.c.override_root_cause, CASES.c.override_until)
    found: dict[int, Known] = {}
    for part in in_parts(sorted(case_ids)):
        for case_id, fingerprint, said, until in connection.execute(select(*named).where(CASES.c.case_id.in_(part))):
            holds = until is None or to_microseconds(at) < until
            found[case_id] = Known(fingerprint, said if holds else None)
    return found


def times_at(connection: Connection, since: datetime) -> Mapping[Place, Counter[str]]:
    """How often which troubles of each cause were over at each location since then, of the latest that were.

    The cause is a person's where one said it until the end.
    """
    bound = {"since": to_microseconds(since), "most": _LATEST}
    found: dict[Place, Counter[str]] = {}
    for cause, place, fingerprint, count in connection.execute(text(_AT), bound):
        found.setdefault((cause, place), Counter())[fingerprint] += int(count)
    return found


def most_at(
    times: Mapping[Place, Counter[str]], cause: str, locations: Collection[str], own: str = ""
) -> tuple[int, str]:
    """Of ``locations`` the one with most troubles of ``cause``: how many (0 for none), and which it is.

    Those of the fingerprint ``own`` are no others: ``times_back`` counts them.
    """
    others = ((times.get((cause, place), Counter()), place) for place in sorted(locations))
    return max(((counts.total() - counts[own], place) for counts, place in others), default=(0, ""))


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


_AT = """
SELECT o.cause, s.value, o.fingerprint, COUNT(*)
FROM (SELECT case_id, fingerprint,
             CASE WHEN override_root_cause IS NOT NULL AND (override_until IS NULL OR override_until > resolved_at)
                  THEN override_root_cause ELSE root_cause END AS cause
      FROM exception_case WHERE resolved_at >= :since AND merged_into IS NULL
      ORDER BY resolved_at DESC LIMIT :most) o
JOIN case_scope s ON s.case_id = o.case_id AND s.kind = 'location' GROUP BY 1, 2, 3
"""

_EARLIER = """
SELECT c.case_id, COUNT(*) FROM exception_case c
JOIN exception_case o ON o.fingerprint = c.fingerprint AND o.case_id < c.case_id
WHERE c.case_id IN ({cases}) AND o.resolved_at >= :since AND o.merged_into IS NULL
GROUP BY c.case_id
"""
