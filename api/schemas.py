"""Shapes of requests and answers, as OpenAPI tells them. Requests are validated by these; answers follow them.

Money is a number in the currency beside it; times are RFC 3339 in UTC; quantities are stock-keeping units.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core_sync.cases.rules import Status
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


class OverrideShown(Shown):
    root_cause: str | None
    expected_loss: float | None
    reason: str | None
    until: datetime | None


class FeedItem(Shown):
    """One case of the worklist."""

    case: int
    rank: int = Field(description="Counts from 1 on the whole list, in the order asked for.")
    status: Status
    root_cause: str = Field(description="The most probable one, or what a person says; see model_root_cause.")
    subclass: str | None
    probability: float | None
    abstained: bool = Field(description="The evidence does not decide; a person must.")
    fault_probability: float
    anomaly_p_value: float | None
    exposure: float | None = Field(description="Money lost until fixed, if it is a fault.")
    expected_loss: float | None = Field(description="fault_probability × exposure; the list is ordered by it.")
    currency: str | None
    exposure_terms: Any
    time_to_harm_h: float | None
    opened_at: datetime
    skus: list[str]
    locations: list[str]
    channels: list[str]
    signals: int
    recommended_action: str | None
    autonomy: str
    owner: str | None
    title: str
    reasons: list[str]
    model_root_cause: str
    updated_at: datetime
    snoozed_until: datetime | None
    resolved_at: datetime | None
    resolution: str | None
    merged_into: int | None
    model_versions: dict[str, str]
    needs_review: bool
    recurrences: int = Field(description="How often the same trouble was over before and came back, lately.")
    recurrences_there: int = Field(description="Others of its root cause that were over lately at its location.")
    weighed_at: datetime | None
    snoozed_above: float | None
    snoozed_stock_below: int | None
    sku_count: int = Field(description="How many SKUs it touches; a list names the first 200 of them, a case all.")
    override: OverrideShown | None


class FeedPage(Shown):
    items: list[FeedItem]
    next_cursor: str | None = Field(description="Ask for the next page with it; null on the last one.")
    total_cases: int
    total_expected_loss: dict[str, float] = Field(description="By currency.")


class CoveredShown(Shown):
    cases: int = Field(description="The first so many of the list …")
    share: float = Field(description="… cover this share of the expected loss of all that fits,")
    covered: float
    left: float = Field(description="and the others stand for this much.")


class FacetsShown(Shown):
    total_cases: int
    total_expected_loss: dict[str, float] = Field(description="By currency.")
    facets: dict[str, dict[str, int]] = Field(description="Cases by value of each facet, the most first.")
    coverage: list[CoveredShown]


class SignalShown(Shown):
    signal: int
    kind: str
    added_at: datetime
    placed_by_hand: bool
    told: dict[str, Any] | None


class EntryShown(Shown):
    entry: int
    at: datetime
    actor: str
    verb: str
    note: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    can_be_undone: bool
    undone: bool


class ChangeShown(Shown):
    what: str
    target: str
    quantity: int | None


class ChoiceShown(Shown):
    name: str
    says: str
    likeness: float | None


class PlanShown(Shown):
    action: str
    case: int
    summary: str
    changes: list[ChangeShown]
    choices: list[ChoiceShown]
    units: int
    money: float
    reversible: bool


class RunShown(Shown):
    run: int
    case: int
    action: str
    status: str
    autonomy: str
    why: str | None
    choice: str | None
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    outcome: str | None
    plan: PlanShown


class CaseShown(FeedItem):
    """One case with everything known of it."""

    grouped: str = Field(description="Why its signals are one case.")
    evidence: list[SignalShown]
    timeline: list[EntryShown]
    runs: list[RunShown]


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
