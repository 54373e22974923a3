"""What suppliers delivered in the weeks before the simulated days: the same habits, told by the deliveries alone."""

import numpy as np
from numpy.random import Generator

from simulation.catalogue import Item, Supplier
from simulation.demand import DAY_S, HOUR_S, units_per_day
from simulation.running import Running
from simulation.warehouse import delivery_row, promise_and_arrival
from simulation.world import Rows

PAST_DAYS = 84
ORDERED_FOR_DAYS = 3.0
"""Days of demand that an order is for, beside the time until it comes."""
SETTLED_DAYS = 14
"""Before the start nothing is ordered any more, so that all of it has come by then."""


def past_deliveries(running: Running, suppliers: list[Supplier], rng: Generator) -> Rows:
    """The lines that were ordered in ``PAST_DAYS`` before the start and have come."""
    rows = [
        _delivery(running, item, suppliers[item.supplier], int(day), rng)
        for item in running.items
        for day in _order_days(running, item, rng)
    ]
    return sorted(rows, key=lambda row: (row["ordered_at"], row["sku"]))


def _order_days(running: Running, item: Item, rng: Generator) -> np.ndarray:
    daily = units_per_day(item, running.constants.channel_split)
    between = max(ORDERED_FOR_DAYS, item.pack / daily)
    return np.arange(-PAST_DAYS + rng.uniform(0, between), -SETTLED_DAYS, between)


def _delivery(running: Running, item: Item, supplier: Supplier, day: int, rng: Generator) -> dict[str, object]:
    daily = units_per_day(item, running.constants.channel_split)
    cases = max(1, round(ORDERED_FOR_DAYS * daily / item.pack))
    ordered_at = day * DAY_S + (30 - running.scenario.start.hour) % 24 * HOUR_S
    promised, arrives = promise_and_arrival(running, supplier, ordered_at, rng)
    quantity = cases * item.pack
    received = quantity - item.pack if rng.random() < 0.04 and cases > 1 else quantity
    return delivery_row(running, item, supplier, (ordered_at, promised, arrives), (quantity, received))
