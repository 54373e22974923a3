"""What was known of demand at the beginning of each day: nothing of the day itself, nothing later."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.buffers.history import Units
from ml.exposure.distribution import Demand, Floats

Whole = NDArray[np.int64]

HALF_LIFE_DAYS = 14.0
WEEK = 7
WEEKDAY_HALF_LIFE_DAYS = 42.0
PRIOR_WEEKS = 2.0
"""Weeks without any difference between weekdays that weigh as much as what was seen."""
MOST_OF_A_DAY = 5.0
"""Times its rate beyond which an item's day tells nothing more of the weekday: no bulk order decides for all."""
PRIOR_DAYS = 3.0
"""Days that the mean of all items weighs as much as, in the shape of the day and in dispersion."""
MOST_DISPERSION = 100.0


@dataclass(frozen=True)
class Known:
    """One pool's demand as known at each day's beginning, for the days from ``first`` on.

    ``rate`` (days, items) units of a mean day, weekdays apart; ``mean`` (days, items) the plain mean of a day;
    ``spread`` (days, items) variance over mean of a day; ``sigma`` (days,
    items) standard deviation of a day; ``shape`` (days, steps a day) the part of a day's demand in each step; ``week``
    (days, 8) mean days' worth of demand before each of the next seven days, and after them.
    """

    first: int
    rate: Floats
    mean: Floats
    spread: Floats
    sigma: Floats
    shape: Floats
    week: Floats
    lot: Floats

    def over(
        self,
        days: Whole,
        steps: Whole,
        lengths: Whole,
        rows: Whole,
        level: Floats | float = 1.0,
        shared: Floats | float = 0.0,
    ) -> Demand:
        """The demand (m,) of the items ``rows`` in the ``lengths`` steps from ``steps`` of ``days`` on (each (m,)).

        As known at the beginning of those days; a window of several days repeats the shape of one. With a ``level`` of
        a shock whose relative variance is ``shared``, what is left of the spread is the pool's own.
        """
        at = days - self.first
        part = self.days_worth(days, steps, lengths)
        lot, rate = self.lot[rows], self.rate[at, rows]
        bursts = np.maximum(self.spread[at, rows] - lot - shared * rate, 0.0)
        over = lot + bursts * np.minimum(part, 1.0) * level
        return Demand.of(rate * part * level, np.clip(over, 1.0, MOST_DISPERSION))

    def days_worth(self, days: Whole, steps: Whole, lengths: Whole) -> Floats:
        """Mean days' worth of demand (m,) in the ``lengths`` steps from ``steps`` of ``days`` on (each (m,))."""
        at = days - self.first
        worth: Floats = np.maximum(self._until(at, steps + lengths) - self._until(at, steps), 0.0)
        return worth

    def expected(self, days: Whole) -> Floats:
        """Units (m, items) expected of each whole day of ``days`` (m,) at its begin."""
        at = days - self.first
        units: Floats = self.rate[at] * self.week[at, 1][:, None]
        return units

    def _until(self, at: Whole, steps: Whole) -> Floats:
        """Mean days' worth of demand (m,) before each of ``steps``, counted from the begin of the days ``at``."""
        whole, rest = np.divmod(steps, self.shape.shape[1])
        weeks, days = np.divmod(whole, WEEK)
        before, after = self.week[at, days], self.week[at, days + 1]
        until: Floats = weeks * self.week[at, WEEK] + before + (after - before) * self.cumulated[at, rest]
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
    days = path.shape[1] // steps_a_day
    daily = path.reshape(len(path), days, steps_a_day)
    memory = _Memory(len(path), steps_a_day)
    kept = []
    for day in range(days):
        if day >= learn_days:
            kept.append(memory.told(day))
        memory.learn(day, daily[:, day])
    rate, mean, spread, sigma, shape, week = (np.array(column) for column in zip(*kept, strict=True))
    return Known(learn_days, rate, mean, spread, sigma, shape, week, lot)


class _Memory:
    """Sums that forget, of all items (items,), of each weekday (7,) and of the steps of the day."""

    def __init__(self, items: int, steps_a_day: int) -> None:
        self.days, self.weight = 0.0, 0.0
        self.total, self.square, self.off, self.judged = (np.zeros(items) for _ in range(4))
        self.weekdays, self.of_weekday = np.full(WEEK, PRIOR_WEEKS), np.full(WEEK, PRIOR_WEEKS)
        self.shape = np.full(steps_a_day, 1e-9)

    @property
    def rate(self) -> Floats:
        """Units of a mean day."""
        return self.total / self.weight if self.weight else np.zeros(len(self.total))

    def factors(self) -> Floats:
        """What each weekday, counted from the first day, is of a mean day (7,)."""
        seen = self.of_weekday / self.weekdays
        found: Floats = seen / seen.mean()
        return found

    def told(self, day: int) -> tuple[Floats, ...]:
        """Rate, mean, spread, sigma, shape and week as known at the begin of ``day``."""
        pooled = self.off.sum() / max(self.judged.sum(), 1e-9) if self.judged.sum() else 1.0
        spread = (self.off + PRIOR_DAYS * pooled) / (self.judged + PRIOR_DAYS)
        mean = self.total / self.days
        sigma = np.sqrt(np.maximum(self.square / self.days - mean**2, 0.0))
        week = np.concatenate([[0.0], np.cumsum(np.roll(self.factors(), -(day % WEEK)))])
        return self.rate, mean, np.clip(spread, 1.0, MOST_DISPERSION), sigma, self.shape / self.shape.sum(), week

    def learn(self, day: int, steps: Units) -> None:
        """Take in the ``steps`` (items, steps a day) of ``day``."""
        keep, weekday = 0.5 ** (1 / HALF_LIFE_DAYS), day % WEEK
        units, factor, rate = steps.sum(axis=1).astype(np.float64), self.factors()[weekday], self.rate
        expected = rate * factor
        judged = expected > 0.05
        self.off = keep * self.off + np.where(judged, (units - expected) ** 2 / np.where(judged, expected, 1.0), 0.0)
        self.judged = keep * self.judged + judged
        if rate.sum() > 0:
            forget = 0.5 ** (WEEK / WEEKDAY_HALF_LIFE_DAYS)
            part = np.minimum(units, MOST_OF_A_DAY * np.maximum(rate, 1.0)).sum() / rate.sum()
            self.weekdays[weekday] = forget * self.weekdays[weekday] + 1
            self.of_weekday[weekday] = forget * self.of_weekday[weekday] + min(part, MOST_OF_A_DAY)
        self.days, self.weight = keep * self.days + 1, keep * self.weight + max(factor, 1e-3)
        self.total, self.square = keep * self.total + units, keep * self.square + units**2
        self.shape += steps.sum(axis=0)
