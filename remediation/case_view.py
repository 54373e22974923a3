"""A case as an action sees it: its cause, what it touches, and the failures in it that are still open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlmodel import col

from core_sync.cases.tables import CaseSignal, ExceptionCase
from core_sync.errors import NotFound
from core_sync.failures.tables import Failure
from core_sync.master_data.tables import Sku
from core_sync.outbox.listing import Listing

_PUSH = "push:"
_EVENT = "event:"
_TOLD = "told"
_PUSHING = ("push", "patch", "publish")
"""What the name of an operation contains that writes to a listing."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One open failure of the case, with the evidence that actions need."""

    failure_id: int
    kind: str
    subject: str | None
    message: str
    system: str | None
    channel: str | None
    sku: str | None
    location: str | None
    error_code: str | None
    duplicate_of: str | None
    document: str | None
    quantity: int | None
    mapping_candidates: str | None
    operation: str | None

    @property
    def is_told(self) -> bool:
        """Whether other software recorded it: nothing of ours closes it by itself."""
        return self.kind == _TOLD

    @property
    def tells_of_a_push(self) -> bool:
        """Whether other software says that this was a write to a listing."""
        return self.is_told and any(word in (self.operation or "") for word in _PUSHING)

    @property
    def listing(self) -> Listing | None:
        """The listing whose push failed, where that is what this failure says."""
        if self.subject is None or not self.subject.startswith(_PUSH) or self.channel is None or self.sku is None:
            return None
        return Listing(self.channel, self.sku)

    @property
    def held_event(self) -> tuple[str, str] | None:
        """Source and id of the held event, where that is what this failure is about."""
        if self.subject is None or not self.subject.startswith(_EVENT) or self.system is None:
            return None
        return self.system, self.subject.removeprefix(f"{_EVENT}{self.system}:")


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case; money in ten-thousandths of its currency."""

    case_id: int
    title: str
    status: str
    root_cause: str
    subclass: str | None
    skus: tuple[str, ...]
    locations: tuple[str, ...]
    channels: tuple[str, ...]
    exposure: int | None
    failures: tuple[Signal, ...]
    unit_prices: Mapping[str, int]

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Every listing whose push failed."""
        return tuple(sorted({listing for signal in self.failures if (listing := self.listing_of(signal)) is not None}))

    def listing_of(self, signal: Signal) -> Listing | None:
        """The listing that ``signal`` is about: by our own push, or as other software tells it.

        A told failure that names channel and SKU is one of a push if its operation says so, or if the case is
        one of time-outs and no other operation is named.
        """
        if signal.listing is not None or not (signal.is_told and signal.channel and signal.sku):
            return signal.listing
        unsaid = self.root_cause == "timeout" and signal.operation is None
        return Listing(signal.channel, signal.sku) if signal.tells_of_a_push or unsaid else None

    def money(self, sku: str, quantity: int) -> int:
        """What ``quantity`` units of ``sku`` sell for, in ten-thousandths; 0 where no price is known."""
        return self.unit_prices.get(sku, 0) * quantity


def view_case(connection: Connection, case_id: int) -> CaseView:
    """The case ``case_id`` as it is now.

    Raises:
        NotFound: there is no such case.
    """
    columns: Any = ExceptionCase.__table__.columns  # type: ignore[attr-defined]  # SQLModel adds it to table models
    row = connection.execute(select(*columns).where(col(ExceptionCase.case_id) == case_id)).mappings().first()
    if row is None:
        raise NotFound("case", case_id)
    failures = _open_failures(connection, case_id)
    skus = _texts(row["skus"]) or tuple(sorted({signal.sku for signal in failures if signal.sku}))
    return CaseView(
        case_id=case_id,
        title=row["title"],
        status=row["status"],
        root_cause=row["override_root_cause"] or row["root_cause"],
        subclass=row["subclass"] if row["override_root_cause"] is None else None,
        skus=skus,
        locations=_texts(row["locations"]) or tuple(sorted({s.location for s in failures if s.location})),
        channels=_texts(row["channels"]) or tuple(sorted({s.channel for s in failures if s.channel})),
        exposure=row["exposure"],
        failures=failures,
        unit_prices=_unit_prices(connection, skus),
    )


def _open_failures(connection: Connection, case_id: int) -> tuple[Signal, ...]:
    columns = [getattr(Failure, name) for name in Signal.__dataclass_fields__]
    statement = (
        select(*columns)
        .join(CaseSignal, col(CaseSignal.signal_id) == col(Failure.failure_id))
        .where(
            col(CaseSignal.kind) == "failure",
            col(CaseSignal.case_id) == case_id,
            col(Failure.resolved_at).is_(None),
        )
        .order_by(col(Failure.failure_id))
    )
    return tuple(Signal(*row) for row in connection.execute(statement))


def _unit_prices(connection: Connection, skus: tuple[str, ...]) -> dict[str, int]:
    priced = select(col(Sku.sku), col(Sku.unit_price)).where(col(Sku.sku).in_(skus), col(Sku.unit_price).is_not(None))
    return {sku: int(price) for sku, price in connection.execute(priced) if price is not None}


def _texts(told: str) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(told, type=list[str]))
