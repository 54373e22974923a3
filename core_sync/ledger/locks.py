"""Who may write which SKUs at once, on PostgreSQL; on SQLite the one writer has the whole file."""

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Connection, text

PARTITIONS = 64
"""SKUs fall into this many partitions; one transaction at a time writes in each."""

_LEDGER_LOCKS = 0x57C6
"""First half of the advisory lock's key, so that other users of advisory locks do not meet ours."""


def partition_of(sku: str) -> int:
    """The partition of ``sku``, the same in every process."""
    return crc32(sku.encode()) % PARTITIONS


def lock_skus(connection: Connection, skus: Iterable[str]) -> None:
    """Hold the partitions of ``skus`` until the transaction ends, always in the same order: no deadlock."""
    if connection.dialect.name == "sqlite":
        return
    for partition in sorted({partition_of(sku) for sku in skus}):
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:ours, :partition)"), {"ours": _LEDGER_LOCKS, "partition": partition}
        )
