"""Every table of core_sync, in one import: for migrations to be checked against, and for tests."""

from core_sync.cases import tables as cases
from core_sync.channels import tables as channels
from core_sync.expectations import tables as expectations
from core_sync.failures import tables as failures
from core_sync.kpis import tables as kpis
from core_sync.ledger import tables as ledger
from core_sync.master_data import tables as master_data
from core_sync.orders import tables as orders
from core_sync.outbox import tables as outbox
from core_sync.snapshots import tables as snapshots

__all__ = [
    "cases",
    "channels",
    "expectations",
    "failures",
    "kpis",
    "ledger",
    "master_data",
    "orders",
    "outbox",
    "snapshots",
]
