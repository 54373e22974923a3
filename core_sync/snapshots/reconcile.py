"""Compare every system's snapshot with the ledger as of the same moment; what differs becomes a delta.

In pages: a page is read and compared without any lock, and written in one short transaction together with how far
its snapshots are done. A comparison cut off anywhere goes on where it was, and of two processes that compare the
same page one is believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, text

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.snapshots.books import Reported
from core_sync.snapshots.compare import compare
from core_sync.snapshots.tables import Delta

POSTING_LAG = timedelta(hours=2)
"""How far behind a system may usually be before that is a disagreement."""

PAGE_ROWS = 5_000
"""Figures compared at once: what is held in memory, and what one transaction writes."""

_SNAPSHOTS_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class ReconcileSummary:
    """How many snapshots were worked on, how many figures compared, how many differ, and how many of these may."""

    snapshots: int
    compared: int
    differing: int
    tolerated: int


@dataclass(frozen=True, slots=True)
class Due:
    """Figures of one snapshot that are due; ``done_up_to`` is how far it was done when they were read."""

    reconciliation_id: int
    as_of: int
    done_up_to: int
    figures: list[Reported]

    @property
    def last(self) -> int:
        """How far the snapshot is done after these."""
        return self.figures[-1].snapshot_id


def reconcile(
    database: Database, at: datetime, lag: timedelta = POSTING_LAG, budget: int | None = None
) -> ReconcileSummary:
    """Compare the figures that were not compared yet, oldest as-of time first; at most ``budget`` of them."""
    snapshots: set[int] = set()
    compared = differing = tolerated = 0
    while budget is None or compared < budget:
        most = PAGE_ROWS if budget is None else min(PAGE_ROWS, budget - compared)
        with database.reading() as connection:
            page = _next_page(connection, most)
            found = _compare_page(connection, page, lag)
        if not page:
            break
        with database.transaction() as connection:
            for due in page:
                rows = found[due.reconciliation_id]
                passing = sum(bool(row["within_tolerance"]) for row in rows)
                if _take(connection, due, len(rows), passing, at):
                    _write(connection, rows, at)
                    snapshots.add(due.reconciliation_id)
                    differing += len(rows)
                    tolerated += passing
                compared += len(due.figures)
    return ReconcileSummary(len(snapshots), compared, differing, tolerated)


def _next_page(connection: Connection, most: int) -> list[Due]:
    """Figures that are due, of one or more snapshots, at most ``most`` together."""
    page: list[Due] = []
    left = most
    due = connection.execute(text(_DUE), {"most": _SNAPSHOTS_A_PAGE}).all()
    for reconciliation_id, system, as_of, done_up_to in due:
        bound = {"system": system, "as_of": as_of, "done": done_up_to, "most": left}
        figures = [Reported(reconciliation_id, *row) for row in connection.execute(text(_FIGURES), bound).all()]
        if figures:
            page.append(Due(reconciliation_id, as_of, done_up_to, figures))
            left -= len(figures)
        if left <= 0:
            break
    return page


def _compare_page(connection: Connection, page: Sequence[Due], lag: timedelta) -> dict[int, list[dict[str, Any]]]:
    """The rows of ``delta`` of each snapshot of the page, by its comparison."""
    found: dict[int, list[dict[str, Any]]] = {due.reconciliation_id: [] for due in page}
    for as_of, group in groupby(page, key=lambda due: due.as_of):
        figures = [figure for due in group for figure in due.figures]
        for row in compare(connection, as_of, figures, lag):
            found[row["reconciliation_id"]].append(row)
    return found


def _take(connection: Connection, due: Due, differing: int, tolerated: int, at: datetime) -> bool:
    """Note how far the snapshot is done; says whether nobody else had done it meanwhile."""
    bound = {
        "id": due.reconciliation_id,
        "done": due.done_up_to,
        "last": due.last,
        "compared": len(due.figures),
        "differing": differing,
        "tolerated": tolerated,
        "at": to_microseconds(at),
    }
    return connection.execute(text(_DONE), bound).rowcount == 1


def _write(connection: Connection, rows: list[dict[str, Any]], at: datetime) -> None:
    if rows:
        recorded_at = to_microseconds(at)
        connection.execute(insert(Delta), [row | {"recorded_at": recorded_at} for row in rows])


_DUE = """
SELECT reconciliation_id, system, as_of, done_up_to FROM reconciliation
WHERE done_up_to < told_up_to ORDER BY as_of, system LIMIT :most
"""

_FIGURES = """
SELECT snapshot_id, system, sku, location, state, quantity FROM snapshot
WHERE system = :system AND as_of = :as_of AND snapshot_id > :done ORDER BY snapshot_id LIMIT :most
"""

_DONE = """
UPDATE reconciliation SET done_up_to = :last, compared = compared + :compared, differing = differing + :differing,
    tolerated = tolerated + :tolerated, recorded_at = :at
WHERE reconciliation_id = :id AND done_up_to = :done
"""
