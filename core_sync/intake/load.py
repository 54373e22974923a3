"""Any interchange table but events from files into the database: master data, snapshots, orders, failures."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from time import perf_counter

from sqlalchemy import Connection

from core_sync.errors import NotFound
from core_sync.failures.load import load_failures
from core_sync.intake.ingest import in_batches
from core_sync.intake.summary import IngestSummary
from core_sync.interchange.files import read_rows
from core_sync.interchange.formats import TABLES
from core_sync.interchange.profile_rules import INTERCHANGE, ReconciliationRule, SourceProfile
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import Row
from core_sync.ledger.decisions import retry_lacking
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import MASTER_DATA, load_master_data
from core_sync.orders.load import load_orders
from core_sync.outbox.intend import refresh_all_intents
from core_sync.snapshots.load import load_snapshots
from core_sync.snapshots.source_rules import declare_rule

LOADABLE = (*MASTER_DATA, "snapshots", "orders", "failures")
"""The tables that ``load`` takes."""

_BATCH = 50_000

_AS_A_WHOLE = 10**9
"""Rows of kits taken at once: a kit's definition is not cut in two."""


def load_files(
    ledger: Ledger, table: str, paths: Iterable[Path], at: datetime, profile: SourceProfile = INTERCHANGE
) -> IngestSummary:
    """Load every file in turn; after master data, what was parked for lack of it is tried again.

    With snapshots, the reconciliation rule of a profile that names its ``system`` holds from then on.
    After channels, kits and safety stock every promise is worked out anew.

    Raises:
        NotFound: ``table`` cannot be loaded.
        FileUnreadable: a file cannot be used at all; those before it are in.
    """
    if table not in LOADABLE:
        raise NotFound("table to load called", f"{table}; there are {', '.join(LOADABLE)}")
    started = perf_counter()
    summary = IngestSummary()
    system = profile.constants.get("system")
    if table == "snapshots" and isinstance(system, str) and profile.reconciliation != ReconciliationRule():
        with ledger.database.transaction() as connection:
            declare_rule(connection, system, profile.reconciliation)
    for path in paths:
        for rows in in_batches(read_rows(path, TABLES[table], profile), _AS_A_WHOLE if table == "kits" else _BATCH):
            good: list[Row] = []
            for row in rows:
                if isinstance(row, RefusedRow):
                    summary.refuse(row)
                else:
                    good.append(row)
            with ledger.database.transaction() as connection:
                written = _load(connection, table, good, at)
            summary.accepted += written
            summary.duplicates += len(good) - written
    if table in ("channels", "kits", "safety_stock"):
        refresh_all_intents(ledger.database, at)
    if table in MASTER_DATA:
        freed = retry_lacking(ledger, at)
        summary.freed = freed.accepted
    summary.seconds = perf_counter() - started
    return summary


def _load(connection: Connection, table: str, rows: list[Row], at: datetime) -> int:
    if table == "snapshots":
        return load_snapshots(connection, rows, at)
    if table == "orders":
        return load_orders(connection, rows)
    if table == "failures":
        return load_failures(connection, rows, at)
    return load_master_data(connection, table, rows, at)
