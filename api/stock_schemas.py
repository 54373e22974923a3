"""Shapes of what is told about held events and ledger entries, and of what is decided about them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas import Noted, PositionShown, Shown


class Decide(Noted):
    """A verb on a held event or an entry."""

    dry_run: bool = Field(False, description="Only say what it would do.")


class TwinShown(Shown):
    event: str
    status: str = Field(description="accepted, reversed, or the status under which it is held itself.")
    type: str
    sku: str
    location: str
    lot: str
    quantity: int
    document: str | None
    line: str | None
    occurred_at: datetime
    recorded_at: datetime
    differs: list[str] = Field(description="What the held event says otherwise.")


class HeldItem(Shown):
    """One event without stock effect."""

    held: int
    status: str = Field(description="parked, refused, suspected_duplicate, conflict; decided: applied, dismissed.")
    reason: str
    message: str
    source: str
    event: str
    type: str
    sku: str
    location: str
    lot: str
    quantity: int = Field(description="As told, in `uom`.")
    uom: str
    document: str
    line: str
    reservation_id: str
    to_location: str
    state: str | None = Field(description="Which state of the position does not allow it.")
    asked: int | None
    there: int | None = Field(description="What was there when it was held.")
    there_now: int | None
    lacks: str | None = Field(description="Which master data is missing: sku, location or uom.")
    lacked: str | None
    twin: TwinShown | None = Field(description="The event that it seems to repeat, or contradicts.")
    occurred_at: datetime
    recorded_at: datetime
    file: str | None
    row: int | None
    decided_at: datetime | None
    decided_by: str | None
    verbs: list[str] = Field(description="What may be decided about it.")


class HeldPage(Shown):
    items: list[HeldItem]
    next_cursor: str | None
    waiting: dict[str, int] = Field(description="How many events are undecided, by status.")


class EntryExplained(Shown):
    """One ledger entry: what came, from whom, when on both clocks, and what it did."""

    entry: int
    source: str
    event_id: str
    type: str
    occurred_at: datetime
    recorded_at: datetime
    sku: str
    location: str
    lot: str
    quantity: int
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int = Field(description="At `to_location` where that is given.")
    to_location: str | None
    document: str | None
    line: str | None
    reservation_id: str | None
    reason: str | None
    actor: str | None
    flags: list[str]
    kit: str | None = Field(description="The kit that the source named, of which this is one component.")
    reversed_by: int | None = Field(description="The entry that took it back.")
    why: str | None = Field(description="Why it does not count, where it does not.")


class VerdictShown(Shown):
    """What a verb did, or after a dry run would have done."""

    source: str
    event: str
    verb: str
    status: str = Field(description="What the event is after it.")
    message: str
    entries: list[EntryExplained] = Field(description="What it wrote into the ledger, what it freed among it.")
    positions: list[PositionShown] = Field(description="How what it touched stands after it.")
    dry_run: bool


class OpenItemShown(Shown):
    """Units still reserved, under way or held for one reference."""

    kind: str = Field(description="reservation, transit or hold.")
    reference: str
    location: str
    lot: str
    placed: int
    open: int
    placed_at: datetime
    expires_at: datetime | None = Field(description="Of a transit: when it is due.")
    document: str | None
    channel: str | None
    account: str | None
    order_ended: str | None = Field(description="What was told of its order since: cancelled, or shipped elsewhere.")


class Explanation(Shown):
    """What is behind a SKU's figures."""

    sku: str
    as_of: datetime
    clock: str
    promise: dict[str, Any] | None = Field(description="Of a channel, as of now: term by term.")
    positions: list[PositionShown]
    entries: list[EntryExplained] = Field(description="The newest by the source's clock first.")
    next_cursor: str | None = Field(description="Ask with it for the entries before these.")
    open_items: list[OpenItemShown] = Field(description="What is reserved, under way or held now, the oldest first.")
    held: list[HeldItem] = Field(description="Undecided events that wait there.")
