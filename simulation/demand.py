"""What buyers want, drawn before anything else happens, so that faults never change what was wanted."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from simulation.catalogue import Item
from simulation.scenario import CHANNELS, DIRECT, Scenario
from simulation.world import Benign

DAY_S = 86_400
HOUR_S = 3_600

_HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 6, 9, 11, 12, 12, 11, 11, 11, 11, 11, 12, 13, 13, 12, 9, 5, 2], dtype=float)
_WEEKDAYS = (1.08, 1.02, 1.0, 1.02, 1.1, 0.95, 0.83)
_PROMOTION_LIFT = 4.0
_EDI = CHANNELS.index("edi")


class Line(NamedTuple):
    """Somebody wants ``quantity`` of a SKU; ``channel`` may be ``DIRECT``."""

    at: int
    sku: int
    channel: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Demand:
    """Every line in order of time, and the promotions behind some of them."""

    lines: list[Line]
    promotions: list[Benign]


def draw_demand(scenario: Scenario, items: list[Item], rng: Generator) -> Demand:
    """Lines a day are negative binomial around the SKU's mean, weekday and promotion; hours follow a profile."""
    constants = scenario.constants
    days = scenario.days + -(-constants.horizon_h // 24)
    means = np.array([item.lines_per_day for item in items])[:, None] * np.ones(days)[None, :]
    means *= np.array([_WEEKDAYS[(scenario.start + timedelta(days=day)).weekday()] for day in range(days)])[None, :]
    promotions = _promote(scenario, items, means, rng)
    if constants.surge_from_day is not None:
        means[:, constants.surge_from_day :] *= 2
    size = means / (constants.dispersion - 1)
    counts = rng.negative_binomial(np.maximum(size, 1e-9), 1 / constants.dispersion)
    sku = np.repeat(np.arange(len(items)), counts.sum(axis=1))
    day = np.concatenate([np.repeat(np.arange(days), row) for row in counts])
    total = len(sku)
    hour_of_day = rng.choice(24, size=total, p=_HOURS / _HOURS.sum())
    hour = (hour_of_day - scenario.start.hour) % 24
    at = day * DAY_S + hour * HOUR_S + rng.integers(HOUR_S, size=total)
    channel = rng.choice(DIRECT + 1, size=total, p=np.array(constants.channel_split))
    few = rng.geometric(0.72, size=total)
    some = rng.integers(1, 9, size=total)
    packs = rng.integers(1, 4, size=total)
    order = np.lexsort((sku, at))
    lines = []
    for place in order.tolist():
        item, wanted = items[int(sku[place])], int(channel[place])
        if wanted != DIRECT and not item.listed[wanted]:
            wanted = DIRECT
        units = int(few[place])
        if wanted == DIRECT:
            units = int(some[place])
        elif wanted == _EDI:
            units = int(packs[place]) * min(item.pack, 12)
        lines.append(Line(int(at[place]), item.index, wanted, units))
    return Demand(lines, promotions)


def _promote(scenario: Scenario, items: list[Item], means: np.ndarray, rng: Generator) -> list[Benign]:
    """Lift the means of some SKUs for a day or two."""
    promotions = []
    for _ in range(int(rng.poisson(scenario.constants.promotions_per_day * scenario.days))):
        index, first, length = int(rng.integers(len(items))), int(rng.integers(scenario.days)), int(rng.integers(1, 3))
        means[index, first : first + length] *= _PROMOTION_LIFT
        started = scenario.start + timedelta(days=first)
        promotions.append(Benign("promotion", started, started + timedelta(days=length), sku=items[index].sku))
    return promotions


def units_per_day(item: Item, split: tuple[float, float, float, float]) -> float:
    """Mean units of one SKU that are wanted in a day."""
    direct = split[DIRECT] + sum(share for share, listed in zip(split, item.listed, strict=False) if not listed)
    consumer = sum(split[place] for place in range(2) if item.listed[place])
    edi = split[_EDI] if item.listed[_EDI] else 0.0
    return item.lines_per_day * (consumer / 0.72 + direct * 4.5 + edi * 2 * min(item.pack, 12))
