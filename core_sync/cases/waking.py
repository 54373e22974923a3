"""Snoozed cases wake when what was waited for has come: the moment, too much at stake, or too little stock."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select, text

from core_sync.cases.rows import CASES, change_case
from core_sync.cases.rules import AWAKE, Status
from core_sync.cases.signals import SYSTEM
from core_sync.cases.timeline import add_entry
from core_sync.clock import to_microseconds
from core_sync.money import from_ten_thousandths


def wake(connection: Connection, at: datetime) -> list[int]:
    """Put each snoozed case back on the list that is due, and say why; returns which."""
    moment = to_microseconds(at)
    woken: list[int] = []
    for case_id, why in _due(connection, moment):
        if case_id in woken:
            continue
        changes = {"status": Status.ACKNOWLEDGED, **AWAKE}
        found = select(*(CASES.c[name] for name in changes)).where(CASES.c.case_id == case_id)
        before = dict(connection.execute(found).one()._mapping)
        change_case(connection, case_id, {**changes, "needs_review": True}, moment)
        add_entry(connection, case_id, SYSTEM, "woken", at, why, before, changes)
        woken.append(case_id)
    return woken


def _due(connection: Connection, moment: int) -> Iterator[tuple[int, str]]:
    """Each case that is due and why; one that is due for several reasons comes several times."""
    asleep = CASES.c.status == Status.SNOOZED
    timed = select(CASES.c.case_id).where(asleep, CASES.c.snoozed_until <= moment)
    for case_id in connection.execute(timed).scalars().all():
        yield case_id, "the time it was snoozed until has come"
    dear = select(CASES.c.case_id, CASES.c.exposure, CASES.c.snoozed_above, CASES.c.currency).where(
        asleep, CASES.c.exposure > CASES.c.snoozed_above
    )
    for row in connection.execute(dear).all():
        now, limit = (from_ten_thousandths(amount) for amount in (row.exposure, row.snoozed_above))
        yield row.case_id, f"its exposure is {now:,.2f} {row.currency or ''}, above {limit:,.2f}"
    for row in connection.execute(text(_SHORT)).all():
        limit = row.snoozed_stock_below
        yield row.case_id, f"{row.available:,} units of {row.sku} are available, fewer than {limit:,}"


_SHORT = """
WITH watched AS (
    SELECT c.case_id, c.snoozed_stock_below, u.value AS sku,
           EXISTS (SELECT 1 FROM case_scope l WHERE l.case_id = c.case_id AND l.kind = 'location') AS placed
    FROM exception_case c JOIN case_scope u ON u.case_id = c.case_id AND u.kind = 'sku'
    WHERE c.status = 'snoozed' AND c.snoozed_stock_below IS NOT NULL
), stock AS (
    SELECT p.sku, p.location, SUM(p.on_hand - p.allocated - p.quality_hold) - COALESCE(MAX(s.quantity), 0) AS available
    FROM position p LEFT JOIN safety_stock s ON s.sku = p.sku AND s.location = p.location
    WHERE p.sku IN (SELECT sku FROM watched) GROUP BY p.sku, p.location
)
SELECT w.case_id, w.sku, w.snoozed_stock_below, COALESCE(SUM(k.available), 0) AS available
FROM watched w LEFT JOIN stock k ON k.sku = w.sku AND (NOT w.placed OR EXISTS (
    SELECT 1 FROM case_scope l WHERE l.case_id = w.case_id AND l.kind = 'location' AND l.value = k.location))
GROUP BY w.case_id, w.sku, w.snoozed_stock_below
HAVING COALESCE(SUM(k.available), 0) < w.snoozed_stock_below
ORDER BY w.case_id, w.sku
"""
