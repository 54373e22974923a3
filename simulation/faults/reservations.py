"""Reservations that nobody needs any more and nobody lets go."""

from typing import Any

from core_sync.ledger.events import EventType
from simulation.demand import HOUR_S
from simulation.faults.course import EVERYWHERE, begin, pick_sku
from simulation.faults.reports import report
from simulation.running import Message, Running
from simulation.scenario import LOCATIONS
from simulation.world import Fault


def _reserve(running: Running, fault: Fault, fields: dict[str, Any]) -> bool:
    """Claim a good part of what one warehouse has of some SKU; False when there is too little."""
    sku = pick_sku(running, stocked=6)
    if sku is None:
        return False
    location = max(range(len(LOCATIONS)), key=lambda place: running.truth.free_at(sku, place))
    quantity = int(running.truth.free_at(sku, location) * running.fault_rng.uniform(0.35, 0.85))
    if quantity < 2:
        return False
    fault.sku, fault.location, fault.quantity = sku, location, quantity
    fault.system, fault.hits = "erp", EVERYWHERE
    message = Message(EventType.RESERVE, sku, location, quantity, allocated=quantity, fields=fields)
    fault.event_ids.append(running.move(message))
    return True


def _goes_stale(running: Running, fault: Fault, reserved_s: int, fields: dict[str, Any]) -> None:
    """From now on the claim is stale; sweeps tell of it now and then until somebody lets it go."""
    sku, location, quantity = fault.sku, fault.location, fault.quantity
    assert sku is not None
    assert location is not None
    released = {name: fields[name] for name in ("document", "line", "reservation_id")}

    def mend() -> None:
        told = {**released, "reason": "stale reservation released"}
        message = Message(EventType.RELEASE_RESERVATION, sku, location, quantity, allocated=-quantity, fields=told)
        fault.event_ids.append(running.tell_only(message))

    def sweep() -> None:
        if fault.active:
            report(
                running, fault, sku=sku, location=location, quantity=quantity, document=fields["document"],
                reservation=fields["reservation_id"], reservation_age_s=running.now - reserved_s,
            )  # fmt: skip

    begin(running, fault, mend)
    running.touch(sku)
    for hours in (0.7, 3, 9, 24):
        running.at(running.now + int(hours * HOUR_S), sweep)


def hold_past_expiry(running: Running, fault: Fault) -> None:
    """A quotation lapses, and its hold stays in the books."""
    number, lapses = running.number("quote", 2000), running.now + int(running.fault_rng.integers(2, 6)) * HOUR_S
    fields = {"document": f"QT-{number}", "line": "1", "reservation_id": f"HOLD-{number}"}
    reserved_s = running.now
    if not _reserve(running, fault, {**fields, "expires_at": running.moment(lapses), "account": "ACC-07"}):
        return

    def lapse() -> None:
        assert fault.sku is not None
        assert fault.location is not None
        running.truth.add(fault.sku, fault.location, 0, -fault.quantity)
        _goes_stale(running, fault, reserved_s, fields)

    running.at(lapses, lapse)


def _order(running: Running) -> dict[str, Any]:
    number = running.number("order", 100_000)
    reservation = f"RES-{running.number('reservation', 80_000)}"
    return {"document": f"SO-{number}", "line": "1", "reservation_id": reservation, "account": "ACC-11"}


def cancel_without_release(running: Running, fault: Fault) -> None:
    """An order is cancelled by its number only, and its reservation, kept under another, stays."""
    fields, reserved_s = _order(running), running.now
    if not _reserve(running, fault, dict(fields)):
        return

    def cancel() -> None:
        assert fault.sku is not None
        assert fault.location is not None
        told = {name: fields[name] for name in ("document", "line", "account")}
        told["reason"] = "cancelled by customer"
        running.truth.add(fault.sku, fault.location, 0, -fault.quantity)
        message = Message(EventType.ORDER_CANCELLED, fault.sku, fault.location, fault.quantity, fields=told)
        fault.event_ids.append(running.tell_only(message))
        _goes_stale(running, fault, reserved_s, fields)

    running.at(running.now + int(running.fault_rng.integers(1200, 4 * HOUR_S)), cancel)


def leak(running: Running, fault: Fault) -> None:
    """An order ships under its number only, so that what was reserved for it stays reserved."""
    fields, reserved_s = _order(running), running.now
    if not _reserve(running, fault, dict(fields)):
        return

    def ship() -> None:
        assert fault.sku is not None
        assert fault.location is not None
        quantity = fault.quantity
        told = {name: fields[name] for name in ("document", "line", "account")}
        running.truth.add(fault.sku, fault.location, -quantity, -quantity)
        running.erp.tell_clean(fault.sku, fault.location, -quantity)
        message = Message(EventType.SHIP, fault.sku, fault.location, quantity, on_hand=-quantity, fields=told)
        fault.event_ids.append(running.tell_only(message))
        _goes_stale(running, fault, reserved_s, fields)

    running.at(running.now + int(running.fault_rng.integers(1, 5)) * HOUR_S, ship)
