"""Storage of the ledger: sources, positions, entries, open items, held events.

``ledger_entry`` is append-only; triggers in the migration refuse updates and deletes. Positions are
the running sum of its deltas and nothing else.
"""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class Source(SQLModel, table=True):
    """Who tells of movements, and how far its word goes."""

    __tablename__ = "source"
    __table_args__ = (CheckConstraint("opening IN ('zero', 'unknown')", name="opening_known"),)

    source_id: int | None = key()
    name: str = Field(unique=True)
    opening: str = "zero"
    winner: str = ""
    tolerance: int = whole(0)


class Position(SQLModel, table=True):
    """One SKU at one location in one lot, in whole stock-keeping units."""

    __tablename__ = "position"
    __table_args__ = (UniqueConstraint("sku", "location", "lot", name="position_key"),)

    position_id: int | None = key()
    sku: str
    location: str
    lot: str = ""
    on_hand: int = whole(0)
    allocated: int = whole(0)
    quality_hold: int = whole(0)
    in_transit: int = whole(0)
    relative: bool = False
    last_event_at: int | None = moment(None)
    last_recorded_at: int | None = moment(None)
    last_count_at: int | None = moment(None)


class LedgerEntry(SQLModel, table=True):
    """One accepted event and what it did. ``in_transit_delta`` lies at ``to_position_id`` where that is given."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("source_id", "event_id", name="ledger_entry_identity"),
        Index("ledger_entry_by_position", "position_id", "occurred_at"),
        Index(
            "ledger_entry_by_document",
            "document",
            "line",
            "position_id",
            sqlite_where=text("document IS NOT NULL"),
            postgresql_where=text("document IS NOT NULL"),
        ),
        Index(
            "ledger_entry_by_destination",
            "to_position_id",
            "occurred_at",
            sqlite_where=text("to_position_id IS NOT NULL"),
            postgresql_where=text("to_position_id IS NOT NULL"),
        ),
    )

    entry_id: int | None = key()
    source_id: int = whole(foreign_key="source.source_id")
    event_id: str
    type: str
    occurred_at: int = moment()
    recorded_at: int = moment()
    position_id: int = whole(foreign_key="position.position_id")
    quantity: int = whole()
    on_hand_delta: int = whole(0)
    allocated_delta: int = whole(0)
    quality_hold_delta: int = whole(0)
    in_transit_delta: int = whole(0)
    to_position_id: int | None = whole(None, foreign_key="position.position_id")
    document: str | None = None
    line: str | None = None
    channel: str | None = None
    account: str | None = None
    reservation_id: str | None = None
    unit_price: int | None = whole(None)
    reason: str | None = None
    attributes: str | None = None
    flags: int = 0
    actor: str | None = None
    map_version: int = whole(0)
    content: bytes
    """128-bit digest of everything the source said: same id and other content is a conflict."""


class OpenItem(SQLModel, table=True):
    """What is still reserved, under way or held for a reference: a reservation, a transfer, a return."""

    __tablename__ = "open_item"
    __table_args__ = (
        UniqueConstraint("reference", "kind", "position_id", name="open_item_key"),
        CheckConstraint("kind IN ('reservation', 'transit', 'hold')", name="open_item_kind_known"),
        CheckConstraint("open_quantity >= 0", name="open_item_not_negative"),
        Index(
            "open_item_by_position",
            "position_id",
            "kind",
            sqlite_where=text("open_quantity > 0"),
            postgresql_where=text("open_quantity > 0"),
        ),
        Index(
            "open_item_expiring",
            "kind",
            "expires_at",
            sqlite_where=text("open_quantity > 0"),
            postgresql_where=text("open_quantity > 0"),
        ),
    )

    item_id: int | None = key()
    position_id: int = whole(foreign_key="position.position_id")
    kind: str
    reference: str
    placed_quantity: int = whole()
    open_quantity: int = whole()
    placed_at: int = moment()
    expires_at: int | None = moment(None)
    document: str | None = None
    channel: str | None = None
    account: str | None = None
    cancelled_at: int | None = moment(None)


UNDECIDED = "status IN ('parked', 'refused', 'suspected_duplicate', 'conflict')"
"""Of held events: those that wait for something, or for somebody."""


class HeldEvent(SQLModel, table=True):
    """An event without stock effect, with its whole content: parked, refused, suspected to repeat another, or
    contradicting what its source said under the same id before.
    """

    __tablename__ = "held_event"
    __table_args__ = (
        UniqueConstraint("source_id", "event_id", name="held_event_identity"),
        CheckConstraint(
            "status IN ('parked', 'refused', 'suspected_duplicate', 'conflict', 'applied', 'dismissed')",
            name="held_status_known",
        ),
        Index(
            "held_event_at_position",
            "position_id",
            sqlite_where=text(UNDECIDED),
            postgresql_where=text(UNDECIDED),
        ),
        Index(
            "held_event_undecided",
            "held_id",
            sqlite_where=text(UNDECIDED),
            postgresql_where=text(UNDECIDED),
        ),
        Index(
            "held_event_waiting",
            "position_id",
            sqlite_where=text("status = 'parked'"),
            postgresql_where=text("status = 'parked'"),
        ),
        Index(
            "held_event_by_document",
            "document",
            "line",
            sqlite_where=text("status = 'parked'"),
            postgresql_where=text("status = 'parked'"),
        ),
        Index("held_event_lacking", "status", "lacks", "lacked"),
    )

    held_id: int | None = key()
    source_id: int = whole(foreign_key="source.source_id")
    event_id: str
    status: str
    reason: str
    message: str
    position_id: int | None = whole(None)
    state: str | None = None
    quantity_asked: int | None = whole(None)
    quantity_there: int | None = whole(None)
    lacks: str | None = None
    """Kind of master data that was lacking: sku, location, uom."""
    lacked: str | None = None
    duplicate_of: str | None = None
    document: str | None = None
    line: str | None = None
    payload: str
    content: bytes
    occurred_at: int = moment()
    recorded_at: int = moment()
    decided_at: int | None = moment(None)
    decided_by: str | None = None
    file: str | None = None
    row: int | None = whole(None)


class CorrectedTelling(SQLModel, table=True):
    """What a source said first of an event that it corrected before it had any effect; known when it comes again."""

    __tablename__ = "corrected_telling"

    source_id: int = whole(primary_key=True, foreign_key="source.source_id")
    event_id: str = Field(primary_key=True)
    content: bytes = Field(primary_key=True)


class LedgerProof(SQLModel, table=True):
    """How far the proof that replaying the ledger gives the positions has come, and how the last whole one ended."""

    __tablename__ = "ledger_proof"
    __table_args__ = (CheckConstraint("only_row = 1", name="one_proof"),)

    only_row: int = Field(default=1, primary_key=True)
    proved_to: int = whole(0)
    """Number of the last position proved in the pass that is under way."""
    proved: int = whole(0)
    """Positions proved in it."""
    differing: int = whole(0)
    started_at: int | None = moment(None)
    updated_at: int | None = moment(None)
    whole_started_at: int | None = moment(None)
    whole_ended_at: int | None = moment(None)
    whole_proved: int = whole(0)
    whole_differing: int = whole(0)
