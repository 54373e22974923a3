"""Reading and changing rows of cases, under a lock and with what was so before."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, func, select, update
from sqlmodel import col

from core_sync.cases.tables import CaseSignal, ExceptionCase
from core_sync.errors import NotFound

CASES: Table = ExceptionCase.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models
_AT_ONCE = 500


def locked_case(connection: Connection, case_id: int) -> ExceptionCase:
    """The case as it is, locked against other writers until the transaction ends.

    Raises:
        NotFound: there is no such case.
    """
    row = connection.execute(select(CASES).where(CASES.c.case_id == case_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("case", case_id)
    return ExceptionCase(**row._mapping)


def change_case(connection: Connection, case_id: int, changes: Mapping[str, Any], at: int) -> None:
    """Set columns of one case; ``at`` in microseconds."""
    connection.execute(update(CASES).where(CASES.c.case_id == case_id).values(**changes, updated_at=at))


def changed(case: ExceptionCase, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the columns named in ``changes`` are before the change."""
    return {name: getattr(case, name) for name in changes}


def recount_signals(connection: Connection, case_ids: Iterable[int]) -> dict[int, int]:
    """Write how many signals each case holds, ask for it to be weighed again, and return the counts."""
    wanted = sorted(set(case_ids))
    counts = dict.fromkeys(wanted, 0)
    for part in in_parts(wanted):
        statement = (
            select(col(CaseSignal.case_id), func.count())
            .where(col(CaseSignal.case_id).in_(part))
            .group_by(col(CaseSignal.case_id))
        )
        counts.update({case_id: int(count) for case_id, count in connection.execute(statement)})
    for case_id, count in counts.items():
        connection.execute(update(CASES).where(CASES.c.case_id == case_id).values(signals=count, needs_review=True))
    return counts


def in_parts(values: Collection[Any]) -> Iterable[list[Any]]:
    """``values`` in lists short enough for one statement."""
    everything = list(values)
    for start in range(0, len(everything), _AT_ONCE):
        yield everything[start : start + _AT_ONCE]
