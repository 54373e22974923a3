"""The exact Shapley values of an isolation forest's depth: what fast attributions are held against when a forest ships.

The game is that of SHAP's TreeExplainer (Lundberg et al., *From local explanations to global understanding with
explainable AI for trees*, 2020; path dependent): of a set of known columns the worth is the depth expected where a
split on any other column sends a row either way by the rows that were learnt from. The worth of one leaf is then a
product over the columns on the way to it, and a Shapley value an integral of a polynomial, which Gauss and Legendre's
points give exactly.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly.forest_walk import Floats, ForestWalk, Matrix

AT_ONCE = 200
"""Rows looked at together: so many that what one tree asks of them fits in memory."""


@dataclass(frozen=True)
class Ways:
    """What a leaf (l,) asks of each column (l, k): beyond ``low``, at most ``high``, and whether it may be missing.

    ``share`` is the part of the rows that the column's splits on the way let pass, 1 where there are none; ``tree`` is
    where each leaf stands, and the leaves are by tree.
    """

    low: Matrix
    high: Matrix
    missing: NDArray[np.bool_]
    share: Floats
    depth: Floats
    tree: NDArray[np.int64]

    @classmethod
    def of(cls, forest: IsolationForest, walk: ForestWalk) -> "Ways":
        """All ways through ``forest``, whose nodes are ``walk``."""
        passing = share_of_parent(forest, walk)
        shape = (len(walk.left), walk.columns)
        low, high = np.full(shape, -np.inf, dtype=np.float32), np.full(shape, np.inf, dtype=np.float32)
        missing, share = np.ones(shape, dtype=bool), np.ones(shape)
        node = walk.roots
        while len(node := node[~walk.is_leaf[node]]):
            column, cut = walk.feature[node] % walk.columns, walk.threshold[node]
            missing_left = walk.feature[node] < walk.columns
            left, right = walk.left[node], walk.left[node] + 1
            for child, takes_missing in ((left, missing_left), (right, ~missing_left)):
                for asked in (low, high, missing, share):
                    asked[child] = asked[node]
                missing[child, column] &= takes_missing
                share[child, column] *= passing[child]
            high[left, column] = np.minimum(high[left, column], cut)
            low[right, column] = np.maximum(low[right, column], cut)
            node = np.concatenate([left, right])
        leaf = np.flatnonzero(walk.is_leaf)
        tree = np.searchsorted(walk.roots, leaf, side="right") - 1
        return cls(low[leaf], high[leaf], missing[leaf], share[leaf], walk.depth[leaf], tree)


def share_of_parent(forest: IsolationForest, walk: ForestWalk) -> Floats:
    """The part (m,) of its parent's rows that each node was given; 1 at the roots."""
    rows, found = np.empty(len(walk.left)), np.ones(len(walk.left))
    for one, numbers in zip(forest.estimators_, walk.numbers, strict=True):
        rows[numbers] = one.tree_.n_node_samples
    inner = np.flatnonzero(~walk.is_leaf)
    for side in (0, 1):
        found[walk.left[inner] + side] = rows[walk.left[inner] + side] / rows[inner]
    return found


def shapley_values(forest: IsolationForest, walk: ForestWalk, matrix: Matrix) -> Floats:
    """By how much each column (n, k) of ``matrix`` lessened the depth, summed over the trees: exact, and slow."""
    ways, found = Ways.of(forest, walk), np.zeros(matrix.shape)
    bounds = np.searchsorted(ways.tree, np.arange(len(walk.roots) + 1))
    for first, end in pairwise(bounds.tolist()):
        for at in range(0, len(matrix), AT_ONCE):
            found[at : at + AT_ONCE] += _of_tree(ways, slice(first, end), matrix[at : at + AT_ONCE])
    return found


def _of_tree(ways: Ways, leaves: slice, rows: Matrix) -> Floats:
    """The Shapley values (n, k) of one tree."""
    split, k = ways.share[leaves] < 1.0, rows.shape[1]
    most = max(1, int(split.sum(axis=1).max()))
    column = np.argsort(~split, axis=1, kind="stable")[:, :most]  # (l, d), the columns on the way first
    low, high = np.take_along_axis(ways.low[leaves], column, 1), np.take_along_axis(ways.high[leaves], column, 1)
    missing, share = (
        np.take_along_axis(ways.missing[leaves], column, 1),
        np.take_along_axis(ways.share[leaves], column, 1),
    )
    value = rows[:, column]  # (n, l, d)
    passed = np.where(np.isnan(value), missing, (value > low) & (value <= high))
    gained = np.zeros(value.shape)
    for point, weight in zip(*_points(most), strict=True):
        known = np.where(passed, point + (1.0 - point) * share, (1.0 - point) * share)
        gained += (weight * known.prod(axis=2) * ways.depth[leaves])[:, :, None] / known
    gained *= share - passed
    placed = (np.arange(len(rows))[:, None, None] * k + column).ravel()
    found: Floats = np.bincount(placed, gained.ravel(), minlength=len(rows) * k).astype(np.float64)
    return found.reshape(len(rows), k)


def _points(columns: int) -> tuple[Floats, Floats]:
    """Where between 0 and 1 to look, and with what weights, for a polynomial of a degree below ``columns``."""
    point, weight = np.polynomial.legendre.leggauss((columns + 1) // 2)
    return (point + 1.0) / 2.0, weight / 2.0
