"""Shapes of a case, its timeline and what may be done about it, as OpenAPI tells them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas import Shown
from core_sync.cases.rules import Status


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


class PlannedChangeShown(Shown):
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
    changes: list[PlannedChangeShown]
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
