"""Which cases to show: the filter of a list, and the conditions that it means to the database.

What fits few cases is looked up first and named; what fits many is a test of each case while the list is walked in
its order. Either way a page costs what it shows and not what there is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVarTuple

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    any_,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy import column as named
from sqlmodel import col

from core_sync.cases.rows import CASES
from core_sync.cases.rules import ON_THE_LIST, UNRESOLVED, Status
from core_sync.cases.tables import OPEN, CaseScope
from core_sync.cases.words import words_of

FEW = 5_000
"""Up to so many cases are named by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which cases to show; empty means all. Cases resolved or asleep are shown only when asked for.

    ``search`` asks for every one of its words, each as the beginning of a word of the case.
    """

    statuses: Sequence[Status] = ON_THE_LIST
    root_cause: str | None = None
    sku: str | None = None
    location: str | None = None
    channel: str | None = None
    owner: str | None = None
    abstained: bool | None = None
    search: str | None = None


Columns = TypeVarTuple("Columns")

Conditions = Sequence[ColumnElement[bool]]


def conditions(connection: Connection, shown: Filter) -> Conditions:
    """What ``shown`` means, as conditions on a row of cases."""
    found = by_columns(shown, CASES)
    found += [_touches(connection, kind, value) for kind, value in _scopes(shown)]
    if shown.search:
        found.append(_says(connection, words_of(shown.search)))
    return found


def each_tested(shown: Filter) -> Conditions:
    """What ``shown`` means but for its words, as a test of each of a few cases."""
    scope: Select[int] = select(literal_column("1", BigInteger)).where(col(CaseScope.case_id) == CASES.c.case_id)
    found = by_columns(shown, CASES)
    for kind, value in _scopes(shown):
        found.append(scope.where(col(CaseScope.kind) == kind, col(CaseScope.value) == value).exists())
    return found


def _scopes(shown: Filter) -> list[tuple[str, str]]:
    """Kind and value of what the cases are to touch."""
    asked = (("sku", shown.sku), ("location", shown.location), ("channel", shown.channel))
    return [(kind, value) for kind, value in asked if value]


def by_columns(shown: Filter, table: Table) -> list[ColumnElement[bool]]:
    """What of ``shown`` is told by columns that cases and the tally of them have alike."""
    found: list[ColumnElement[bool]] = []
    if shown.statuses:
        if Status.RESOLVED not in shown.statuses:
            found.append(literal_column(OPEN))
        found.append(_status(set(shown.statuses), table))
    if shown.root_cause:
        found.append(_caused_by(shown.root_cause, table))
    if shown.owner:
        found.append(table.c.owner == shown.owner)
    if shown.abstained is not None:
        found.append(table.c.abstained.is_(shown.abstained))
    return found


def _status(wanted: Collection[Status], table: Table) -> ColumnElement[bool]:
    """Of the many statuses that the list usually shows, which it does not: else a database begins with each in turn."""
    others = [status for status in UNRESOLVED if status not in wanted]
    if Status.RESOLVED in wanted or len(others) > 1:
        return table.c.status.in_(sorted(wanted))
    return table.c.status.not_in(others) if others else true()


def _caused_by(root_cause: str, table: Table) -> ColumnElement[bool]:
    """A person's word or else the model's; both databases guess better how many that are than of a coalesce."""
    by_model = and_(table.c.override_root_cause.is_(None), table.c.root_cause == root_cause)
    return or_(table.c.override_root_cause == root_cause, by_model)


def narrowed(statement: Select[*Columns], wanted: Conditions) -> Select[*Columns]:
    """``statement`` on the cases that fit."""
    return statement.where(and_(*wanted)) if wanted else statement


def _touches(connection: Connection, kind: str, value: str) -> ColumnElement[bool]:
    scope = select(col(CaseScope.case_id)).where(col(CaseScope.kind) == kind, col(CaseScope.value) == value)
    few = _few(connection, scope)
    if few is not None:
        return few
    return CASES.c.case_id.in_(scope)


def _says(connection: Connection, words: Sequence[str]) -> ColumnElement[bool]:
    if not words:
        return literal_column("1 = 0")  # nothing but punctuation: no case says that
    found: Select[int]
    if connection.dialect.name == "sqlite":
        asked = " AND ".join(f'"{word}" *' for word in words)
        numbers = select(named("rowid", BigInteger)).select_from(text("case_search"))
        found = numbers.where(text("case_search MATCH :asked"))
    else:
        asked = " & ".join(f"'{word}':*" for word in words)
        numbers = select(named("case_id", BigInteger)).select_from(text("case_words"))
        found = numbers.where(text("lexemes @@ CAST(:asked AS tsquery)"))
    found = found.params(asked=asked)
    few = _few(connection, found)
    return few if few is not None else CASES.c.case_id.in_(found)


def _few(connection: Connection, found: Select[int]) -> ColumnElement[bool] | None:
    """The cases by number, where they are few."""
    counted = select(func.count()).select_from(found.limit(FEW + 1).subquery())
    if connection.execute(counted).scalar_one() > FEW:
        return None
    numbers = list(connection.execute(found).scalars())
    if connection.dialect.name == "sqlite":
        each = func.json_each(msgspec.json.encode(numbers).decode()).table_valued("value")
        return CASES.c.case_id.in_(select(each.c.value))
    return CASES.c.case_id == any_(literal(numbers, ARRAY(BigInteger)))  # one value: a thousand take long to read
