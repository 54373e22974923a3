"""Storage of push intents and attempts."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole


class PushIntent(SQLModel, table=True):
    """What a channel should show for a SKU. One row a listing: the last value wins."""

    __tablename__ = "push_intent"
    __table_args__ = (
        UniqueConstraint("channel", "sku", name="push_intent_listing"),
        CheckConstraint(
            "state IN ('pending', 'sent', 'accepted', 'visible', 'failed', 'held')", name="push_state_known"
        ),
        Index("push_intent_waiting", "state", "channel"),
    )

    intent_id: int | None = key()
    channel: str
    sku: str
    quantity: int = whole()
    shown_quantity: int | None = whole(None)
    state: str = "pending"
    attempts: int = 0
    not_before: int | None = moment(None)
    leased_until: int | None = moment(None)
    intended_at: int = moment()
    sent_at: int | None = moment(None)
    accepted_at: int | None = moment(None)
    visible_at: int | None = moment(None)
    hold_reason: str | None = None


class PushAttempt(SQLModel, table=True):
    """One try to push, with its answer."""

    __tablename__ = "push_attempt"
    __table_args__ = (Index("push_attempt_by_intent", "intent_id", "attempt_id"),)

    attempt_id: int | None = key()
    intent_id: int = whole(foreign_key="push_intent.intent_id")
    at: int = moment()
    quantity: int = whole()
    answer: str
    http_status: int | None = None
    error_code: str | None = None
    message: str | None = None
    latency_ms: float | None = None
