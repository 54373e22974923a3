"""Faults that no feature was made for: nobody reports them, and no training world has them.

A cross-dock that scans the wrong goods, a kit of which one line is not applied, an ERP that takes one measure or
currency for another, a clock that is behind, and one queue of many that stands still while the rest go on.
"""

from core_sync.ledger.events import EventType
from simulation.demand import DAY_S, HOUR_S
from simulation.faults.course import EDI, EVERYWHERE, begin, busy_skus, pick_sku
from simulation.kits import Kit, draw_kit
from simulation.running import QUEUES, Armed, Message, Running
from simulation.scenario import LOCATIONS
from simulation.warehouse import correct, working
from simulation.world import Fault

_ARRIVALS = frozenset({EventType.RECEIPT, EventType.TRANSFER_IN})
_MISTAKEN = (0.4536, 2.2046, 1.09, 0.9174)
"""Pounds for kilograms, dollars for euros, and the other way round."""


def scan_the_wrong_goods(running: Running, fault: Fault) -> None:
    """What arrives at the cross-dock next is booked as the goods that stood beside it."""

    def fits(message: Message) -> bool:
        free = running.now <= running.end and not running.active[message.sku] and message.sku not in running.renamed
        return free and message.on_hand >= 2

    def spoil(message: Message) -> None:
        others = set(range(len(running.items))) - busy_skus(running) - running.renamed.keys() - {message.sku}
        if not others:
            running.deliver(message)
            return
        right, location = message.sku, message.location
        wrong = sorted(others)[int(running.fault_rng.integers(len(others)))]
        fault.sku, fault.location, fault.quantity = right, location, message.on_hand
        fault.system, fault.hits = "wms", EVERYWHERE
        fault.event_ids.append(message.event_id)

        def mend() -> None:
            running.active[wrong].remove(fault)
            for sku in (right, wrong):
                there = running.truth.on_hand[sku][location]
                fault.event_ids.append(correct(running, sku, location, there, "scanned as other goods"))

        begin(running, fault, mend)
        running.active[wrong].append(fault)
        running.write(message, sku=running.items[wrong].sku, uom="EA", quantity=message.on_hand)
        running.told.add(wrong, location, message.on_hand)
        running.erp.tell(wrong, location, message.on_hand, running.now)
        running.touch(wrong)

    running.armed.append(Armed(fault, _ARRIVALS, fits, spoil))


def apply_half_a_kit(running: Running, fault: Fault) -> None:
    """A kit is built, and of its three lines one is told to nobody."""
    running.at(working(running, running.now), _apply_half, running, fault)


def _apply_half(running: Running, fault: Fault) -> None:
    sku = pick_sku(running, stocked=8)
    kit = None if sku is None else draw_kit(running, sku, running.fault_rng)
    if kit is None or any(running.active[one] for one in kit.skus):
        return
    lost = int(running.fault_rng.integers(len(kit.skus)))
    fault.sku, fault.location, fault.quantity = kit.skus[lost], kit.location, kit.quantity
    fault.system, fault.hits = "wms", EVERYWHERE
    waiting: list[Message] = []

    def mend() -> None:
        del running.untold[kit.document]
        for late in waiting:
            running.deliver(late)

    begin(running, fault, mend)
    _build(running, kit, lost, (fault, waiting))


def _build(running: Running, kit: Kit, lost: int, kept: tuple[Fault, list[Message]]) -> None:
    for place, message in enumerate(kit.lines()):
        if place != lost:
            running.move(message)
    running.untold[kit.document] = kept
    running.move(kit.lines()[lost])


def mistake_the_measure(running: Running, fault: Fault) -> None:
    """The ERP reads what moves of a SKU in another measure or currency, until its figures are put right."""
    sku = pick_sku(running, stocked=3)
    if sku is None:
        return
    fault.sku, fault.system, fault.hits = sku, "erp", EDI
    factor = _MISTAKEN[int(running.fault_rng.integers(len(_MISTAKEN)))]
    beyond = [0] * len(LOCATIONS)

    def read(message: Message, units: int) -> int:
        taken = round(units * factor)
        beyond[message.location] += taken - units
        fault.quantity = max(fault.quantity, abs(sum(beyond)))
        return taken

    def mend() -> None:
        del running.read_by_erp[sku]
        for location, units in enumerate(beyond):
            running.erp.tell(sku, location, -units, running.now)

    running.read_by_erp[sku] = read
    begin(running, fault, mend)


def set_the_clock_back(running: Running, fault: Fault) -> None:
    """A system's clock is hours behind the others': its snapshot of an hour tells of an earlier one."""
    rng = running.fault_rng
    system, places = ("wms", (int(rng.integers(len(LOCATIONS))),)) if rng.random() < 0.5 else ("erp", (0, 1))
    if any((system, place) in running.clock_behind for place in places):
        return
    fault.system, fault.location, fault.partial = system, places[0] if len(places) == 1 else None, True
    behind = int(rng.integers(2, 6)) * HOUR_S
    for place in places:
        running.clock_behind[system, place] = fault
    ends = min(running.now + fault.cure_after_s, running.end)
    for day in range(running.scenario.days + 1):
        for hour in running.constants.snapshot_hours:
            moment = day * DAY_S + (hour - running.scenario.start.hour) % 24 * HOUR_S
            if running.now <= moment - behind and moment <= ends:
                running.at(moment - behind, _remember, running, system, places)

    def mend() -> None:
        for place in places:
            del running.clock_behind[system, place]

    begin(running, fault, mend)


def _remember(running: Running, system: str, places: tuple[int, ...]) -> None:
    for item in running.items:
        for place in places:
            running.remembered[system, item.index, place] = running.on_hand_by(system, item.index, place)


def stop_one_queue(running: Running, fault: Fault) -> None:
    """One of the queues that carry a warehouse's messages stands still; the others go on, and nobody is told."""
    queue = (int(running.fault_rng.integers(len(LOCATIONS))), int(running.fault_rng.integers(QUEUES)))
    if queue in running.stuck:
        return
    fault.location, fault.system, fault.hits, fault.partial = queue[0], "wms", EVERYWHERE, True
    waiting: list[Message] = []
    running.stuck[queue] = (fault, waiting)

    def mend() -> None:
        del running.stuck[queue]
        for message in waiting:
            running.deliver(message)

    begin(running, fault, mend)
