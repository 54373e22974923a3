"""Faults of master data: names, units, packs and places that mean nothing here, or the wrong thing."""

from core_sync.ledger.events import EventType
from simulation.faults.course import EVERYWHERE, begin
from simulation.faults.reports import report
from simulation.running import Armed, Message, Renamed, Running
from simulation.scenario import LOCATIONS
from simulation.warehouse import correct
from simulation.world import Fault

_ARRIVALS = frozenset({EventType.RECEIPT, EventType.TRANSFER_IN, EventType.RETURN_RECEIVED})
_GOODS = frozenset({EventType.RECEIPT, EventType.SHIP, EventType.TRANSFER_IN})
_UNKNOWN_UNITS = ("BX", "PAL", "IP", "DSP")


def _takes(running: Running, fault: Fault, message: Message) -> None:
    fault.sku, fault.location, fault.quantity = message.sku, message.location, abs(message.on_hand)
    fault.event_ids.append(message.event_id)
    fault.hits = EVERYWHERE
    fault.system = "wms" if running.fault_rng.random() < 0.65 else "erp"


def _free_of_faults(running: Running, message: Message) -> bool:
    return running.now <= running.end and not running.active[message.sku] and message.sku not in running.renamed


def rename(running: Running, fault: Fault) -> None:
    """From the next movement of some SKU on, the warehouse uses a code for it that we do not know."""

    def spoil(message: Message) -> None:
        _takes(running, fault, message)
        fault.location = None
        old = running.items[message.sku]
        external = f"{old.wms_code or old.sku.replace('-', '')}{'NRX'[int(running.fault_rng.integers(3))]}"

        def tell(later: Message) -> None:
            if later is not message and running.now <= running.end:
                fault.event_ids.append(later.event_id)
                fault.quantity += abs(later.on_hand)
            candidates = [old.sku] if running.fault_rng.random() < 0.4 else []
            report(
                running, fault, sku=old.index, location=later.location, external=external, quantity=later.quantity,
                document=later.fields.get("document"), candidates=candidates,
            )  # fmt: skip

        renamed = Renamed(external, fault, tell)
        running.renamed[message.sku] = renamed

        def mend() -> None:
            renamed.fault = None
            since = running.moment(fault.started_s or 0)
            running.late_aliases.append(
                {"system": "wms", "external_sku": external, "sku": old.sku, "valid_from": since}
            )
            for waiting in renamed.waiting:
                running.take_in(waiting, waiting.on_hand)

        begin(running, fault, mend)
        running.write(message)
        renamed.waiting.append(message)
        tell(message)

    running.armed.append(Armed(fault, _GOODS, lambda message: _free_of_faults(running, message), spoil))


def unknown_unit(running: Running, fault: Fault) -> None:
    """The next receipt of whole packs comes in a unit that nobody has set up."""

    def fits(message: Message) -> bool:
        pack = running.items[message.sku].pack
        return _free_of_faults(running, message) and message.on_hand >= pack and message.on_hand % pack == 0

    def spoil(message: Message) -> None:
        _takes(running, fault, message)
        item = running.items[message.sku]
        uom, packs = _UNKNOWN_UNITS[int(running.fault_rng.integers(4))], message.on_hand // item.pack

        def mend() -> None:
            running.late_units.append({"sku": item.sku, "uom": uom, "factor": item.pack})
            running.take_in(message, message.on_hand)

        begin(running, fault, mend)
        running.write(message, uom=uom, quantity=packs)
        report(
            running, fault, sku=item.index, location=message.location, uom=uom, quantity=packs,
            document=message.fields.get("document"),
        )  # fmt: skip

    running.armed.append(Armed(fault, frozenset({EventType.RECEIPT}), fits, spoil))


def mistake_pack(running: Running, fault: Fault) -> None:
    """The next receipt counts cases as pieces, or pieces as cases."""

    def fits(message: Message) -> bool:
        return _free_of_faults(running, message) and message.on_hand >= 2 * running.items[message.sku].pack

    def spoil(message: Message) -> None:
        _takes(running, fault, message)
        item = running.items[message.sku]
        if running.fault_rng.random() < 0.6:
            uom, quantity = "EA", message.on_hand // item.pack
            believed = quantity
        else:
            uom, quantity = "CS", message.on_hand
            believed = quantity * item.pack
        fault.quantity = abs(believed - message.on_hand)

        def mend() -> None:
            there = running.truth.on_hand[item.index][message.location]
            fault.event_ids.append(correct(running, item.index, message.location, there, "pack size corrected"))

        begin(running, fault, mend)
        running.write(message, uom=uom, quantity=quantity)
        running.take_in(message, believed)
        report(
            running, fault, sku=item.index, location=message.location, quantity=quantity,
            document=message.fields.get("document"),
        )  # fmt: skip

    running.armed.append(Armed(fault, frozenset({EventType.RECEIPT}), fits, spoil))


def misplace(running: Running, fault: Fault) -> None:
    """The next arrival names a place that we do not know, or the other warehouse."""

    def fits(message: Message) -> bool:
        return _free_of_faults(running, message) and message.on_hand > 0

    def spoil(message: Message) -> None:
        _takes(running, fault, message)
        if message.type is EventType.RECEIPT and running.fault_rng.random() < 0.4:
            _book_elsewhere(running, fault, message)
            return
        code = f"WH-{int(running.fault_rng.integers(3, 40)):02d}"

        def mend() -> None:
            running.deliver(message)  # the warehouse sends it again, the place put right

        begin(running, fault, mend)
        running.write(message, location=code)
        report(
            running, fault, sku=message.sku, location=message.location, external=code,
            quantity=message.quantity, document=message.fields.get("document"),
        )  # fmt: skip

    running.armed.append(Armed(fault, _ARRIVALS, fits, spoil))


def _book_elsewhere(running: Running, fault: Fault, message: Message) -> None:
    sku, right, wrong = message.sku, message.location, 1 - message.location
    fault.location = None

    def mend() -> None:
        for location in (right, wrong):
            there = running.truth.on_hand[sku][location]
            fault.event_ids.append(correct(running, sku, location, there, "booked to the wrong warehouse"))

    begin(running, fault, mend)
    running.write(message, location=LOCATIONS[wrong])
    running.told.add(sku, wrong, message.on_hand)
    running.erp.tell(sku, wrong, message.on_hand, running.now)
    running.touch(sku)
    report(
        running, fault, sku=sku, location=wrong, external=LOCATIONS[wrong], quantity=message.quantity,
        document=message.fields.get("document"),
    )  # fmt: skip
