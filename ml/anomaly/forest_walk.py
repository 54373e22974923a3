"""An isolation forest as flat arrays, walked without scikit-learn: one row in microseconds, scores alike.

Every node is one place in a few arrays; the right child lies behind the left one and a leaf is its own left
child, so that a step is ``node = left[node] + (x[feature[node]] > threshold[node])`` for all trees at once and
needs no branch. scikit-learn compares float32 values with float64 thresholds; rounding each threshold down to
float32 leaves every comparison as it was. A missing value goes left at some nodes and right at others: a row
is therefore laid out twice, once with -inf and once with +inf in place of what is missing, and a node reads
from the half that sends a missing value its way.

The attribution of a score credits each split's feature with the fall of the expected depth along the walk
(Palczewska et al., *Interpreting random forest models*, 2013; depths in place of votes).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly.compiled_walk import CompiledWalk, compiled_walk

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Places = NDArray[np.int32]

LARGEST = np.float32(np.finfo(np.float32).max)
PIECE_ROWS = 64
"""Rows walked at once without a compiler: so many that the nodes of all trees stay in the cache."""


@dataclass(frozen=True)
class ForestWalk:
    """A forest's nodes, tree by tree and level by level within a tree.

    ``feature`` (m,) is a column of the row laid out twice (below ``columns``: a missing value goes left),
    ``threshold`` (m,) and ``left`` (m,) say where to go; ``depth`` (m,) is the expected depth of what ends at or
    below a node; ``roots`` (t,) are the trees' first nodes. ``usual_depth`` is the expected depth of an ordinary row.
    """

    feature: Places
    threshold: Matrix
    left: Places
    depth: Floats
    roots: Places
    levels: int
    columns: int
    usual_depth: float

    @classmethod
    def of(cls, forest: IsolationForest) -> "ForestWalk":
        """The nodes of a fitted forest. Raises ``ValueError`` where its trees see only part of the columns."""
        if len(forest.estimators_features_[0]) != forest.n_features_in_:
            raise ValueError("a forest whose trees see only part of the columns cannot be walked")
        trees = [one.tree_ for one in forest.estimators_]
        starts = np.cumsum([0, *(tree.node_count for tree in trees)])
        rows = np.concatenate([tree.n_node_samples for tree in trees]).astype(np.float64)
        children = [np.stack([tree.children_left, tree.children_right], axis=1) for tree in trees]
        below = np.concatenate([np.where(pair < 0, -1, pair + at) for pair, at in zip(children, starts, strict=False)])
        order, level = by_level(below, starts)
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        below, rows = below[order], rows[order]
        leaf = below[:, 0] < 0
        left = np.where(leaf, np.arange(len(order)), place[below[:, 0]]).astype(np.int32)
        split = np.concatenate([tree.feature for tree in trees])[order]
        goes_left = np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool)[order]
        exact = np.concatenate([tree.threshold for tree in trees])[order]
        return cls(
            feature=np.where(leaf, 0, np.where(goes_left, split, split + forest.n_features_in_)).astype(np.int32),
            threshold=np.where(leaf, np.float32(np.inf), rounded_down(exact)).astype(np.float32),
            left=left,
            depth=expected_depth(left, rows, level, leaf),
            roots=place[starts[:-1]],
            levels=max(1, int(level.max())),  # a leaf steps to itself
            columns=forest.n_features_in_,
            usual_depth=float(unbuilt_depth(np.array([forest.max_samples_], dtype=np.float64))[0]),
        )

    def scores(self, matrix: Matrix) -> Floats:
        """2^(-mean depth / usual depth) of each row (n,) of ``matrix`` (n, columns), as ``IsolationForest`` has it."""
        found: Floats = 2.0 ** (-self.depths(matrix) / (len(self.roots) * self.usual_depth))
        return found

    def depths(self, matrix: Matrix) -> Floats:
        """The depth (n,) at which each row ends, summed over the trees."""
        rows = laid_out_twice(matrix)
        if self.compiled is not None:
            return self.compiled.depths(self.feature, self.threshold, self.left, self.depth, self.roots, rows)
        found = np.empty(len(rows))
        for start in range(0, len(rows), PIECE_ROWS):
            *_, (_, node) = self._steps(rows[start : start + PIECE_ROWS])
            found[start : start + PIECE_ROWS] = self.depth.take(node).sum(axis=0)
        return found

    def attributions(self, matrix: Matrix) -> Floats:
        """What each column (n, columns) took off the expected depth; depth = ``start`` - their sum, row by row."""
        rows = laid_out_twice(matrix)
        if self.compiled is not None:
            found = self.compiled.attributions(self.feature, self.threshold, self.left, self.depth, self.roots, rows)
        else:
            pieces = [self._attributed(rows[start : start + PIECE_ROWS]) for start in range(0, len(rows), PIECE_ROWS)]
            found = np.concatenate(pieces) if pieces else np.empty(rows.shape)
        return found[:, : self.columns] + found[:, self.columns :]

    @cached_property
    def start(self) -> float:
        """The depth expected of any row, summed over the trees: where attributions start."""
        return float(self.depth[self.roots].sum())

    @cached_property
    def compiled(self) -> CompiledWalk | None:
        """The compiled loops, where numba is installed."""
        return compiled_walk(self.levels)

    def _steps(self, rows: Matrix) -> Iterator[tuple[Places, Places]]:
        """Step by step (t, r): where in the flat ``rows`` (r, 2 k) a tree looks at a row, and the nodes reached."""
        flat, node = rows.ravel(), np.repeat(self.roots[:, None], len(rows), axis=1)
        first = np.arange(len(rows), dtype=np.int32) * rows.shape[1]
        for _ in range(self.levels):
            place = self.feature.take(node)
            if len(rows) > 1:
                place += first
            node = self.left.take(node) + (flat.take(place) > self.threshold.take(node))
            yield place, node

    def _attributed(self, rows: Matrix) -> Floats:
        """The fall of the expected depth (r, 2 k) by the column looked at; a leaf, its own child, adds nothing."""
        places, nodes = zip(*self._steps(rows), strict=True)
        reached = self.depth.take(np.stack([np.broadcast_to(self.roots[:, None], nodes[0].shape), *nodes]))
        falls = reached[:-1] - reached[1:]
        found: Floats = np.bincount(np.stack(places).ravel(), falls.ravel(), minlength=rows.size).astype(np.float64)
        return found.reshape(rows.shape)


def laid_out_twice(matrix: Matrix) -> Matrix:
    """Rows (n, 2 k) that hold -inf, then +inf, in place of what is missing in ``matrix`` (n, k)."""
    n, k = matrix.shape
    twice = np.empty((n, 2 * k), dtype=np.float32)
    twice[:, :k] = matrix
    twice[:, k:] = matrix
    missing = np.isnan(matrix)
    if missing.any():
        twice[:, :k][missing] = -np.inf
        twice[:, k:][missing] = np.inf
    return twice


def rounded_down(thresholds: Floats) -> Matrix:
    """The largest float32 at or below each threshold, and never infinite: a missing value lies beyond all."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    down = np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
    return np.minimum(down, LARGEST)


def unbuilt_depth(rows: Floats) -> Floats:
    """The mean depth of an unsuccessful search among ``rows`` (Liu, Ting and Zhou, ICDM 2008, equation 1)."""
    many = np.maximum(rows, 3)
    grown = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, grown))


def by_level(below: NDArray[np.int64], starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All nodes, tree by tree and by level within, children side by side; and the level of each in that order."""
    found, levels = [starts[:-1]], [np.zeros(len(starts) - 1, dtype=np.int64)]
    while len(inner := found[-1][below[found[-1], 0] >= 0]):
        found.append(below[inner].ravel())
        levels.append(np.full(len(found[-1]), len(found) - 1))
    nodes, level = np.concatenate(found), np.concatenate(levels)
    tree = np.searchsorted(starts, nodes, side="right")
    kept = np.argsort(tree, kind="stable")
    return nodes[kept], level[kept]


def expected_depth(left: Places, rows: Floats, level: NDArray[np.int64], leaf: NDArray[np.bool_]) -> Floats:
    """The depth of each leaf with what was left unbuilt below it, and its mean over the rows of each inner node."""
    return mean_of_children(level + unbuilt_depth(rows), left, rows, level, leaf)


def mean_of_children(
    value: Floats, left: Places, rows: Floats, level: NDArray[np.int64], leaf: NDArray[np.bool_]
) -> Floats:
    """``value`` (m,) of the leaves; in its place at each inner node the mean over its ``rows``."""
    found = value.copy()
    for one in range(int(level.max()) - 1, -1, -1):
        node = np.flatnonzero((level == one) & ~leaf)
        first, second = left[node], left[node] + 1
        found[node] = (found[first] * rows[first] + found[second] * rows[second]) / rows[node]
    return found
