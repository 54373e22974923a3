"""Storage of snapshots, reconciliations and deltas."""

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class Snapshot(SQLModel, table=True):
    """A system's figure for one state of one SKU at a location (empty: a channel's total)."""

    __tablename__ = "snapshot"
    __table_args__ = (
        UniqueConstraint("system", "as_of", "sku", "location", "state", name="snapshot_key"),
        Index("snapshot_order", "system", "as_of", "snapshot_id"),
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
    """The comparison of one system's snapshot with the ledger as of the same moment, page by page.

    Its figures up to ``done_up_to`` are compared; those after it, up to ``told_up_to``, are due.
    """

    __tablename__ = "reconciliation"
    __table_args__ = (
        UniqueConstraint("system", "as_of", name="reconciliation_key"),
        Index(
            "reconciliation_due",
            "as_of",
            "system",
            sqlite_where=text("done_up_to < told_up_to"),
            postgresql_where=text("done_up_to < told_up_to"),
        ),
        Index("reconciliation_by_time", "as_of"),
    )

    reconciliation_id: int | None = key()
    system: str
    as_of: int = moment()
    compared: int = whole()
    differing: int = whole()
    tolerated: int = whole(0)
    """Of the differing, how many stay within what the system's rule allows."""
    told_up_to: int = whole(0)
    done_up_to: int = whole(0)
    recorded_at: int = moment()


class Delta(SQLModel, table=True):
    """A difference between what a system reported and what the ledger leads us to expect of it.

    ``in_flight`` is the part of the difference that movements still on their way explain;
    ``reported − expected − in_flight`` is left to be explained, and is ``within_tolerance`` where the system's
    rule allows as much. ``winner`` is whose figure that rule believes (a system, ``ledger``, or nobody yet), and
    ``winning_quantity`` what it says as of the same moment.
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
    winner: str = ""
    winning_quantity: int | None = whole(None)
    tolerance: int = whole(0)
    within_tolerance: bool = False
    published_age_s: float | None = None
    event_lag_s: float | None = None


class ListingLook(SQLModel, table=True):
    """When a listing was last looked at by the sweep; 0 before the first time."""

    __tablename__ = "listing_look"
    __table_args__ = (
        Index("listing_look_order", "channel", "looked_at", "sku"),
        Index("listing_look_newest", "intent_id"),
    )

    channel: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    intent_id: int = whole()
    """The number of its push intent, by which new ones are known."""
    looked_at: int = moment(0)
