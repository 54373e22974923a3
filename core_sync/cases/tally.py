"""How many cases there are of each kind, counted by the database as they change.

Whoever changes a case adds rows to ``case_tally``, what it was with -1 and what it is with +1, and nobody waits for
another's row: the sum over all rows is what there is, at every moment and to every reader. Now and then the rows are
folded into one a kind.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, cast, exists, func, select, text
from sqlalchemy.dialects.postgresql import JSONB

from core_sync.cases.narrow import Filter, by_columns
from core_sync.cases.tables import COUNTED_AS, TALLY
from core_sync.database.engine import Database

COUNTED = ("channel", "location")
"""Kinds of scope that are counted, in the order in which a case lists them; there are too many SKUs for that."""

FOLDED_FROM = 2_000
"""Rows added since the last time from which on, and from as many as there are kinds, all are folded."""


def is_tallied(shown: Filter) -> bool:
    """Whether the tally answers what is counted: it knows neither SKUs nor words."""
    return not shown.sku and not shown.search


def tallied(connection: Connection, shown: Filter) -> Select[Any]:
    """Kinds of cases: ``n`` of them, ``priced`` of these with a ``loss``.

    Where ``shown`` asks for a channel or a location, those are left out that touch very much: no tally says what.
    """
    kinds = [TALLY.c[name] for name in COUNTED_AS]
    told = {"n": TALLY.c.cases, "priced": TALLY.c.priced, "loss": TALLY.c.loss}
    sums = [func.sum(column).label(name) for name, column in told.items()]
    wanted = [*by_columns(shown, TALLY), *_touching(connection, shown)]
    return select(*kinds, *sums).where(*wanted).group_by(*kinds).having(func.sum(TALLY.c.cases) != 0)


def _touching(connection: Connection, shown: Filter) -> Sequence[ColumnElement[bool]]:
    asked = {"channel": shown.channel, "location": shown.location}
    return [_touches(connection, place, asked[kind]) for place, kind in enumerate(COUNTED) if asked[kind]]


def _touches(connection: Connection, place: int, value: str | None) -> ColumnElement[bool]:
    if connection.dialect.name == "sqlite":
        each = func.json_each(TALLY.c.touches, f"$[{place}]").table_valued("value")
        return exists(select(each.c.value).where(each.c.value == value))
    return cast(TALLY.c.touches, JSONB)[place].op("?", is_comparison=True)(value)


def fold(database: Database, at_least: int = FOLDED_FROM) -> None:
    """Put the rows of each kind into one, where ``at_least`` so many were added since the last time."""
    with database.reading() as connection:
        rows = {bool(folded): int(count) for folded, count in connection.execute(text(_ROWS))}
    if rows.get(False, 0) < max(at_least, rows.get(True, 0)):
        return
    with database.transaction() as connection:
        if database.is_sqlite:  # whoever writes is alone
            last = connection.execute(text("SELECT MAX(tally_id) FROM case_tally")).scalar_one()
            connection.execute(text(_FOLDED.format(rows="case_tally")))
            connection.execute(text("DELETE FROM case_tally WHERE tally_id <= :last"), {"last": last})
        else:  # what others add meanwhile stays, and what others fold meanwhile is gone when its turn comes
            gone = "WITH gone AS (DELETE FROM case_tally RETURNING *)"
            connection.execute(text(f"{gone} {_FOLDED.format(rows='gone')}"))


_ROWS = "SELECT folded, COUNT(*) FROM case_tally GROUP BY folded"

_KINDS = ", ".join(COUNTED_AS)

_FOLDED = f"""
INSERT INTO case_tally ({_KINDS}, cases, priced, loss, folded)
SELECT {_KINDS}, SUM(cases), SUM(priced), SUM(loss), TRUE FROM {{rows}} GROUP BY {_KINDS}
HAVING SUM(cases) <> 0 OR SUM(priced) <> 0 OR SUM(loss) <> 0
"""
