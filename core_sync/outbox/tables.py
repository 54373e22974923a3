"""Storage of push intents and attempts, of what holds for a channel as a whole, and of what shadow would have sent."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole

_DUE = text("state IN ('pending', 'sent')")
_LOOKED_AT = text("recheck_at IS NOT NULL")


class PushIntent(SQLModel, table=True):
    """What a channel should show for a SKU. One row a listing: the last value wins.

    ``revision`` counts values, ``lease`` counts leases: what a dispatcher reports under an older lease than the
    row's is not taken. ``urgency`` is the place in the order, the smallest first; ``at_stake``, what open cases
    expect to lose on it in ten-thousandths of money, is part of that. ``told_quantity`` is what the channel
    last accepted or showed (None: nobody knows), ``shown_quantity`` what it was last seen to show, at ``visible_at``.
    ``behind_since``: since when the channel has not shown what it should. ``recheck_at``: when to look next.
    ``doubt_least`` to ``doubt_most``: what earlier pushes without an answer, or still queued, may still make it show,
    until ``doubt_until`` (None: the next answer tells). ``attempts``: counted tries of the value, until it is seen.
    """

    __tablename__ = "push_intent"
    __table_args__ = (
        UniqueConstraint("channel", "sku", name="push_intent_listing"),
        CheckConstraint(
            "state IN ('pending', 'sent', 'accepted', 'visible', 'failed', 'held')", name="push_state_known"
        ),
        Index("push_intent_due", "channel", "urgency", "intent_id", sqlite_where=_DUE, postgresql_where=_DUE),
        Index("push_intent_recheck", "channel", "recheck_at", sqlite_where=_LOOKED_AT, postgresql_where=_LOOKED_AT),
    )

    intent_id: int | None = key()
    channel: str
    sku: str
    quantity: int = whole()
    revision: int = whole(1)
    told_quantity: int | None = whole(None)
    shown_quantity: int | None = whole(None)
    state: str = "pending"
    urgency: int = whole(0)
    at_stake: int = whole(0, sa_column_kwargs={"server_default": "0"})
    attempts: int = 0
    not_before: int | None = moment(None)
    lease: int = whole(0)
    leased_by: str | None = None
    leased_until: int | None = moment(None)
    intended_at: int = moment()
    behind_since: int | None = moment(None)
    sent_at: int | None = moment(None)
    accepted_at: int | None = moment(None)
    receipt: str | None = None
    visible_at: int | None = moment(None)
    recheck_at: int | None = moment(None)
    doubt_least: int | None = whole(None)
    doubt_most: int | None = whole(None)
    doubt_until: int | None = moment(None)
    dead_letter: str | None = None
    hold_reason: str | None = None
    shadowed_revision: int | None = whole(None)


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


class ChannelControl(SQLModel, table=True):
    """The circuit breaker and the request budget of a channel, shared by all its dispatchers."""

    __tablename__ = "channel_control"

    channel: str = Field(primary_key=True)
    troubles: int = 0
    trouble_since: int | None = moment(None)
    open_until: int | None = moment(None)
    probes: int = 0
    paused_until: int | None = moment(None)
    tokens: float = 0.0
    tokens_at: int | None = moment(None)
    answered_at: int | None = moment(None)
    trouble: str | None = None
    """What the last answer that a working channel would not give said."""
    forbidden: int = whole(0, sa_column_kwargs={"server_default": "0"})
    """Listings in a row that were forbidden; ``forbidden_sku`` the last of them."""
    forbidden_sku: str | None = None


class ShadowUpdate(SQLModel, table=True):
    """An update that a channel in shadow was not sent, beside what it showed; None where it could not be read."""

    __tablename__ = "shadow_update"
    __table_args__ = (Index("shadow_update_order", "at"),)

    update_id: int | None = key()
    channel: str
    sku: str
    at: int = moment()
    quantity: int = whole()
    shown_quantity: int | None = whole(None)
