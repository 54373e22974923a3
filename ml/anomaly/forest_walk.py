"""An isolation forest as flat arrays, walked without scikit-learn: one row in microseconds, scores alike.

Every node is one place in a few arrays; the right child lies behind the left one and a leaf is its own left
child, so that a step is ``node = left[node] + (x[feature[node]] > threshold[node])`` for all trees at once and
needs no branch. scikit-learn compares float32 values with float64 thresholds; rounding each threshold down to
float32 leaves every comparison as it was. A missing value goes left at some nodes and right at others: a row
is therefore laid out twice, once with -inf and once with +inf in place of what is missing, and a node reads
from the half that sends a missing value its way.

The attribution of a score credits each split's feature with the fall of the expected depth along the walk
(Palczewska et al., *Interpreting random forest models*, 2013; depths in place of votes). It hangs on the leaf
alone: scores and attributions are both sums, over the trees, of what is told of the leaf that a row ends in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from ml.anomaly.compiled_walk import CompiledWalk, compiled_walk

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Places = NDArray[np.int32]
Grown = Callable[[Matrix], NDArray[np.int64]]

LARGEST = np.float32(np.finfo(np.float32).max)
PIECE_ROWS = 64
"""Rows walked at once without a compiler: so many that the nodes of all trees stay in the cache."""
WALKED_ROWS = 1_500
"""Above, scikit-learn's own trees are quicker than a walk without a compiler, and take the rows,"""
GROWN_ROWS = 20_000
"""so many at once."""


@dataclass(frozen=True)
class ForestWalk:
    """A forest's nodes, tree by tree and level by level within a tree.

    ``feature`` (m,) is a column of the row laid out twice (below ``columns``: a missing value goes left),
    ``threshold`` (m,) and ``left`` (m,) say where to go; ``depth`` (m,) is the expected depth of what ends at or
    below a node; ``roots`` (t,) are the trees' first nodes. ``usual_depth`` is the expected depth of an ordinary row.
    ``grown`` are scikit-learn's own trees, each from rows to its leaves by its own numbers, and ``numbers`` the place
    of each of these numbers here, tree by tree; none where scikit-learn has other trees.
    """

    feature: Places
    threshold: Matrix
    left: Places
    depth: Floats
    roots: Places
    levels: int
    columns: int
    usual_depth: float
    grown: tuple[Grown, ...] = ()
    numbers: tuple[Places, ...] = ()

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
            grown=tuple(tree.apply for tree in trees),
            numbers=tuple(np.split(place, starts[1:-1])),
        )

    def scores(self, matrix: Matrix) -> Floats:
        """2^(-mean depth / usual depth) of each row (n,) of ``matrix`` (n, columns), as ``IsolationForest`` has it."""
        found: Floats = 2.0 ** (self.depths(matrix) * self._exponent)
        return found

    def depths(self, matrix: Matrix) -> Floats:
        """The depth (n,) at which each row ends, summed over the trees."""
        return self._sums(self._depths, matrix)[:, 0]

    def attributions(self, matrix: Matrix) -> Floats:
        """What each column (n, columns) took off the expected depth; depth = ``start`` - their sum, row by row."""
        return self._sums(self._credits, matrix)

    @cached_property
    def start(self) -> float:
        """The depth expected of any row, summed over the trees: where attributions start."""
        return float(self.depth[self.roots].sum())

    @cached_property
    def compiled(self) -> CompiledWalk | None:
        """The compiled loop, where numba is installed and the trees are not too large for it."""
        return compiled_walk(self.feature, self.threshold, self.left, self.roots, self.levels)

    @cached_property
    def _exponent(self) -> float:
        return -1.0 / (len(self.roots) * self.usual_depth)

    @cached_property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes (m,) are leaves: their own children."""
        found: NDArray[np.bool_] = self.left == np.arange(len(self.left))
        return found

    @cached_property
    def _depths(self) -> Floats:
        """The depth (m + 1, 1) of each leaf; the last is of no tree."""
        return np.append(self.depth, 0.0)[:, None]

    @cached_property
    def _credits(self) -> Floats:
        """What each column took off the expected depth on the way to each leaf (m + 1, columns)."""
        found = np.zeros((len(self.left) + 1, self.columns))
        node, credit = self.roots, np.zeros((len(self.roots), self.columns))
        while len(node):
            ends = self.is_leaf[node]
            found[node[ends]] = credit[ends]
            inner = node[~ends]
            node = np.concatenate([self.left[inner], self.left[inner] + 1])
            credit = np.tile(credit[~ends], (2, 1))
            parent = np.tile(inner, 2)
            credit[np.arange(len(node)), self.feature[parent] % self.columns] += self.depth[parent] - self.depth[node]
        return found

    def _sums(self, told: Floats, matrix: Matrix) -> Floats:
        """The sums (n, w) over the trees of what is ``told`` (m + 1, w) of the leaves that each row ends in."""
        if self.compiled is not None:
            return self.compiled.sums(told, matrix)
        grown = len(matrix) > WALKED_ROWS and len(self.grown) > 0
        piece_rows, way = (GROWN_ROWS, self._by_grown) if grown else (PIECE_ROWS, self._walked)
        if len(matrix) <= piece_rows:
            return way(told, matrix)
        return np.concatenate([way(told, matrix[at : at + piece_rows]) for at in range(0, len(matrix), piece_rows)])

    def _walked(self, told: Floats, matrix: Matrix) -> Floats:
        """As ``_sums``, of few rows, through all trees at once."""
        rows = laid_out_twice(matrix)
        flat, node = rows.ravel(), np.repeat(self.roots[:, None], len(rows), axis=1)
        first = np.arange(len(rows), dtype=np.int32) * rows.shape[1]
        for _ in range(self.levels):
            place = self.feature.take(node)
            if len(rows) > 1:
                place += first
            node = self.left.take(node) + (flat.take(place) > self.threshold.take(node))
        found: Floats = told.take(node, axis=0).sum(axis=0)
        return found

    def _by_grown(self, told: Floats, matrix: Matrix) -> Floats:
        """As ``_sums``, by scikit-learn's own trees."""
        rows, found = np.ascontiguousarray(matrix), np.zeros((len(matrix), told.shape[1]))
        for leaves_of, numbers in zip(self.grown, self.numbers, strict=True):
            found += told.take(numbers.take(leaves_of(rows)), axis=0)
        return found


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
