"""Storage of failures."""

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole

_OPEN_WITH_SKU = "resolved_at IS NULL AND sku IS NOT NULL"
_OF_CHANNEL = "resolved_at IS NULL AND sku IS NULL AND channel IS NOT NULL"
_TOLD_OF_CHANNEL = "resolved_at IS NULL AND kind = 'told' AND channel IS NOT NULL"
_MEANT = "resolved_at IS NULL AND meant_sku IS NOT NULL"
_ASKING = "error_code = 'unmapped_sku' AND mapping_candidates IS NULL AND resolved_at IS NULL"


class Failure(SQLModel, table=True):
    """One failure with its evidence; every field of evidence may be missing.

    ``subject`` names what failed (a held event, a listing, a position) so that the same trouble is
    one open failure, and so that it can be closed when its cause is gone.
    """

    __tablename__ = "failure"
    __table_args__ = (
        Index("failure_order", "occurred_at"),
        Index("failure_by_system", "system", "occurred_at"),
        Index(
            "failure_recorded",
            "recorded_at",
            "sku",
            sqlite_where=text("sku IS NOT NULL"),
            postgresql_where=text("sku IS NOT NULL"),
        ),
        Index(
            "failure_to_look_around",
            "failure_id",
            sqlite_where=text("surroundings IS NULL"),
            postgresql_where=text("surroundings IS NULL"),
        ),
        Index(
            "failure_by_subject",
            "subject",
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
        Index(
            "failure_by_duplicate",
            "duplicate_of",
            sqlite_where=text("duplicate_of IS NOT NULL"),
            postgresql_where=text("duplicate_of IS NOT NULL"),
        ),
        Index("failure_open_sku", "sku", sqlite_where=text(_OPEN_WITH_SKU), postgresql_where=text(_OPEN_WITH_SKU)),
        Index("failure_open_channel", "channel", sqlite_where=text(_OF_CHANNEL), postgresql_where=text(_OF_CHANNEL)),
        Index(
            "failure_told_of_channel",
            "channel",
            sqlite_where=text(_TOLD_OF_CHANNEL),
            postgresql_where=text(_TOLD_OF_CHANNEL),
        ),
        Index("failure_asking_candidates", "sku", sqlite_where=text(_ASKING), postgresql_where=text(_ASKING)),
        Index("failure_meant_sku", "meant_sku", sqlite_where=text(_MEANT), postgresql_where=text(_MEANT)),
        Index(
            "failure_open_subject",
            "subject",
            unique=True,
            sqlite_where=text("resolved_at IS NULL AND subject IS NOT NULL"),
            postgresql_where=text("resolved_at IS NULL AND subject IS NOT NULL"),
        ),
    )

    failure_id: int | None = key()
    id: str = Field(unique=True)
    kind: str
    subject: str | None = None
    occurred_at: int = moment()
    recorded_at: int = moment()
    message: str = ""
    system: str | None = None
    channel: str | None = None
    operation: str | None = None
    sku: str | None = None
    location: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    attempts: int | None = None
    latency_ms: float | None = None
    event_lag_s: float | None = None
    reservation_age_s: float | None = None
    duplicate_of: str | None = None
    mapping_candidates: str | None = None
    meant_sku: str | None = None
    """Of an unknown name the SKU of ours that it most likely means."""
    document: str | None = None
    quantity: int | None = whole(None)
    evidence: str | None = None
    """Further evidence that was told, as JSON: request and response (redacted), and what the teller knew beside."""
    surroundings: str | None = None
    """What was gathered around it after the fact, as JSON: order state, the usual lag, neighbours; none until then."""
    resolved_at: int | None = moment(None)
    resolution: str | None = None
