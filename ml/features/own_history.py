"""The *movement* features: a row against all the earlier movements of its own item, and of all items.

Formulas. With n earlier movements of the item, k of them alike, and s the share alike among all earlier
movements, the chance of "alike" is (k + 5 s) / (n + 5): a short history leans on the pooled one, a long one
stands alone. Sizes are compared as log(1 + units), kept in whole 4096ths so that sums are exact.
"""

import numpy as np
from numpy.typing import NDArray

from ml.features.running import NEVER, Ints, LastSeen, RunningSums

LOG_STEPS = 4096
POOLED_WEIGHT = 5
"""How many movements of its own outweigh the pooled share."""
LEAST_SPREAD = 0.2
"""Floor of an item's spread of log size: a SKU always sold by the dozen is not infinitely regular."""
WINDOW_DAYS = 90.0
WINDOW_HOURS = 24 * WINDOW_DAYS
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
HOURS_A_WEEK = 168
PACKS = np.log(np.array([6.0, 12.0, 24.0, 48.0]))
WHOLE_PACKS = 2**6 * 3**3 * 5**2
LARGEST = 2**24 - 1
"""Quantities above are told apart no further; a key of item and quantity must fit 63 bits."""

SIZE_STEPS: Ints = np.unique(np.round(1.25 ** np.arange(60)).astype(np.int64))
"""Lower ends of the size steps, in units: every step is a quarter above the one before, up to half a million."""

Floats = NDArray[np.float64]


def item_and(item: Ints, signed: Ints) -> Ints:
    """One key of an item and a signed quantity, distinct up to ``LARGEST`` units."""
    return (item << 26) | (np.clip(signed, -LARGEST, LARGEST) + LARGEST)


def surprise(alike: Ints, of: Ints, pooled_share: Floats) -> Floats:
    """-log of the chance of "alike" by the module's formula, in nats (n,)."""
    return -np.log((alike + POOLED_WEIGHT * pooled_share) / (of + POOLED_WEIGHT))


class OwnHistory:
    """What is remembered of every item: counts, sums, last times. Grows with items × distinct quantities."""

    def __init__(self) -> None:
        self._pooled = RunningSums(3)  # movements, log size, squared residual
        self._own = RunningSums(4)  # movements, log size, units, minutes between movements
        self._own_spread = RunningSums(1)
        self._own_steps = RunningSums(len(SIZE_STEPS) + 1)
        self._steps = RunningSums(1)
        self._own_quantity = RunningSums(1)
        self._quantity = RunningSums(1)
        self._own_kind = RunningSums(1)
        self._kind = RunningSums(1)
        self._hour = RunningSums(1)
        self._moved = LastSeen()
        self._moved_by = LastSeen()
        self._rows = 0

    def advance(self, time_us: Ints, item: Ints, kind: Ints, effect: Ints) -> Floats:
        """The *movement* matrix (n, 14) in the order of ``MOVEMENT_FEATURES``; all (n,) rows are taken in."""
        n, units = len(item), np.abs(effect)
        one = np.ones(n, dtype=np.int64)
        rows = self._rows + np.arange(n, dtype=np.int64)
        self._rows += n
        log_size = np.round(np.log1p(units) * LOG_STEPS).astype(np.int64)
        last = self._moved.advance(item, time_us)
        idle_us = np.where(last == NEVER, 0, time_us - last)
        own = self._own.advance(item, np.stack([one, log_size, units, idle_us // MINUTE_US], axis=1))
        count = own[:, 0]
        size_z, own_mean = self._size_against_own(item, log_size, own)
        own_days = (own[:, 3] + idle_us // MINUTE_US) / 1440 + 7
        same = self._own_quantity.advance(item_and(item, units), one[:, None])[:, 0]
        pooled_same = self._quantity.advance(units, one[:, None])[:, 0]
        own_kind = self._own_kind.advance(item * 4096 + kind, one[:, None])[:, 0]
        pooled_kind = self._kind.advance(kind, one[:, None])[:, 0]
        hour = self._hour.advance((time_us // HOUR_US) % HOURS_A_WEEK, one[:, None])[:, 0]
        repeat, reversal = self._since_equal_and_opposite(time_us, item, effect)
        return np.stack(
            [
                log_size / LOG_STEPS,
                size_z,
                self._size_tail(item, units, count, rows),
                surprise(same, count, (pooled_same + 0.5) / (rows + 1)),
                -np.log((pooled_same + 0.5) / (rows + 1)),
                surprise(own_kind, count, (pooled_kind + 1) / (rows + 2)),
                np.log1p(units / ((own[:, 2] + 20) / own_days)),
                np.log1p(np.where(last == NEVER, WINDOW_DAYS, np.minimum(idle_us / DAY_US, WINDOW_DAYS))),
                repeat,
                reversal,
                -np.log((hour + 1) / (rows + HOURS_A_WEEK)),
                np.log(np.maximum(units, 1) / np.gcd(np.maximum(units, 1), WHOLE_PACKS)),
                pack_closeness(log_size / LOG_STEPS - own_mean / LOG_STEPS),
                np.log1p(count),
            ],
            axis=1,
        )

    def _size_against_own(self, item: Ints, log_size: Ints, own: Ints) -> tuple[Floats, Floats]:
        """z of the log size, and the mean it was held against, in log steps."""
        nowhere = np.zeros_like(item)
        seen = self._pooled.look_up(nowhere[:1])
        running = np.cumsum(log_size) - log_size
        before = seen[0, 0] + np.arange(len(item))
        pooled_mean = (seen[0, 1] + running + 2 * LOG_STEPS) / (before + 1)
        count = own[:, 0]
        mean = (own[:, 1] + POOLED_WEIGHT * pooled_mean) / (count + POOLED_WEIGHT)
        residual = np.round(log_size - mean).astype(np.int64)
        pooled = self._pooled.advance(nowhere, np.stack([nowhere + 1, log_size, residual**2], axis=1))
        pooled_variance = (pooled[:, 2] + LOG_STEPS**2) / (pooled[:, 0] + 1)
        own_squares = self._own_spread.advance(item, (residual**2)[:, None])[:, 0]
        variance = (own_squares + POOLED_WEIGHT * pooled_variance) / (count + POOLED_WEIGHT)
        return (log_size - mean) / np.maximum(np.sqrt(variance), LEAST_SPREAD * LOG_STEPS), mean

    def _size_tail(self, item: Ints, units: Ints, count: Ints, rows: Ints) -> Floats:
        """Surprise of a size step or above, in nats, walking the rows in pieces to keep the table small."""
        step = np.searchsorted(SIZE_STEPS, units, side="right")
        as_large, pooled = np.empty(len(item), dtype=np.int64), np.empty(len(item), dtype=np.int64)
        piece = 16_384
        for start in range(0, len(item), piece):
            here = slice(start, start + piece)
            reached = (np.arange(len(SIZE_STEPS) + 1) <= step[here, None]).astype(np.int64)
            at = np.arange(len(reached))
            as_large[here] = self._own_steps.advance(item[here], reached)[at, step[here]]
        for own_step in np.unique(step):
            mine = step == own_step
            seen = self._steps.look_up(np.array([own_step], dtype=np.int64))[0, 0]
            reached_before = np.cumsum(step >= own_step) - (step >= own_step)
            pooled[mine] = seen + reached_before[mine]
        self._take_in_steps(step)
        return surprise(as_large, count, (pooled + 1) / (rows + 2))

    def _take_in_steps(self, step: NDArray[np.intp]) -> None:
        every = np.arange(len(SIZE_STEPS) + 1, dtype=np.int64)
        reached = np.bincount(step, minlength=len(every))[::-1].cumsum()[::-1].astype(np.int64)
        self._steps.advance(every, reached[:, None])

    def _since_equal_and_opposite(self, time_us: Ints, item: Ints, effect: Ints) -> tuple[Floats, Floats]:
        """log(1 + hours) since the item moved by exactly this, and by exactly the opposite, within 90 days."""
        n = len(item)
        asked = np.concatenate([item_and(item, -effect), item_and(item, effect)])
        order = np.argsort(np.concatenate([np.arange(n) * 2, np.arange(n) * 2 + 1]), kind="stable")
        times = np.concatenate([np.full(n, NEVER), time_us])
        before = np.empty(2 * n, dtype=np.int64)
        before[order] = self._moved_by.advance(asked[order], times[order])
        hours = np.where(before == NEVER, WINDOW_HOURS, (np.tile(time_us, 2) - before) / HOUR_US)
        logs = np.log1p(np.minimum(hours, WINDOW_HOURS))
        return logs[n:], logs[:n]


def pack_closeness(log_ratio: Floats) -> Floats:
    """1 where a size is exactly a usual pack times the item's usual size, falling off with the log distance."""
    closeness: Floats = np.exp(-8.0 * np.abs(log_ratio[:, None] - PACKS).min(axis=1))
    return closeness
