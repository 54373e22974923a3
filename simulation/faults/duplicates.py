"""The same thing told twice: the ledger may see it, but the hub or the ERP counted it twice already."""

from dataclasses import replace

from core_sync.ledger.events import EventType
from simulation.faults.course import EDI, SHOPS, begin
from simulation.faults.reports import report
from simulation.running import Armed, Message, Running
from simulation.world import Fault

_TYPES = frozenset({EventType.RECEIPT, EventType.SHIP, EventType.TRANSFER_IN})


def repeat(running: Running, fault: Fault) -> None:
    """The next good-sized movement is told again: as it was, with other content, or under another id."""

    def fits(message: Message) -> bool:
        return running.now <= running.end and not running.active[message.sku] and abs(message.on_hand) >= 2

    def spoil(message: Message) -> None:
        running.deliver(message)
        running.at(running.now + int(running.fault_rng.integers(60, 1800)), _again, running, fault, message)

    running.armed.append(Armed(fault, _TYPES, fits, spoil))


def _again(running: Running, fault: Fault, first: Message) -> None:
    if running.now > running.end or running.active[first.sku]:
        return
    rng = running.fault_rng
    sku, location, counted = first.sku, first.location, first.on_hand
    fault.sku, fault.location, fault.quantity = sku, location, abs(counted)
    fault.system = "erp" if fault.subclass != "id_conflict" and rng.random() < 0.4 else "wms"
    in_erp = rng.random() < 0.35
    fault.hits = EDI if in_erp else SHOPS

    def count_again(units: int) -> None:
        if in_erp:
            running.erp.tell(sku, location, units, running.now)
        else:
            running.double[sku] += units
        running.touch(sku)

    second = first
    changed: dict[str, int] = {}
    if fault.subclass == "business_key":
        second = replace(first, event_id=f"wms-{running.number('wms', 500_000)}", at=running.now)
    elif fault.subclass == "id_conflict":
        changed["quantity"] = first.quantity + int(rng.integers(1, max(2, first.quantity)))
    fault.event_ids += dict.fromkeys((first.event_id, second.event_id))
    begin(running, fault, lambda: count_again(-counted))
    running.write(second, **changed)
    count_again(counted)
    report(
        running, fault, sku=sku, location=location, quantity=changed.get("quantity", first.quantity),
        document=first.fields.get("document"), line=first.fields.get("line"), event=second.event_id,
        duplicate_of=first.event_id,
    )  # fmt: skip
