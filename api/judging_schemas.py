"""Shapes of what people say of anomalies, and of what is asked of them."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from api.schemas import Body, Shown

Said = Literal["true", "false", "expected"]


class JudgeBody(Body):
    said: Said = Field(description="`true`: a fault; `false`: none; `expected`: as it should be, until then.")
    reason: str = Field("", max_length=4_000, description="Why; needed for `false`.")
    until: AwareDatetime | None = Field(None, description="Needed for `expected`: from then on it raises a case again.")
    within: list[Literal["sku", "location", "channel", "kind"]] | None = Field(
        None, description="What `expected` is narrowed to; without it SKU, location and channel."
    )


class AcceptAlarms(Body):
    accept: str = Field(max_length=20, description="False alarms that are accepted: `10%` of alarms, or `5` a day.")
    reason: str = Field(min_length=1, max_length=4_000)


class AuditItem(Shown):
    audit: int
    day: datetime
    kind: str
    system: str
    sku: str
    location: str
    channel: str
    state: str
    occurred_at: datetime
    expected: int | None
    actual: int | None
    judgement: int | None
    said: str | None
    said_by: str | None


class JudgementItem(Shown):
    judgement: int
    said: Said
    reason: str
    case: int | None
    audit: int | None
    sku: str = Field(description="Of what is expected: only this SKU; empty for any. So the next three.")
    location: str
    channel: str
    kind: str
    until: datetime | None
    said_by: str
    said_at: datetime
    ended_by: str | None
    ended_at: datetime | None = Field(description="When it was taken back.")
    rows: int = Field(description="Scored rows it was said of.")


class SuppressionItem(Shown):
    judgement: int
    sku: str
    location: str
    channel: str
    kind: str
    reason: str
    until: datetime
    said_by: str
    said_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    in_force: bool
    suppressed: int = Field(description="Anomalies that it has kept off the list.")


class AnomalyItem(Shown):
    anomaly: int
    kind: str
    system: str
    sku: str
    location: str
    channel: str
    occurred_at: datetime
    expected: int | None
    actual: int | None
    p_value: float
    fault_probability: float
    reasons: list[str]
    case: int | None
    settled_at: datetime | None
    settlement: str | None
    suppressed_by: int | None = Field(description="The judgement by which it was expected.")


class DetectionShown(Shown):
    kind: str
    share: float | None = Field(description="Share of alarms that may be false.")
    a_day: float | None = Field(description="False alarms a day that are accepted instead.")
    owner: str | None
    reason: str | None
    set_at: datetime | None
    rows_a_day: float
    strange_share: float | None = Field(description="Of the last days' rows, how many are among the strangest 5 %.")
    guarantee_suspended: bool = Field(description="Habits have changed: more alarms may be false than accepted.")
    labels: int
    faults: int
    model_version: str


class DayShown(Shown):
    day: datetime
    on_hand: int
    shipped: int


class CourseShown(Shown):
    sku: str
    location: str
    kind: str
    days: list[DayShown]
    point_at: datetime
    expected: int | None
    actual: int | None
    alternative: str = Field(description="The chart in words.")


class SimilarShown(Shown):
    case: int
    title: str
    status: str
    resolution: str | None
    resolved_at: datetime | None
    said: str | None
    reason: str | None
    likeness: float
    alike: str


class PastShown(Shown):
    course: CourseShown | None
    similar: list[SimilarShown] = Field(description="The most alike first.")
