"""A simulated world taken through the real path as it was told: what came later is not known at a snapshot.

Reconciled when all is over, a movement that was told two days late stands in the ledger at its own time, as if the
books had never disagreed over it. So each snapshot is compared when it arrives, as the service does it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from core_sync.intake.ingest import ingest_files
from core_sync.intake.load import load_files
from core_sync.interchange.writing import write_rows
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from simulation.world import Rows, World
from simulation.write import columns_of_table

MASTER_DATA = ("skus", "uom", "aliases", "locations", "rates", "channels", "suppliers", "deliveries")

Late = Sequence[tuple[datetime, str, dict[str, Any]]]
"""Master data that people set up when they cured a fault: when, in which table, the row."""


def tell_by_snapshot(ledger: Ledger, world: World, folder: Path) -> None:
    """Take ``world`` into the database up to each snapshot in turn, and reconcile that when it arrives.

    A snapshot is under way as long as the slowest message, so whatever was sent before it is there. A failure is known
    from the moment on at which it was recorded; that it is over is not told.
    """
    late, before = late_master_data(world), world.scenario.start - timedelta(days=1)
    load_master_data(ledger, folder, world, late)
    events, failures = world.tables["events"], sorted(world.tables["failures"], key=lambda row: row["recorded_at"])
    by_moment = sorted(world.tables["snapshots"], key=lambda row: row["as_of"])
    for as_of, rows in groupby(by_moment, key=lambda row: row["as_of"]):
        arrived = as_of + timedelta(seconds=world.scenario.constants.source_lag_s[1])
        for at in (as_of, arrived):
            load_late(ledger, folder, late, before, at)
            tell_events(ledger, folder, _told(events, before, at), at)
            for failure in _told(failures, before, at):
                load_rows(ledger, folder, "failures", [failure | {"resolved_at": None}], failure["recorded_at"])
            before = at
        load_rows(ledger, folder, "snapshots", list(rows), arrived)
        reconcile(ledger.database, arrived)


def _told(rows: Rows, before: datetime, at: datetime) -> Rows:
    """Those of ``rows``, by the moment at which they were recorded, that were after ``before`` and up to ``at``."""
    since, until = (bisect_right(rows, moment, key=lambda row: row["recorded_at"]) for moment in (before, at))
    return rows[since:until]


def late_master_data(world: World) -> Late:
    """The names and units that nobody had set up before a fault of them was cured."""
    cured = {
        (kind, fault["sku"], fault["started_at"] if kind == "unmapped_sku" else None): fault["ended_at"]
        for kind in ("unmapped_sku", "uom_mismatch")
        for fault in world.truth["faults"]
        if fault["subclass"] == kind and fault["ended_at"] is not None
    }
    aliases = ((("unmapped_sku", row["sku"], row.get("valid_from")), "aliases", row) for row in world.tables["aliases"])
    units = ((("uom_mismatch", row["sku"], None), "uom", row) for row in world.tables["uom"] if row["uom"] != "CS")
    return [(cured[key], table, row) for key, table, row in (*aliases, *units) if key in cured]


def load_master_data(ledger: Ledger, folder: Path, world: World, late: Late) -> None:
    """All master data but the ``late``."""
    after = {id(row) for _, _, row in late}
    for table in MASTER_DATA:
        known = [row for row in world.tables[table] if id(row) not in after]
        load_rows(ledger, folder, table, known, world.scenario.start)


def load_late(ledger: Ledger, folder: Path, late: Late, before: datetime, at: datetime) -> None:
    """What of ``late`` was set up after ``before`` and up to ``at``."""
    for table in ("aliases", "uom"):
        load_rows(ledger, folder, table, [row for moment, of, row in late if of == table and before < moment <= at], at)


def tell_events(ledger: Ledger, folder: Path, events: Rows, at: datetime) -> None:
    """Let the ledger take in ``events`` in their order, each recorded when it was."""
    if events:
        path = folder / "events.parquet"
        write_rows(path, events, columns_of_table("events"))
        ingest_files(ledger, [path], lambda: at, as_recorded=True)


def load_rows(ledger: Ledger, folder: Path, table: str, rows: Rows, at: datetime) -> None:
    """Load ``rows`` of ``table`` as a file is loaded."""
    if rows:
        path = folder / f"{table}.parquet"
        write_rows(path, rows, columns_of_table(table))
        load_files(ledger, table, [path], at)
