"""Which failures an outage or a backlog took with it, and which would have failed anyway: how many fail beside."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, text

from core_sync.cases.signals import Signal
from ml.triage.grouping import (
    BACKLOG,
    OUTAGE,
    Scope,
    Waiting,
    backlogs_among,
    connector_fingerprint,
    failure_fingerprint,
    is_lonely,
)

SIGNALS_READ = 200
"""The newest signals of an outage that is going on tell how bad it is."""


def told_apart(connection: Connection, failures: Sequence[Row[Any]]) -> list[Signal]:
    """A signal for each of the failures (with diagnosis and surroundings), and for earlier ones that belong with them.

    How bad an outage is, its own signals say: those that are new, and the newest of those that are in its case.
    """
    beside = {row.failure_id: _neighbours(row.surroundings) for row in failures if row.subclass == OUTAGE}
    worst: dict[str, int] = {}
    for row in failures:
        if row.subclass == OUTAGE:
            outage = connector_fingerprint(row.root_cause, row.subclass, _scope(row))
            if outage not in worst:
                worst[outage] = _worst_so_far(connection, outage)
            worst[outage] = max(worst[outage], beside[row.failure_id] or 0)
    waiting = _backlogs(connection, failures)
    return [
        Signal(_fingerprint(row, beside.get(row.failure_id), worst), "failure", row.failure_id)
        for row in failures
        if row.failure_id not in waiting
    ] + [Signal(name, "failure", failure_id) for failure_id, name in waiting.items()]


def _backlogs(connection: Connection, failures: Sequence[Row[Any]]) -> dict[int, str]:
    """Of postings that wait, new ones and those that are open, in what they are one."""
    if not any(row.subclass == BACKLOG for row in failures):
        return {}
    of_one = backlogs_among([Waiting(*row) for row in connection.execute(text(_WAITING))])
    return {row.failure_id: name for name, rows in of_one.items() for row in rows}


def _fingerprint(row: Row[Any], neighbours: int | None, worst: Mapping[str, int]) -> str:
    scope = _scope(row)
    most = worst.get(connector_fingerprint(row.root_cause, row.subclass, scope), 0)
    lonely = row.subclass == BACKLOG or is_lonely(row.subclass, neighbours, most)
    return failure_fingerprint(row.root_cause, row.subclass, scope, lonely)


def _worst_so_far(connection: Connection, outage: str) -> int:
    told = connection.execute(text(_SURROUNDINGS), {"outage": outage, "most": SIGNALS_READ}).scalars()
    return max((_neighbours(surroundings) or 0 for surroundings in told), default=0)


def _neighbours(surroundings: str | None) -> int | None:
    return msgspec.json.decode(surroundings, type=_Counted).neighbours if surroundings else None


class _Counted(msgspec.Struct):
    """What is read of a failure's surroundings."""

    neighbours: int | None = None


def _scope(row: Row[Any]) -> Scope:
    return Scope(row.system or "", row.channel or "", row.sku or "", row.location or "")


_WAITING = f"""
SELECT f.failure_id, d.root_cause, f.system, f.location, f.sku
FROM failure f JOIN diagnosis d ON d.failure_id = f.failure_id
WHERE f.resolved_at IS NULL AND d.subclass = '{BACKLOG}' AND f.sku IS NOT NULL ORDER BY f.failure_id
"""

_SURROUNDINGS = """
SELECT f.surroundings FROM exception_case c
JOIN case_signal s ON s.case_id = c.case_id AND s.kind = 'failure'
JOIN failure f ON f.failure_id = s.signal_id
WHERE c.fingerprint = :outage AND c.status <> 'resolved' ORDER BY s.case_signal_id DESC LIMIT :most
"""
