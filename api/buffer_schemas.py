"""What the API takes and shows of buffers."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas import Body, Shown


class SetBuffer(Body):
    channel: str
    sku: str
    buffer: int = Field(ge=0, le=10**9, description="Units that the channel shall not promise.")
    reason: str = Field(min_length=1, max_length=4_000)


class BufferShown(Shown):
    sku: str
    channel: str
    location: str
    buffer: int
    current: int
    terms: dict[str, Any]
    target_oversell_rate: float
    expected_oversell_rate: float | None
    expected_lost_units: float | None
    reason: str
    valid_until: datetime
    change_value: float | None = Field(description="Worth of the units of the change, in the reporting currency.")
    needs_approval: bool
    lacked: list[str] = Field(description="What was not known, and what was taken instead.")


class BufferPage(Shown):
    items: list[BufferShown]
    next_cursor: str | None


class ApplyBuffers(Body):
    sku: str | None = None
    channel: str | None = None
    target: float | None = Field(None, gt=0, lt=1, description="Accepted oversells per unit asked.")
    approve: bool = Field(False, description="Also changes worth more than the approval limit; name the SKU.")
    dry_run: bool = False


class BufferApplied(Shown):
    sku: str
    channel: str
    buffer: int
    current: int
    outcome: str = Field(description="`applied`, `unchanged`, `needs_approval` or `changed_meanwhile`.")
    change_value: float | None
    owner: str
    reason: str
    valid_until: datetime | None


class BufferCompared(Shown):
    sku: str
    channel: str
    which: str = Field(description="`in_force`, `before` or `recommended`.")
    buffer: int
    expected_oversell_rate: float | None
    expected_lost_units: float | None


class BufferVersionShown(Shown):
    version: int
    channel: str
    sku: str
    buffer: int
    valid_from: datetime
    valid_until: datetime | None
    owner: str | None
    reason: str | None
    put_back: int | None = Field(description="Of a rollback the version it put in force again; 0: the channel's rule.")
    in_force: bool


class RollBackBuffer(Body):
    sku: str
    channel: str
    reason: str = Field(min_length=1, max_length=4_000)
    to: int | None = Field(None, description="Version to go back to; left out: the one before, further back each time.")


class BufferRolledBack(Shown):
    sku: str
    channel: str
    buffer: int


class SetBufferTarget(Body):
    oversell_rate: float = Field(gt=0, lt=1, description="Accepted oversells per unit asked.")
    channel: str = Field("", description="Left out: every channel.")
    sku: str = Field("", description="Left out: every SKU.")
    keep: bool = Field(
        False,
        description="Apply what is recommended by itself, within the limits, in your name; what people set is left.",
    )
    reason: str = Field(min_length=1, max_length=4_000)


class BufferTargetShown(Shown):
    channel: str
    sku: str
    oversell_rate: float
    kept: bool
    left_to_people: int | None = Field(
        description="SKUs whose buffer a person set, approved or took back, which keeping leaves alone; none: not kept."
    )
    owner: str | None
    reason: str | None
    set_at: datetime | None
    since: datetime | None = Field(description="Begin of the span in which `oversold` of `asked` units came true.")
    until: datetime | None
    asked: int | None
    oversold: int | None
    weight: float | None = Field(description="How many times its money an oversell counts on the channel now.")


class BufferStepShown(Shown):
    channel: str
    since: datetime | None = Field(description="Begin of the span looked at; none for the first step.")
    until: datetime = Field(description="Its end, from which `weight` holds.")
    asked: int
    oversold: int
    target: float
    weight: float
