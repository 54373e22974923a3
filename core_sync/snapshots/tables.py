"""Storage of snapshots, reconciliations and deltas."""

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole


class Snapshot(SQLModel, table=True):
    """A system's figure for one state of one SKU at a location (empty: a channel's total)."""

    __tablename__ = "snapshot"
    __table_args__ = (
        UniqueConstraint("system", "as_of", "sku", "location", "state", name="snapshot_key"),
        Index("snapshot_order", "system", "as_of"),
    )

    snapshot_id: int | None = key()
    system: str
    sku: str
    location: str = ""
    state: str
    quantity: int = whole()
    as_of: int = moment()
    recorded_at: int = moment()


class Reconciliation(SQLModel, table=True):
    """One comparison of one system's snapshot with the ledger as of the same moment."""

    __tablename__ = "reconciliation"
    __table_args__ = (UniqueConstraint("system", "as_of", name="reconciliation_key"),)

    reconciliation_id: int | None = key()
    system: str
    as_of: int = moment()
    compared: int = whole()
    differing: int = whole()
    recorded_at: int = moment()


class Delta(SQLModel, table=True):
    """A difference between what a system reported and what the ledger leads us to expect of it.

    ``in_flight`` is the part of the difference that movements still on their way explain;
    ``reported − expected − in_flight`` is left to be explained.
    """

    __tablename__ = "delta"
    __table_args__ = (Index("delta_subject", "sku", "location", "channel", "as_of"),)

    delta_id: int | None = key()
    reconciliation_id: int = whole(foreign_key="reconciliation.reconciliation_id")
    system: str
    as_of: int = moment()
    recorded_at: int = moment()
    sku: str
    location: str = ""
    channel: str = ""
    state: str
    expected: int = whole()
    reported: int = whole()
    in_flight: int = whole(0)
    erp: int | None = whole(None)
    wms: int | None = whole(None)
    channel_qty: int | None = whole(None)
    published_age_s: float | None = None
    event_lag_s: float | None = None
