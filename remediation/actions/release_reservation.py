"""Give back units that are still reserved though nothing backs the reservation any more.

The reservation is not edited: a compensating ``release_reservation`` event of our own goes through the
ledger like any other, under an id that makes a second telling a repeat.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.reservations import StaleReservation, stale_reservations
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.reversal import CORRECTIONS
from remediation.actions.port import Change, Order, Plan, Told, Verification, Verified
from remediation.case_view import CaseView
from remediation.world import World


class ReleaseReservation:
    """For stale reservations; taken back by reserving the same units again."""

    kind = "release_reservation"

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """Each stale reservation behind the case, with its units."""
        stale = _behind(connection, case, at)
        units = sum(item["quantity"] for item in stale)
        return Plan(
            action=self.kind,
            case_id=case.case_id,
            summary=f"release {units} unit(s) of {len(stale)} reservation(s) that nothing backs",
            changes=tuple(
                Change("release", f"{item['reference']}: {item['sku']} at {item['location']}", item["quantity"])
                for item in stale
            ),
            reversible=True,
            units=units,
            money=sum(case.money(item["sku"], item["quantity"]) for item in stale),
            failures=tuple(signal.failure_id for signal in case.failures),
            arguments={"reservations": stale},
        )

    def refusal(self, world: World, order: Order) -> str | None:
        """What was released, shipped or cancelled meanwhile is not released again."""
        if not order.plan.arguments["reservations"]:
            return "no reservation behind the case is stale"
        with world.database.reading() as connection:
            left = sum(_open_quantity(connection, item["item_id"]) for item in order.plan.arguments["reservations"])
        return "nothing is reserved any more" if left == 0 else None

    def run(self, world: World, order: Order) -> Told:
        """One compensating event a reservation, in one batch."""
        at = world.clock()
        events = [
            _event(order, item, EventType.RELEASE_RESERVATION, at) for item in order.plan.arguments["reservations"]
        ]
        outcome = world.ledger.apply(events, at, order.actor)
        return {"released": outcome.accepted, "known_already": outcome.duplicates, "parked": outcome.parked}

    def verify(self, world: World, order: Order) -> Verification:
        """Nothing is allocated for the references any more."""
        with world.database.reading() as connection:
            left = sum(_open_quantity(connection, item["item_id"]) for item in order.plan.arguments["reservations"])
        if left:
            return Verification(Verified.FAILED, f"{left} unit(s) are still reserved")
        return Verification(Verified.AGREES, f"{order.plan.units} unit(s) are available again")

    def finish(self, world: World, order: Order) -> None:
        """Nothing was set up only for the time between."""

    def undo(self, world: World, order: Order) -> Told:
        """Reserve the same units again, for the same references."""
        at = world.clock()
        events = [_event(order, item, EventType.RESERVE, at) for item in order.plan.arguments["reservations"]]
        outcome = world.ledger.apply(events, at, order.actor)
        return {"reserved": outcome.accepted, "parked": outcome.parked}


def _behind(connection: Connection, case: CaseView, at: datetime) -> list[dict[str, Any]]:
    """Stale reservations that the case's failures name; where they name none, those of its SKUs and places."""
    stale = stale_reservations(connection, at, case.skus or None)
    subjects = {signal.subject for signal in case.failures}
    documents = {signal.document for signal in case.failures if signal.document}
    named = [item for item in stale if item.subject in subjects or documents & {item.document, item.reference}]
    around = [item for item in stale if not case.locations or item.location in case.locations]
    return [_as_argument(item) for item in (named or around)]


def _as_argument(item: StaleReservation) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "sku": item.sku,
        "location": item.location,
        "lot": item.lot,
        "reference": item.reference,
        "quantity": item.open_quantity,
        "channel": item.channel or "",
        "account": item.account or "",
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
