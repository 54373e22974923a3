"""What each column by itself says of the depth at which a row ends: a step function of its value, made once a forest.

Of the 2^k sets of known columns over which a Shapley value averages, those of one column alone can be looked up. The
depth expected of a row of which nothing else is known changes only where some tree splits on that column.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly.forest_walk import Floats, ForestWalk, Matrix
from ml.anomaly.shapley import Ways


@dataclass(frozen=True)
class FirstIn:
    """For each column its cuts, rising, and by how much the expected depth falls between them.

    ``cut`` (c,) holds column after column; those of column i are ``start[i]`` to ``start[i + 1]``. ``fall`` (c + k,) is
    the fall at or below each cut and above the last, so that column i's begin at ``start[i] + i``; ``missing`` (k,) is
    that of a missing value.
    """

    cut: Matrix
    start: NDArray[np.int64]
    fall: Floats
    missing: Floats

    @classmethod
    def of(cls, forest: IsolationForest, walk: ForestWalk) -> "FirstIn":
        """The falls of ``forest``, whose nodes are ``walk``."""
        ways = Ways.of(forest, walk)
        reached = ways.share.prod(axis=1) * ways.depth
        cuts, falls, missing = [], [], []
        for column in range(walk.columns):
            worth = reached / ways.share[:, column]
            low, high = ways.low[:, column], ways.high[:, column]
            cut = np.unique(np.concatenate([low, high]))
            cut = cut[np.isfinite(cut)]
            begins = np.bincount(np.searchsorted(cut, low) + np.isfinite(low), worth, minlength=len(cut) + 2)
            ends = np.bincount(np.searchsorted(cut, high) + 1, worth, minlength=len(cut) + 2)
            cuts.append(cut)
            falls.append(walk.start - np.cumsum(begins - ends)[: len(cut) + 1])
            missing.append(walk.start - worth[ways.missing[:, column]].sum())
        start = np.cumsum([0, *map(len, cuts)]).astype(np.int64)
        return cls(np.concatenate(cuts).astype(np.float32), start, np.concatenate(falls), np.array(missing))

    def falls(self, matrix: Matrix) -> Floats:
        """By how much the expected depth falls (n, k) where a row's value in the one column is all that is known."""
        column = np.arange(matrix.shape[1])
        place = np.searchsorted(self._keys, in_order(matrix) + (column << COLUMN_BITS)) + column
        return np.where(np.isnan(matrix), self.missing, self.fall.take(place, mode="clip"))

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        return in_order(self.cut) + (np.repeat(np.arange(len(self.missing)), np.diff(self.start)) << COLUMN_BITS)


COLUMN_BITS = 33
"""Beyond what a float32 takes as a number in order."""


def in_order(values: Matrix) -> NDArray[np.int64]:
    """Numbers that are in order as ``values`` are."""
    bits = (values + np.float32(0.0)).view(np.int32)  # there is but one zero
    return (bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))).astype(np.int64)
