"""Movements that happened and stand in no book yet."""

from simulation.demand import HOUR_S
from simulation.faults.course import EDI, EVERYWHERE, begin, pick_sku
from simulation.faults.reports import report
from simulation.running import Message, Running
from simulation.scenario import LOCATIONS
from simulation.world import Fault


def withhold_confirmations(running: Running, fault: Fault) -> None:
    """A warehouse ships some SKU and does not say so."""
    sku = pick_sku(running, stocked=3)
    if sku is None:
        return
    location = max(range(len(LOCATIONS)), key=lambda place: running.truth.on_hand[sku][place])
    if (sku, location) in running.withheld:
        return
    fault.sku, fault.location, fault.system, fault.hits = sku, location, "wms", EVERYWHERE
    waiting: list[Message] = []
    running.withheld[sku, location] = (fault, waiting)

    def mend() -> None:
        del running.withheld[sku, location]
        for message in waiting:
            running.deliver(message)

    def look() -> None:
        if fault.active and waiting:
            oldest = waiting[0]
            report(
                running, fault, sku=sku, location=location, document=oldest.fields.get("document"),
                quantity=fault.quantity, event_lag_s=running.now - oldest.at,
            )  # fmt: skip

    begin(running, fault, mend)
    for hours in (3, 6, 10, 16, 24, 30):
        running.at(running.now + hours * HOUR_S, look)


def stop_posting_run(running: Running, fault: Fault) -> None:
    """The ERP's posting queue of a whole warehouse stands still."""
    location = int(running.fault_rng.integers(len(LOCATIONS)))
    if location in running.erp.stopped_locations:
        return
    fault.location, fault.system, fault.hits = location, "erp", EDI
    running.erp.stopped_locations[location] = fault

    def mend() -> None:
        del running.erp.stopped_locations[location]

    def look() -> None:
        waiting = sorted(key for key in running.erp.waiting_since if key[1] == location)
        if not fault.active or not waiting:
            return
        sku, _ = waiting[int(running.fault_rng.integers(len(waiting)))]
        lag = running.now - running.erp.waiting_since[sku, location]
        fault.quantity = max(fault.quantity, sum(abs(running.erp.waiting[one][location]) for one, _ in waiting))
        report(running, fault, sku=sku, location=location, quantity=len(waiting), event_lag_s=lag)

    begin(running, fault, mend)
    for minutes in (75, 100, 130, 170, 220, 290, 380):
        running.at(running.now + minutes * 60, look)


def refuse_posting(running: Running, fault: Fault) -> None:
    """The ERP refuses to post some SKU: its period is closed, or its balance too low."""
    sku = pick_sku(running, stocked=3)
    if sku is None:
        return
    fault.sku, fault.system, fault.hits = sku, "erp", EDI
    keys = [(sku, location) for location in range(len(LOCATIONS))]
    for key in keys:
        running.erp.stopped[key] = fault

    def mend() -> None:
        for key in keys:
            del running.erp.stopped[key]

    def look() -> None:
        waiting = [key for key in keys if key in running.erp.waiting_since]
        if not fault.active or not waiting:
            return
        fault.quantity = max(fault.quantity, sum(abs(running.erp.waiting[one][place]) for one, place in waiting))
        lag = running.now - running.erp.waiting_since[waiting[0]]
        report(running, fault, sku=sku, location=waiting[0][1], event_lag_s=lag, quantity=fault.quantity)

    begin(running, fault, mend)
    for hours in (1, 3, 6, 12, 20, 30):
        running.at(running.now + hours * HOUR_S, look)
