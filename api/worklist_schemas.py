"""Shapes of what is asked and told of the worklist as a whole, as OpenAPI tells them."""

from datetime import datetime
from decimal import Decimal

from pydantic import AwareDatetime, Field

from api.schemas import Body, Shown
from core_sync.cases.order import Order
from core_sync.cases.rules import Status


class ChangeShown(Shown):
    case: int
    title: str
    status: str
    expected_loss: float | None
    before: float | None = Field(description="Its expected loss before, where it grew dearer.")
    currency: str | None
    at: datetime
    said: str | None


class ChangesShown(Shown):
    count: int
    cases: list[ChangeShown] = Field(description="The first of them, the largest expected loss first.")


class SinceShown(Shown):
    """What happened by itself since a moment; nothing that a person did is in it."""

    since: datetime | None = Field(description="Null for who never was there before.")
    new: ChangesShown
    worsened: ChangesShown = Field(description="Back after being resolved, or dearer by a quarter or more.")
    woken: ChangesShown = Field(description="Snoozed, and awake again.")
    resolved: ChangesShown = Field(description="Over because the cause is gone.")
    came_and_went: int = Field(description="Opened since and over already.")


class Fitting(Body):
    """Which cases, by what they have in common; nothing named means all that are on the list."""

    status: list[Status] = Field([], description="Only these; without it, everything not resolved and not snoozed.")
    root_cause: str | None = None
    sku: str | None = None
    location: str | None = None
    channel: str | None = None
    owner: str | None = None
    abstained: bool | None = None
    search: str | None = None


class ViewBody(Body):
    """A filter and an order to keep under a name."""

    fitting: Fitting = Fitting()
    order: Order = Order.LOSS
    shared: bool = Field(False, description="It is everybody's, not only the caller's.")


class ViewShown(Shown):
    name: str
    owner: str | None = Field(description="Null where it is everybody's.")
    order: Order
    fitting: Fitting
    saved_at: datetime


class BulkBody(Body):
    """A verb, the cases, and what the verb needs. Say `cases`, or `fitting`."""

    verb: str = Field(description="acknowledge, begin, wait, assign, note, override, snooze, merge, resolve or reopen.")
    cases: list[int] = Field([], description="Cases by number.")
    fitting: Fitting | None = None
    dry_run: bool = Field(False, description="Only say what would happen to which.")
    note: str | None = Field(None, max_length=4_000)
    owner: str | None = Field(None, max_length=200, description="assign: whose they are; null takes the owner away.")
    until: AwareDatetime | None = Field(None, description="snooze, override: until when.")
    exposure_above: Decimal | None = Field(None, ge=0, le=10**12, description="snooze: wake when above this.")
    stock_below: int | None = Field(None, ge=-(10**9), le=10**9, description="snooze: wake when fewer are available.")
    resolution: str = Field("", max_length=4_000, description="resolve: how it ended.")
    into: int | None = Field(None, description="merge: the case that takes the signals.")
    reason: str = Field("", max_length=4_000, description="override: why.")
    root_cause: str | None = Field(None, description="override: what the cause is.")
    expected_loss: Decimal | None = Field(None, ge=0, le=10**12, description="override: rank as if it were this.")


class UndoBulk(Body):
    dry_run: bool = Field(False, description="Only say what would happen to which.")


class BulkCaseShown(Shown):
    case: int
    title: str
    status: str
    status_then: str
    owner: str | None
    owner_then: str | None
    expected_loss: float | None
    currency: str | None
    refused: str | None = Field(description="Why this case stays as it is.")


class BulkShown(Shown):
    bulk: int | None = Field(description="The number to undo all of it by; null where nothing was kept.")
    verb: str
    dry_run: bool
    expected_loss: dict[str, float] = Field(description="What the cases of `done` stand for, by currency.")
    done: list[BulkCaseShown]
    refused: list[BulkCaseShown]


class PastBulkShown(Shown):
    bulk: int
    at: datetime
    actor: str
    verb: str
    cases: int
    undone_at: datetime | None


class NeighbourShown(Shown):
    case: int
    title: str
    ranked_as: float


class RankTermsShown(Shown):
    """What a case is ranked by; between equals the sooner harm decides, then the surer fault."""

    fault_probability: float
    exposure: float | None
    expected_loss: float | None
    recurrences: int
    recurrences_there: int = Field(description="Others of its root cause that were over lately at its location.")
    raised_by: float = Field(description="For coming back, and for what came before it at its location.")
    override: float | None = Field(description="What a person wants it ranked as.")
    override_reason: str | None
    ranked_as: float = Field(description="The override, else the expected loss × raised_by.")
    currency: str | None
    time_to_harm_h: float | None
    above: NeighbourShown | None
    below: NeighbourShown | None


class WhereaboutShown(Shown):
    where: str = Field(
        description="on the list, snoozed, resolved, grouped under, not yet, suppressed, below, strange or nowhere."
    )
    why: str
    case: int | None
    title: str
