"""Who may write which SKUs at once, on PostgreSQL; on SQLite the one writer has the whole file."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from sqlalchemy import Connection

from core_sync.database.bulk import Bulk, Question
from core_sync.ledger.arrivals import Arrival
from core_sync.ledger.effects import Flag

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
    return Question(
        f"SELECT pg_advisory_xact_lock({_LEDGER_LOCKS}, k.k0) FROM {{keys}}", ("int4",), partitions, first=True
    )


def skus_of(arrivals: Sequence[Arrival]) -> set[str]:
    """The SKUs that ``arrivals`` move, and those that master data did not take as they were named.

    So one event told to two writers makes one wait for the other, also where only one of them knows its SKU.
    """
    skus = {arrival.sku for arrival in arrivals}
    skus |= {arrival.event.sku for arrival in arrivals if arrival.lack is not None or arrival.flags & Flag.MAPPED}
    return skus - {""}


def lock_skus(connection: Connection, skus: Iterable[str]) -> None:
    """Hold the partitions of ``skus``, as ``locking`` says; on SQLite the one writer has them all."""
    if connection.dialect.name != "sqlite":
        Bulk(connection).ask(locking(skus))
