"""Who may write which SKUs at once, on PostgreSQL; on SQLite the one writer has the whole file."""

from collections.abc import Iterable
from zlib import crc32

from sqlalchemy import Connection

from core_sync.database.bulk import Bulk, Question

PARTITIONS = 64
"""SKUs fall into this many partitions; one transaction at a time writes in each."""

_LEDGER_LOCKS = 0x57C6
"""First half of the advisory lock's key, so that other users of advisory locks do not meet ours."""


def partition_of(sku: str) -> int:
    """The partition of ``sku``, the same in every process."""
    return crc32(sku.encode()) % PARTITIONS


def locking(skus: Iterable[str]) -> Question:
    """Hold the partitions of ``skus`` until the transaction ends, always in the same order: no deadlock."""
    partitions = sorted({partition_of(sku) for sku in skus})
    return Question(f"SELECT pg_advisory_xact_lock({_LEDGER_LOCKS}, k.k0) FROM {{keys}}", ("int4",), partitions)


def lock_skus(connection: Connection, skus: Iterable[str]) -> None:
    """Hold the partitions of ``skus``, as ``locking`` says; on SQLite the one writer has them all."""
    if connection.dialect.name != "sqlite":
        Bulk(connection).ask(locking(skus))
