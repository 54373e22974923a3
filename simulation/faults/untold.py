"""What happens and is never told: a silent source, an undecided return, a transfer that does not arrive, lost stock.

Nobody reports them. They are known by what is missing, and only to whoever waits for it.
"""

from core_sync.ledger.events import EventType
from simulation.demand import HOUR_S
from simulation.faults.course import EVERYWHERE, begin, pick_sku
from simulation.running import Armed, Message, Running
from simulation.scenario import LOCATIONS
from simulation.warehouse import working
from simulation.world import Fault


def fall_silent(running: Running, fault: Fault) -> None:
    """A warehouse system, of one warehouse or of both, says nothing any more until the line is mended."""
    running.at(working(running, running.now), _fall_silent, running, fault)


def _fall_silent(running: Running, fault: Fault) -> None:
    if running.silenced:
        return
    whole = running.fault_rng.random() < 0.3
    places = range(len(LOCATIONS)) if whole else (int(running.fault_rng.integers(len(LOCATIONS))),)
    fault.location, fault.system, fault.hits = None if whole else places[0], "wms", EVERYWHERE
    waiting: list[Message] = []
    for place in places:
        running.silenced[place] = (fault, waiting)

    def mend() -> None:
        running.silenced.clear()
        for message in waiting:
            running.deliver(message)

    begin(running, fault, mend)


def hide(running: Running, fault: Fault) -> None:
    """Every system has stock of a SKU that nobody finds: no order for it is served until somebody does."""
    sku = pick_sku(running, stocked=1)
    if sku is None:
        return
    fault.sku, fault.system, fault.hits, fault.missing_s = sku, "wms", EVERYWHERE, running.now
    running.unfindable.add(sku)
    begin(running, fault, lambda: running.unfindable.discard(sku))


def leave_undecided(running: Running, fault: Fault) -> None:
    """What becomes of the next return is never told."""
    _never_told(running, fault, EventType.RETURN_RECEIVED)


def lose_transfer(running: Running, fault: Fault) -> None:
    """The next transfer is never told to have arrived."""
    _never_told(running, fault, EventType.TRANSFER_OUT)


def _never_told(running: Running, fault: Fault, begun_by: EventType) -> None:
    def fits(message: Message) -> bool:
        return running.now <= running.end - 12 * HOUR_S and not running.active[message.sku]

    def spoil(message: Message) -> None:
        running.deliver(message)
        document = str(message.fields["document"])
        waiting: list[Message] = []
        fault.sku, fault.location, fault.system = message.sku, message.location, "wms"
        fault.hits = EVERYWHERE
        running.untold[document] = (fault, waiting)

        def mend() -> None:
            del running.untold[document]
            for late in waiting:
                running.deliver(late)

        begin(running, fault, mend)

    running.armed.append(Armed(fault, frozenset({begun_by}), fits, spoil))
