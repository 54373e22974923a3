"""Give back units that are still reserved though nothing backs the reservation any more.

The reservation is not edited: a compensating ``release_reservation`` event of our own goes through the
ledger like any other, under an id that makes a second telling a repeat.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.ledger.events import CORRECTIONS, Event, EventType
from remediation.actions.hand_over import nothing_to_change
from remediation.actions.port import Change, Choice, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView
from remediation.reservations_behind import OpenReservation, reservations_behind
from remediation.world import World


class ReleaseReservation:
    """For stale reservations; taken back by reserving the same units again."""

    kind = "release_reservation"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """Each reservation that the case names, with its units; where it names none, one for a person to choose."""
        behind = reservations_behind(connection, case, at)
        if not behind.named and not behind.maybe:
            why = "no open reservation of the SKU is named, past its term or much older than is usual"
            return nothing_to_change(self.kind, case, why)
        if behind.maybe:
            return _to_choose_from(self.kind, case, behind.maybe, at)
        units = sum(one.open_quantity for one in behind.named)
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"release {units} unit(s) of {len(behind.named)} reservation(s) that nothing backs",
            changes=tuple(_release(one) for one in behind.named),
            reversible=True,
            units=units,
            money=sum(case.money(one.sku, one.open_quantity) for one in behind.named),
            failures=tuple(signal.failure_id for signal in case.failures),
            arguments={"reservations": [_as_argument(one) for one in behind.named]},
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """What was released, shipped or cancelled meanwhile is not released again."""
        if order.plan.choices and order.choice is None:
            return "nothing names the reservation that is meant: choose one when approving"
        if not _picked(order):
            return f"{order.choice} is not one of {', '.join(choice.name for choice in order.plan.choices)}"
        with world.database.reading() as connection:
            left = sum(_open_quantity(connection, item["item_id"]) for item in _picked(order))
        return "nothing is reserved any more" if left == 0 else None

    def run(self, world: World, order: Order) -> Told:
        """One compensating event a reservation, in one batch."""
        at = world.clock()
        events = [_event(order, item, EventType.RELEASE_RESERVATION, at) for item in _picked(order)]
        outcome = world.ledger.apply(events, at, order.actor)
        return {"released": outcome.accepted, "known_already": outcome.duplicates, "parked": outcome.parked}

    def verify(self, world: World, order: Order) -> Verification:
        """Nothing is allocated for the references any more."""
        with world.database.reading() as connection:
            left = sum(_open_quantity(connection, item["item_id"]) for item in _picked(order))
        if left:
            return Verification(Verified.FAILED, f"{left} unit(s) are still reserved")
        units = sum(item["quantity"] for item in _picked(order))
        return Verification(Verified.AGREES, f"{units} unit(s) are available again")

    def finish(self, world: World, order: Order) -> None:
        """Nothing was set up only for the time between."""

    def undo(self, world: World, order: Order) -> Told:
        """Reserve the same units again, for the same references."""
        at = world.clock()
        events = [_event(order, item, EventType.RESERVE, at) for item in _picked(order)]
        outcome = world.ledger.apply(events, at, order.actor)
        return {"reserved": outcome.accepted, "parked": outcome.parked}


def _to_choose_from(kind: str, case: CaseView, maybe: Sequence[OpenReservation], at: datetime) -> Plan:
    units = max(one.open_quantity for one in maybe)
    return Plan(
        action=kind,
        case_id=case.case_id,
        summary=f"release one of {len(maybe)} reservation(s) that may be meant",
        changes=tuple(_release(one) for one in maybe),
        reversible=True,
        units=units,
        money=max(case.money(one.sku, one.open_quantity) for one in maybe),
        choices=tuple(Choice(one.reference, _says(one, at)) for one in maybe),
        failures=tuple(signal.failure_id for signal in case.failures),
        arguments={"reservations": [_as_argument(one) for one in maybe]},
    )


def _picked(order: Order) -> list[dict[str, Any]]:
    """The reservations to release: all that were named, or the one that a person chose."""
    items: list[dict[str, Any]] = order.plan.arguments["reservations"]
    return [item for item in items if not order.plan.choices or item["reference"] == order.choice]


def _release(one: OpenReservation) -> Change:
    return Change("release", f"{one.reference}: {one.sku} at {one.location}", one.open_quantity)


def _says(one: OpenReservation, at: datetime) -> str:
    hours = (at - one.placed_at).total_seconds() / 3600
    order = f" for {one.document}" if one.document else ""
    return f"{one.open_quantity} of {one.sku} at {one.location}{order}, open for {hours:,.1f} h"


def _as_argument(one: OpenReservation) -> dict[str, Any]:
    return {
        "item_id": one.item_id,
        "sku": one.sku,
        "location": one.location,
        "lot": one.lot,
        "reference": one.reference,
        "quantity": one.open_quantity,
        "channel": one.channel or "",
        "account": one.account or "",
    }


def _event(order: Order, item: Mapping[str, Any], type_: EventType, at: datetime) -> Event:
    return Event(
        event_id=f"{type_}:run-{order.run_id}:{item['item_id']}",
        source=CORRECTIONS,
        type=type_,
        occurred_at=at,
        sku=item["sku"],
        location=item["location"],
        quantity=item["quantity"],
        lot=item["lot"],
        channel=item["channel"],
        account=item["account"],
        reservation_id=item["reference"],
        reason=f"case {order.plan.case_id}, run {order.run_id}",
    )


def _open_quantity(connection: Connection, item_id: int) -> int:
    found = connection.execute(
        text("SELECT open_quantity FROM open_item WHERE item_id = :item_id"), {"item_id": item_id}
    ).scalar_one_or_none()
    return int(found or 0)
