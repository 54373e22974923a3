"""Shapes of what is asked and told of the worklist as a whole, as OpenAPI tells them."""

from datetime import datetime

from pydantic import Field

from api.schemas import Shown


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
