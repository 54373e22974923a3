"""How far a book is behind: by how many hours its figures of one moment and place look old, all taken together.

An ERP that posts in runs tells what was so some time ago. One figure alone does not say so: a standing difference
lies on top, and what moved may have been little. Together they do: of the hours in ``HOURS`` that is taken which
leaves least of the book's differences, each less its usual one and less what moved at its position since. A book is
taken to be up to date unless being behind explains clearly more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.features.running import Ints, RunningSums, together

Floats = NDArray[np.float64]

HOURS = (1, 2, 3, 4, 5, 6, 8, 12)
MOVED = tuple(f"moved_{hours}h" for hours in HOURS)
"""Columns: by how many units the position's on hand changed in so many hours before the row's moment."""
MOST_UNITS = 5.0
"""A figure's difference counts no more than this: one large fault makes no book late."""
LEAST_EXPLAINED = 2.0
"""Units that being behind must explain, and at least a fifth of all."""


@dataclass(frozen=True)
class Behind:
    """For each row (n,): hours that its book is behind here, and any book at most; how rare that is; what moved since.

    A difference of such a book is explained by its being behind where, with ``moved`` added, nothing is left of it.
    """

    hours: Floats
    anywhere: Floats
    surprise: Floats
    moved: Floats


class BehindBooks:
    """How far behind each book was at its earlier moments."""

    def __init__(self) -> None:
        self._before = RunningSums(1 + len(HOURS))  # moments, and moments at least so far behind

    def advance(self, book: Ints, place: Ints, time_us: Ints, own: Floats, moved: Floats) -> Behind:
        """All rows (n,) of whole moments; ``own`` is the difference beyond the usual one, ``moved`` (n, hours)."""
        first, group = together(time_us, book, place)
        since = np.concatenate([np.zeros((len(own), 1)), np.nan_to_num(moved)], axis=1)
        counted = np.minimum(np.nan_to_num(np.abs(own[:, None] + since)), MOST_UNITS)
        costs = np.stack([np.bincount(group, column) for column in counted.T], axis=1)
        best = np.argmin(costs, axis=1)
        explained = costs[:, 0] - costs[np.arange(len(costs)), best]
        best[explained < np.maximum(LEAST_EXPLAINED, costs[:, 0] / 5)] = 0
        order = np.argsort(first, kind="stable")  # groups in the order of their rows, which is that of time
        reached = (best[:, None] > np.arange(len(HOURS))).astype(np.int64)
        told = np.concatenate([np.ones((len(best), 1), dtype=np.int64), reached], axis=1)
        before = np.empty_like(told)
        before[order] = self._before.advance(book[first][order], told[order])
        as_far = np.where(best > 0, before[np.arange(len(best)), best], before[:, 0])
        hours = np.array((0, *HOURS), dtype=np.float64)[best]
        _, moment = together(time_us)
        most = np.zeros(int(moment.max()) + 1)
        np.maximum.at(most, moment, hours[group])
        return Behind(
            hours=hours[group],
            anywhere=most[moment],
            surprise=-np.log((as_far + 1) / (before[:, 0] + 1))[group],
            moved=since[np.arange(len(own)), best[group]],
        )
