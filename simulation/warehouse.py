"""What goes on in the two warehouses: orders, receipts, returns, transfers, holds, counts."""

from numpy.random import Generator

from core_sync.ledger.events import EventType
from simulation.catalogue import Item, Supplier
from simulation.demand import DAY_S, HOUR_S, units_per_day
from simulation.kits import build_kit
from simulation.running import Message, Running
from simulation.scenario import CHANNELS, DIRECT, LOCATIONS

_OTHER = (1, 0)
_SATURDAY = 5


def working(running: Running, moment: int, rng: Generator | None = None) -> int:
    """``moment`` if the warehouse works then, else some time after it opens, drawn from ``rng`` or from the floor's."""
    constants = running.constants
    of_day = (moment + running.scenario.start.hour * HOUR_S) % DAY_S
    if constants.opens * HOUR_S <= of_day < constants.closes * HOUR_S and _works_on(running, moment):
        return moment
    opening = moment + (constants.opens * HOUR_S - of_day) % DAY_S
    while not _works_on(running, opening):
        opening += DAY_S
    return opening + int((rng or running.floor_rng).integers(60, 5400))


def _works_on(running: Running, moment: int) -> bool:
    """Whether the warehouse works on the day of ``moment``."""
    return running.constants.works_weekends or running.moment(moment).weekday() < _SATURDAY


def open_stock(running: Running) -> None:
    """The opening counts."""
    low, high = running.constants.cover_days
    for item in running.items:
        daily = units_per_day(item, running.constants.channel_split)
        for location, weight in ((0, 0.6), (1, 0.4)):
            quantity = int(daily * weight * running.floor_rng.uniform(low, high)) + int(
                running.floor_rng.integers(1, 4)
            )
            fields = {"document": f"OPENING-{LOCATIONS[location]}", "line": str(item.index + 1), "reason": "opening"}
            running.move(Message(EventType.COUNT, item.index, location, quantity, on_hand=quantity, fields=fields))
    running.erp.post()


def place(running: Running, sku: int, quantity: int, channel: int, document: str, **more: object) -> bool:
    """Reserve, pick, pack and ship, from one warehouse or both; False when there is not enough."""
    truth = running.truth
    if quantity > sum(max(0, truth.free_at(sku, location)) for location in range(len(LOCATIONS))):
        return False
    wanted = quantity
    by_stock = sorted(range(len(LOCATIONS)), key=lambda location: -truth.free_at(sku, location))
    for line, location in enumerate(by_stock, start=1):
        taken = min(wanted, max(0, truth.free_at(sku, location)))
        if taken:
            _place_line(running, sku, location, taken, channel, document, f"{line}", dict(more))
            wanted -= taken
    return True


def _place_line(
    running: Running,
    sku: int,
    location: int,
    quantity: int,
    channel: int,
    document: str,
    line: str,
    more: dict[str, object],
) -> None:
    reservation = f"RES-{running.number('reservation', 80_000)}"
    fields: dict[str, object] = {"document": document, "line": line, "reservation_id": reservation, **more}
    if channel != DIRECT:
        fields["channel"] = CHANNELS[channel]
    priced = {**fields, "unit_price": running.items[sku].price}
    running.move(Message(EventType.RESERVE, sku, location, quantity, allocated=quantity, fields=priced))
    rng = running.floor_rng
    if rng.random() < 0.03:
        after = int(rng.integers(300, 3000))
        running.at(running.now + after, _cancel, running, sku, location, quantity, fields)
        return
    picked = working(running, running.now + int(rng.integers(1800, 6 * HOUR_S)))
    packed = _while_open(running, picked + int(rng.integers(600, 2400)))
    shipped = _while_open(running, packed + int(rng.integers(1200, 2 * HOUR_S)))
    running.at(picked, _handle, running, EventType.PICK, sku, location, quantity, fields)
    running.at(packed, _handle, running, EventType.PACK, sku, location, quantity, fields)
    running.at(shipped, _ship, running, sku, location, quantity, fields)


def _while_open(running: Running, moment: int) -> int:
    """``moment``, or when the warehouse opens again where what it has begun waits for that."""
    return working(running, moment) if running.constants.ships_while_open else moment


def _cancel(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    told = {**fields, "reason": "cancelled by customer"}
    running.move(Message(EventType.ORDER_CANCELLED, sku, location, quantity, allocated=-quantity, fields=told))


def _handle(
    running: Running, kind: EventType, sku: int, location: int, quantity: int, fields: dict[str, object]
) -> None:
    running.move(Message(kind, sku, location, quantity, fields=dict(fields)))


def _ship(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    running.move(
        Message(EventType.SHIP, sku, location, quantity, on_hand=-quantity, allocated=-quantity, fields=dict(fields))
    )
    rng = running.floor_rng
    if rng.random() < 0.05:
        back = working(running, running.now + int(rng.integers(2 * DAY_S, 6 * DAY_S)))
        running.at(back, _return, running, sku, location, quantity)


def _return(running: Running, sku: int, location: int, quantity: int) -> None:
    fields: dict[str, object] = {"document": f"RMA-{running.number('return', 3000)}", "line": "1"}
    running.move(
        Message(EventType.RETURN_RECEIVED, sku, location, quantity, quantity, hold=quantity, fields=dict(fields))
    )
    decided = working(running, running.now + int(running.floor_rng.integers(2 * HOUR_S, DAY_S)))
    running.at(decided, _decide_return, running, sku, location, quantity, fields)


def _decide_return(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    if running.floor_rng.random() < 0.75:
        running.move(Message(EventType.RESTOCK, sku, location, quantity, hold=-quantity, fields=dict(fields)))
    else:
        told = {**fields, "reason": "damaged"}
        running.move(Message(EventType.SCRAP, sku, location, quantity, -quantity, hold=-quantity, fields=told))


def replenish(running: Running, suppliers: list[Supplier]) -> None:
    """The daily look at what runs short, and the next day's."""
    for item in running.items:
        _reorder(running, item, suppliers[item.supplier])
    running.at(running.now + DAY_S, replenish, running, suppliers)


def _reorder(running: Running, item: Item, supplier: Supplier) -> None:
    sku, rng = item.index, running.floor_rng
    daily = units_per_day(item, running.constants.channel_split)
    coming = sum(running.on_order[sku])
    needed = daily * (supplier.lead_days + running.constants.reorder_cover_days)
    if running.truth.free(sku) + coming > needed:
        return
    cases = max(1, round((needed + daily * 3 - running.truth.free(sku) - coming) / item.pack))
    location = 0 if running.truth.on_hand[sku][0] <= 1.4 * running.truth.on_hand[sku][1] else 1
    quantity = cases * item.pack
    running.on_order[sku][location] += quantity
    promised, arrives = promise_and_arrival(running, supplier, running.now, rng)
    document = f"PO-{running.number('purchase', 7000)}"
    fields: dict[str, object] = {"document": document, "line": "1"}
    running.move(Message(EventType.INBOUND_ANNOUNCED, sku, location, quantity, fields=dict(fields)))
    received = quantity - item.pack if rng.random() < 0.04 and cases > 1 else quantity
    if running.now <= running.end:
        came = (running.now, promised, arrives)
        running.deliveries.append(delivery_row(running, item, supplier, came, (quantity, received)))
        ordered_at, due_at = running.moment(running.now), running.moment(promised)
        running.promises.append({"sku": item.sku, "ordered_at": ordered_at, "due_at": due_at})
    running.at(arrives, _receive, running, item, location, quantity, received, fields)


def promise_and_arrival(running: Running, supplier: Supplier, ordered_at: int, rng: Generator) -> tuple[int, int]:
    """When a line ordered at ``ordered_at`` is promised, and when it comes, in seconds after the start."""
    promised = int(supplier.lead_days * DAY_S)
    late = int(rng.exponential(1.5) * DAY_S) if rng.random() < supplier.late else 0
    arrives = ordered_at + max(6 * HOUR_S, promised + late - int(rng.integers(0, 8 * HOUR_S)))
    return ordered_at + promised, working(running, arrives, rng)


def delivery_row(
    running: Running, item: Item, supplier: Supplier, moments: tuple[int, int, int], units: tuple[int, int]
) -> dict[str, object]:
    """A line of a purchase order: ``moments`` ordered, promised and received, ``units`` ordered and received.

    A promise is a day: what comes until its end comes in time.
    """
    ordered, promised, arrives = moments
    day_ends = running.moment(promised).replace(hour=23, minute=59, second=59)
    has_come = arrives <= running.end
    return {
        "supplier": supplier.name,
        "sku": item.sku,
        "ordered_at": running.moment(ordered),
        "promised_at": day_ends,
        "received_at": running.moment(arrives) if has_come else None,
        "ordered_quantity": units[0],
        "received_quantity": units[1] if has_come else None,
    }


def _receive(
    running: Running, item: Item, location: int, ordered: int, received: int, fields: dict[str, object]
) -> None:
    running.on_order[item.index][location] -= ordered
    told = dict(fields)
    quantity = received
    if item.bought_in_cases:
        told["uom"], quantity = "CS", received // item.pack
    message = Message(EventType.RECEIPT, item.index, location, quantity, on_hand=received, fields=told)
    running.move(message)
    put_away = running.now + int(running.floor_rng.integers(1200, 3 * HOUR_S))
    running.at(put_away, _handle, running, EventType.PUT_AWAY, item.index, location, received, dict(fields))


def daily_floor(running: Running) -> None:
    """The day's transfers, holds, counts and corrections, and the next day's."""
    rng, count = running.floor_rng, len(running.items)
    scale = count / 100
    for act, usual in (
        (transfer, 2.0 * scale),
        (quality_hold, 1.5 * scale),
        (cycle_count, running.constants.counts_per_day * scale),
        (small_adjustment, 1.0 * scale),
        (quote, 3.0 * scale),
        (large_order, running.constants.large_orders_per_day * scale),
        (build_kit, running.constants.kits_per_day * scale),
    ):
        for _ in range(int(rng.poisson(usual))):
            moment = working(running, running.now + int(rng.integers(DAY_S)))
            running.at(moment, act, running, int(rng.integers(count)))
    running.at(running.now + DAY_S, daily_floor, running)


def transfer(running: Running, sku: int) -> None:
    """Even out the two warehouses."""
    source = 0 if running.truth.free_at(sku, 0) > running.truth.free_at(sku, 1) else 1
    target = _OTHER[source]
    quantity = (running.truth.free_at(sku, source) - max(0, running.truth.free_at(sku, target))) // 3
    if quantity < 2:
        return
    fields: dict[str, object] = {"document": f"TR-{running.number('transfer', 900)}", "line": "1"}
    told = {**fields, "to_location": LOCATIONS[target]}
    running.move(Message(EventType.TRANSFER_OUT, sku, source, quantity, on_hand=-quantity, fields=told))
    arrives = working(running, running.now + int(running.floor_rng.integers(12 * HOUR_S, 26 * HOUR_S)))
    running.at(arrives, _transfer_in, running, sku, target, quantity, fields)


def _transfer_in(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    running.move(Message(EventType.TRANSFER_IN, sku, location, quantity, on_hand=quantity, fields=fields))


def quality_hold(running: Running, sku: int) -> None:
    """Take some units out of sale for inspection."""
    location = int(running.floor_rng.integers(len(LOCATIONS)))
    quantity = min(running.truth.free_at(sku, location), int(running.floor_rng.integers(1, 9)))
    if quantity < 1:
        return
    fields: dict[str, object] = {"document": f"QH-{running.number('hold', 400)}", "reason": "inspection"}
    running.move(Message(EventType.HOLD, sku, location, quantity, hold=quantity, fields=dict(fields)))
    over = working(running, running.now + int(running.floor_rng.integers(4 * HOUR_S, 30 * HOUR_S)))
    running.at(over, _release_hold, running, sku, location, quantity, fields)


def _release_hold(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    running.move(Message(EventType.RELEASE_HOLD, sku, location, quantity, hold=-quantity, fields=fields))


def cycle_count(running: Running, sku: int) -> None:
    """Count one position; mostly the books were right."""
    location = int(running.floor_rng.integers(len(LOCATIONS)))
    if running.active[sku]:
        return  # people who cure a fault do not count while they do
    there = running.truth.on_hand[sku][location]
    claimed = running.truth.allocated[sku][location] + running.truth.hold[sku][location]
    counted = max(claimed, there + int(running.floor_rng.choice([-3, -2, -1, 0, 0, 0, 0, 0, 0, 1, 2])))
    correct(running, sku, location, counted, "cycle count")
    if counted != there:
        running.surprise("count", sku, location, quantity=counted - there)


def correct(running: Running, sku: int, location: int, counted: int, reason: str) -> str:
    """A count: every book says ``counted`` from now on. Returns the event's id."""
    change = counted - running.truth.on_hand[sku][location]
    error = running.truth.on_hand[sku][location] - running.told.on_hand[sku][location]
    fields: dict[str, object] = {"document": f"CC-{running.number('count', 1500)}", "line": "1", "reason": reason}
    event_id = running.move(Message(EventType.COUNT, sku, location, counted, on_hand=change, fields=fields))
    running.told.add(sku, location, error)
    running.erp.tell(sku, location, error, running.now)
    return event_id


def small_adjustment(running: Running, sku: int) -> None:
    """One unit found or broken."""
    location = int(running.floor_rng.integers(len(LOCATIONS)))
    change = -1 if running.truth.free_at(sku, location) > 0 and running.floor_rng.random() < 0.6 else 1
    fields: dict[str, object] = {
        "document": f"ADJ-{running.number('adjust', 200)}",
        "line": "1",
        "reason": "breakage" if change < 0 else "found",
    }
    running.move(Message(EventType.ADJUST, sku, location, change, on_hand=change, fields=fields))


def quote(running: Running, sku: int) -> None:
    """Hold stock for a quotation, and let it go when the quotation lapses."""
    location = 0 if running.truth.free_at(sku, 0) > running.truth.free_at(sku, 1) else 1
    quantity = min(running.truth.free_at(sku, location) // 3, int(running.floor_rng.integers(2, 12)))
    if quantity < 1:
        return
    lapses = running.now + int(running.floor_rng.integers(2, 9)) * HOUR_S
    number = running.number("quote", 2000)
    fields: dict[str, object] = {"document": f"QT-{number}", "line": "1", "reservation_id": f"HOLD-{number}"}
    told = {**fields, "expires_at": running.moment(lapses), "account": f"ACC-{int(running.floor_rng.integers(20)):02d}"}
    running.move(Message(EventType.RESERVE, sku, location, quantity, allocated=quantity, fields=told))
    running.at(lapses, _lapse, running, sku, location, quantity, fields)


def _lapse(running: Running, sku: int, location: int, quantity: int, fields: dict[str, object]) -> None:
    told = {**fields, "reason": "expired"}
    running.move(Message(EventType.RELEASE_RESERVATION, sku, location, quantity, allocated=-quantity, fields=told))


def large_order(running: Running, sku: int) -> None:
    """A business customer takes a good part of what is there."""
    free = running.truth.free(sku)
    quantity = int(free * running.floor_rng.uniform(0.2, 0.5))
    if quantity < 4:
        return
    document = f"SO-{running.number('order', 100_000)}"
    account = f"ACC-{int(running.floor_rng.integers(20)):02d}"
    if place(running, sku, quantity, DIRECT, document, account=account):
        running.surprise("large_order", sku, quantity=quantity, reference=document)
