"""Shapes of requests and answers about publishing, as OpenAPI tells them."""

from datetime import datetime

from pydantic import Field

from api.schemas import Body, Shown
from core_sync.outbox.modes import Mode
from core_sync.outbox.rules import DeadLetter


class ChannelShown(Shown):
    channel: str
    mode: Mode
    breaker: str = Field(description="closed, trying after a first silent answer, or open.")
    out_since: datetime | None
    resting_until: datetime | None = Field(description="Until when nothing is pushed; null: no rest.")
    trouble: str | None = Field(description="What the last answer said that a working channel would not give.")
    answered_at: datetime | None
    listings: int
    current: int = Field(description="Listings that were seen to show what they should.")
    waiting: int
    waiting_zeros: int
    unconfirmed: int = Field(description="Accepted by the channel and not yet seen.")
    held: int
    dead_letters: int
    oldest_truth_s: float | None = Field(description="Since when a listing has not shown what it should.")
    p95_truth_s: float | None


class ListingShown(Shown):
    channel: str
    sku: str
    state: str
    quantity: int = Field(description="Units it should show.")
    shown_quantity: int | None
    seen_at: datetime | None
    truth_age_s: float = Field(description="Since when it has not shown what it should; 0 where it does.")
    goes: str = Field(description="zero, decrease or increase: the order in which listings go out.")
    attempts: int
    not_before: datetime | None
    dead_letter: DeadLetter | None
    hold_reason: str | None


class LetterShown(Shown):
    channel: str
    sku: str
    quantity: int
    shown_quantity: int | None
    dead_letter: DeadLetter
    error_code: str | None
    http_status: int | None
    message: str | None
    attempts: int
    behind_since: datetime | None
    last_try_at: datetime | None


class ShadowShown(Shown):
    channel: str
    day: str = Field(description="UTC.")
    updates: int = Field(description="Values that would have been pushed.")
    zeros: int
    decreases: int
    compared: int = Field(description="Updates for which the channel could be read.")
    differing: int
    units_too_many: int
    units_too_few: int
    variance: float | None = Field(description="Mean square of shown less promised, in units squared.")


class SetMode(Body):
    mode: Mode
    pilot_skus: list[str] | None = Field(None, description="What a pilot pushes; null leaves them as they are.")


class ModeShown(Shown):
    channel: str
    before: Mode
    mode: Mode


class Requeue(Body):
    channel: str | None = None
    why: DeadLetter | None = None
    error_code: str | None = None
    sku: str | None = None


class Requeued(Shown):
    requeued: int
