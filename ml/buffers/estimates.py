"""What was known of demand at the beginning of each day: nothing of the day itself, nothing later."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.buffers.history import Units
from ml.exposure.distribution import Demand, Floats

Whole = NDArray[np.int64]

HALF_LIFE_DAYS = 14.0
PRIOR_DAYS = 3.0
"""Days that the mean of all items weighs as much as, in the shape of the day and in dispersion."""
MOST_DISPERSION = 100.0


@dataclass(frozen=True)
class Known:
    """One pool's demand as known at each day's beginning, for the days from ``first`` on.

    ``rate`` (days, items) units a day; ``spread`` (days, items) variance over mean of a day; ``sigma`` (days, items)
    standard deviation of a day; ``shape`` (days, steps a day) the part of a day's demand in each step.
    """

    first: int
    rate: Floats
    spread: Floats
    sigma: Floats
    shape: Floats
    lot: Floats

    def over(self, days: Whole, steps: Whole, lengths: Whole, rows: Whole) -> Demand:
        """The demand (m,) of the items ``rows`` in the ``lengths`` steps from ``steps`` of ``days`` on (each (m,)).

        As known at the beginning of those days; a window of several days repeats the shape of one.
        """
        at = days - self.first
        part = self._until(at, steps + lengths) - self._until(at, steps)
        lot = self.lot[rows]
        over = lot + np.maximum(self.spread[at, rows] - lot, 0.0) * np.minimum(part, 1.0)
        return Demand.of(self.rate[at, rows] * np.maximum(part, 0.0), np.clip(over, 1.0, MOST_DISPERSION))

    def _until(self, at: Whole, steps: Whole) -> Floats:
        """The part of a day's demand (m,) before each of ``steps``; more than 1 from the second day on."""
        whole, rest = np.divmod(steps, self.shape.shape[1])
        until: Floats = whole + self.cumulated[at, rest]
        return until

    @cached_property
    def cumulated(self) -> Floats:
        """``shape`` summed up before each step (days, steps a day)."""
        return np.cumsum(self.shape, axis=1) - self.shape


def learn(path: Units, lot: Floats, steps_a_day: int, learn_days: int) -> Known:
    """Walk through ``path`` (items, steps) and keep what each day's beginning knew, from ``learn_days`` on.

    Rates and variances forget by half in ``HALF_LIFE_DAYS``; dispersion is Pearson's against the rate known the day
    before, leaning on that of all items; the shape of the day is that of all items together.
    """
    items = len(path)
    days = path.shape[1] // steps_a_day
    daily = path.reshape(items, days, steps_a_day)
    keep = 0.5 ** (1 / HALF_LIFE_DAYS)
    weight, total, square = 0.0, np.zeros(items), np.zeros(items)
    off, judged = np.zeros(items), np.zeros(items)
    shape_sum = np.full(steps_a_day, 1e-9)
    rates, spreads, sigmas, shapes = [], [], [], []
    for day in range(days):
        rate = total / weight if weight else np.zeros(items)
        if day >= learn_days:
            pooled = off.sum() / max(judged.sum(), 1e-9) if judged.sum() else 1.0
            spread = (off + PRIOR_DAYS * pooled) / (judged + PRIOR_DAYS)
            rates.append(rate)
            spreads.append(np.clip(spread, 1.0, MOST_DISPERSION))
            sigmas.append(np.sqrt(np.maximum(square / weight - rate**2, 0.0)))
            shapes.append(shape_sum / shape_sum.sum())
        units = daily[:, day].sum(axis=1).astype(np.float64)
        told = rate > 0.05
        off = keep * off + np.where(told, (units - rate) ** 2 / np.where(told, rate, 1.0), 0.0)
        judged = keep * judged + told
        weight, total, square = keep * weight + 1, keep * total + units, keep * square + units**2
        shape_sum += daily[:, day].sum(axis=0)
    return Known(learn_days, np.array(rates), np.array(spreads), np.array(sigmas), np.array(shapes), lot)
