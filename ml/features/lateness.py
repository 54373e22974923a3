"""How rare it is in a book that what is under way has been so for so long.

A system that posts every ten minutes is late after half an hour, one that posts at night is not.
"""

import numpy as np
from numpy.typing import NDArray

from ml.features.running import Ints, RunningSums

Floats = NDArray[np.float64]

STEPS_S = np.array([*range(600, 7_201, 600), 10_800, 14_400, 21_600, 43_200, 86_400], dtype=np.float64)
"""Ages are told apart by these steps."""


class LagRarity:
    """How long what was under way had been so, by book."""

    def __init__(self) -> None:
        self._before = RunningSums(1 + len(STEPS_S))  # rows, and rows at least so old

    def advance(self, book: Ints, lag_s: Floats) -> Floats:
        """-log of the share (n,) of the book's earlier rows under way that were as old; 0 where nothing is known."""
        known = ~np.isnan(lag_s)
        step = np.searchsorted(STEPS_S, np.nan_to_num(lag_s), "right")
        reached = step[:, None] >= np.arange(1 + len(STEPS_S))
        before = self._before.advance(book, (reached & known[:, None]).astype(np.int64))
        as_old = before[np.arange(len(step)), step]
        rarity: Floats = np.where(known, -np.log((as_old + 1) / (before[:, 0] + 2)), 0.0)
        return rarity
