"""Shapes of requests and answers, as OpenAPI tells them. Requests are validated by these; answers follow them.

Money is a number in the currency beside it; times are RFC 3339 in UTC; quantities are stock-keeping units.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core_sync.ledger.events import EventType


class Body(BaseModel):
    """A request body: what is not known is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")


class Shown(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Noted(Body):
    """A verb with an optional note for the timeline."""

    note: str | None = Field(None, max_length=4_000)


class Assign(Noted):
    owner: str | None = Field(description="Whose it is from now on; null takes the owner away.", max_length=200)


class Note(Body):
    note: str = Field(min_length=1, max_length=4_000)


class OverrideBody(Body):
    reason: str = Field(min_length=1, max_length=4_000, description="Why; it is shown beside the model's figure.")
    root_cause: str | None = Field(None, description="What the root cause is.")
    expected_loss: Decimal | None = Field(None, ge=0, le=10**12, description="Rank as if this were the expected loss.")
    until: AwareDatetime | None = Field(None, description="Until when; null until it is taken back.")


class Snooze(Noted):
    """At least one of the three: it wakes by itself when the first of them is so."""

    until: AwareDatetime | None = Field(None, description="It wakes at this moment.")
    exposure_above: Decimal | None = Field(None, ge=0, le=10**12, description="… when its exposure is above this.")
    stock_below: int | None = Field(
        None, ge=-(10**9), le=10**9, description="… when one of its SKUs has fewer units available than this."
    )


class Merge(Noted):
    into: int = Field(description="The case that takes the signals.")


class Split(Noted):
    signals: list[int] = Field(min_length=1, description="Signals to take out, by the numbers of `evidence`.")


class Resolve(Noted):
    resolution: str = Field(min_length=1, max_length=4_000, description="How it was resolved.")


class Undo(Body):
    entry: int = Field(description="The timeline entry to take back.")


class Act(Body):
    dry_run: bool = Field(False, description="Only say what would be done.")
    action: str | None = Field(None, description="Another action than the recommended one.")
    choice: str | None = Field(None, description="Which of the plan's choices.")


class Approve(Body):
    choice: str | None = Field(None, description="Which of the plan's choices; the first one if left out.")


class Reject(Body):
    reason: str = Field(min_length=1, max_length=4_000)


class SetAutonomy(Body):
    level: str = Field(description="off, shadow, suggest, approve or auto.")
    reason: str = Field(min_length=1, max_length=4_000)
    max_units: int | None = Field(None, ge=0)
    max_money: int | None = Field(None, ge=0)
    per_hour: int | None = Field(None, ge=0)


class RejectedRow(Shown):
    row: int = Field(description="Counts the events of the request from 1.")
    id: str
    status: str = Field(description="rejected, parked or suspected_duplicate.")
    field: str
    reason: str


class Ingested(Shown):
    """What became of the events."""

    accepted: int
    duplicates: int
    suspected_duplicates: int
    parked: int
    rejected: int
    repeated: int
    freed: int
    seconds: float
    rows: list[RejectedRow] = Field(description="Every event that did not simply apply or repeat.")


class PositionShown(Shown):
    sku: str
    location: str
    lot: str
    on_hand: int
    allocated: int
    quality_hold: int
    in_transit: int
    safety_stock: int
    available: int
    last_event_at: datetime | None


class PositionPage(Shown):
    items: list[PositionShown]
    next_cursor: str | None


class SetExpectation(Body):
    limit: str = Field(max_length=20, description="`90m`, `4h`, `2d`; `off`; or `learned`.")
    source: str = ""
    location: str = ""
    reason: str = Field(min_length=1, max_length=4_000)


class ExpectationShown(Shown):
    expectation: str
    source: str = Field(description="Who should tell that it came; empty: any.")
    location: str = Field(description="Empty: any.")
    usual_s: float | None
    limit_s: float | None
    counted: str = Field(description="In `working` time of the place, or by the `clock`.")
    observations: int
    basis: str = Field(description="`learned`, `set`, `default`, `unknown` or `off`.")
    owner: str | None
    reason: str | None
    open: int
    breached: int
    last_heard_at: datetime | None


class CheckShown(Shown):
    check: str
    fine: bool
    found: str
    mend: str


class ProofShown(Shown):
    """How the proof stands that replaying the ledger gives the positions."""

    open_disagreements: int = Field(description="Positions that differ; each is a case.")
    last_ended_at: datetime | None = Field(description="When the last whole pass ended.")
    last_proved: int = Field(description="Positions it proved.")
    positions: int
    coverage: float = Field(description="Share of the positions that the pass under way has proved.")


class Health(Shown):
    fine: bool
    checks: list[CheckShown]
    proof: ProofShown | None


class Event(Body):
    """One stock movement in flat columns; what else is said is kept as attributes."""

    model_config = ConfigDict(extra="allow")

    id: str
    source: str
    type: str = Field(json_schema_extra={"enum": [str(kind) for kind in EventType]})
    time: AwareDatetime
    sku: str
    location: str
    quantity: int
    uom: str | None = None
    lot: str | None = None
    document: str | None = None
    line: str | None = None
    channel: str | None = None
    account: str | None = None
    reservation_id: str | None = None
    to_location: str | None = None
    expires_at: AwareDatetime | None = None
    unit_price: float | None = None
    reason: str | None = None


class Problem(BaseModel):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem},
    409: {"model": Problem, "description": "Its state does not allow it."},
}
"""What every verb may answer beside its success."""
