"""What is on the list in sum: cases and money, by each facet, and how much the first k cases cover."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, SelectBase, func, null, select, union_all
from sqlmodel import col

from core_sync.cases.narrow import Conditions, Filter, conditions, each_tested, narrowed
from core_sync.cases.rows import CASES
from core_sync.cases.tables import COUNTED_AS, CaseScope
from core_sync.cases.tally import COUNTED, is_tallied, tallied
from core_sync.money import from_ten_thousandths

STEPS = (1, 5, 10, 20, 50, 100)
"""After how many cases it is told how much they cover."""

FACET_VALUES_MAX = 50
"""Of a facet with more values, those with the most cases."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What is on the list: how many cases, and their expected loss by currency."""

    cases: int
    expected_loss: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Covered:
    """The first ``cases`` cover ``share`` of the expected loss of all, and ``left`` is what the others stand for."""

    cases: int
    share: float
    covered: Decimal
    left: Decimal


@dataclass(frozen=True, slots=True)
class Facets:
    """Cases on the list by the values of each facet, the most first; ``(none)`` counts those without an owner."""

    totals: Totals
    counts: Mapping[str, Mapping[str, int]]


def read_totals(connection: Connection, shown: Filter | None = None) -> Totals:
    """Sums over everything that the filter shows."""
    wanted = shown or Filter()
    kinds = _kinds(connection, wanted) if is_tallied(wanted) else _walked(conditions(connection, wanted), ("currency",))
    of = kinds.subquery()
    statement = select(func.sum(of.c.n), func.sum(of.c.priced), func.sum(of.c.loss), of.c.currency)
    return _totals([tuple(row) for row in connection.execute(statement.group_by(of.c.currency))])


def read_facets(connection: Connection, shown: Filter | None = None) -> Facets:
    """How many of what the filter shows have each status, root cause, owner, channel and location."""
    wanted = shown or Filter()
    of_columns, of_touches = _counted(connection, _kinds(connection, wanted))
    counts: dict[str, dict[str, int]] = {"status": {}, "root_cause": {}, "owner": {}, "abstained": {}}
    for count, _, _, _, status, cause, override, owner, abstained in of_columns:
        for facet, value in zip(counts, (status, override or cause, owner, abstained), strict=True):
            name = _said(value)
            counts[facet][name] = counts[facet].get(name, 0) + int(count)
    counts |= _scopes(connection, wanted, of_touches)
    return Facets(_totals(of_columns), {facet: _largest_first(found) for facet, found in counts.items()})


def read_coverage(connection: Connection, shown: Filter | None = None, steps: Sequence[int] = STEPS) -> list[Covered]:
    """How much of the expected loss the first cases stand for, after each of ``steps``.

    Losses are in the one currency in which they are reported; a case whose loss is not known counts for nothing.
    """
    wanted = conditions(connection, shown or Filter())
    most = max(steps)
    ranked = narrowed(select(CASES.c.expected_loss), wanted)
    ranked = ranked.order_by(CASES.c.rank_value.desc(), CASES.c.case_id.desc()).limit(most)
    losses = [int(loss or 0) for loss in connection.execute(ranked).scalars()]
    every = _kinds(connection, shown or Filter()).subquery()
    total = int(connection.execute(select(func.sum(every.c.loss))).scalar_one() or 0)
    told: list[Covered] = []
    for step in steps:
        if step > len(losses) and told and told[-1].cases >= len(losses):
            break
        covered = sum(losses[:step])
        share = covered / total if total else 1.0
        told.append(
            Covered(min(step, len(losses)), share, from_ten_thousandths(covered), from_ten_thousandths(total - covered))
        )
    return told


def _kinds(connection: Connection, shown: Filter) -> SelectBase:
    """What ``shown`` asks for, by kind: ``n`` cases, ``priced`` of them with a ``loss``. The tally tells, if it can."""
    if not is_tallied(shown):
        return _walked(conditions(connection, shown))
    told = tallied(connection, shown)
    if not shown.channel and not shown.location:
        return told
    return union_all(told, _walked([*each_tested(shown), CASES.c.touches.is_(None)]))


def _walked(wanted: Conditions, names: Sequence[str] = COUNTED_AS) -> Select[Any]:
    """The same of the cases themselves, by ``names`` alone: all that fit are walked through once."""
    kinds = [CASES.c[name] for name in names]
    loss = CASES.c.expected_loss
    sums = (func.count().label("n"), func.count(loss).label("priced"), func.sum(loss).label("loss"))
    return narrowed(select(*kinds, *sums), wanted).group_by(*kinds)


def _counted(connection: Connection, kinds: SelectBase) -> tuple[list[tuple[Any, ...]], list[tuple[str | None, int]]]:
    """The three sums by all that ``kinds`` differ in but what they touch; and counts by that."""
    both = kinds.cte("counted")
    columns = [both.c[name] for name in COUNTED_AS if name != "touches"]
    of_columns = select(func.sum(both.c.n), func.sum(both.c.priced), func.sum(both.c.loss), *columns, null())
    untold = [null() for _ in (both.c.priced, both.c.loss, *columns)]
    of_touches = select(func.sum(both.c.n), *untold, both.c.touches).group_by(both.c.touches)
    rows = [tuple(row) for row in connection.execute(union_all(of_columns.group_by(*columns), of_touches))]
    status = 3 + COUNTED_AS.index("status")
    return [row[:-1] for row in rows if row[status] is not None], [
        (row[-1], int(row[0])) for row in rows if row[status] is None
    ]


def _scopes(
    connection: Connection, shown: Filter, of_touches: Sequence[tuple[str | None, int]]
) -> dict[str, dict[str, int]]:
    """The cases that fit, by channel and by location: very many have few different ones."""
    found: Counter[tuple[str, str]] = Counter()
    for touches, count in of_touches:
        if touches is None:
            wanted = each_tested(shown) if is_tallied(shown) else conditions(connection, shown)
            found.update(_of_wide(connection, wanted))
            continue
        for kind, values in zip(COUNTED, msgspec.json.decode(touches), strict=True):
            found.update({(kind, value): count for value in values})
    return {kind: {value: n for (of, value), n in found.items() if of == kind} for kind in COUNTED}


def _of_wide(connection: Connection, wanted: Conditions) -> dict[tuple[str, str], int]:
    """Of those that fit and touch very much, one row a channel and location."""
    counted = (
        select(col(CaseScope.kind), col(CaseScope.value), func.count())
        .join(CASES, CASES.c.case_id == col(CaseScope.case_id))
        .where(CASES.c.touches.is_(None), col(CaseScope.kind).in_(COUNTED))
        .group_by(col(CaseScope.kind), col(CaseScope.value))
    )
    return {(kind, value): int(count) for kind, value, count in connection.execute(narrowed(counted, wanted))}


def _totals(rows: Sequence[tuple[Any, ...]]) -> Totals:
    """Of rows that begin with a count, how many of these have a loss, their loss and its currency."""
    sums: dict[str, int] = {}
    for _, priced, loss, currency in (row[:4] for row in rows):
        if currency and priced:
            sums[currency] = sums.get(currency, 0) + int(loss)
    losses = {currency: from_ten_thousandths(total) for currency, total in sorted(sums.items())}
    return Totals(sum(int(row[0]) for row in rows), losses)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(none)" if value is None else str(value)


def _largest_first(counts: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(ordered[:FACET_VALUES_MAX])
