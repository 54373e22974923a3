"""The walk through a forest compiled by numba, where it is installed (``pip install stocktriage[fast]``).

The loops are plain Python: without numba nothing here runs but in tests, which hold them against scikit-learn
as they stand. Rows are taken one tree after another, so that a tree's nodes stay in the cache, and four at a time,
so that the processor waits for four loads at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Floats = NDArray[np.float64]
Places = NDArray[np.int32]
DepthLoop = Callable[[Places, Matrix, Places, Floats, Places, Matrix, int], Floats]
AttributionLoop = Callable[[Places, Matrix, Places, Floats, Places, Matrix, int, Floats], None]
PIECE_ROWS = 512
"""Rows whose attributions are summed at once: so many that the sums stay in the cache."""


@dataclass(frozen=True)
class CompiledWalk:
    """The two loops through a forest whose trees have ``levels`` steps at most."""

    levels: int
    depth_loop: DepthLoop
    attribution_loop: AttributionLoop

    def depths(
        self, feature: Places, threshold: Matrix, left: Places, depth: Floats, roots: Places, rows: Matrix
    ) -> Floats:
        """The depth (n,) of each row, summed over the trees; see ``ForestWalk`` for the arrays."""
        return self.depth_loop(feature, threshold, left, depth, roots, rows, self.levels)

    def attributions(
        self, feature: Places, threshold: Matrix, left: Places, depth: Floats, roots: Places, rows: Matrix
    ) -> Floats:
        """What each of the 2 k columns took off the expected depth (n, 2 k)."""
        found = np.zeros(rows.shape)
        for start in range(0, len(rows), PIECE_ROWS):
            piece = slice(start, start + PIECE_ROWS)
            self.attribution_loop(feature, threshold, left, depth, roots, rows[piece], self.levels, found[piece])
        return found


def compiled_walk(levels: int) -> CompiledWalk | None:
    """The compiled loops, or None where numba is not installed."""
    loops = _compiled()
    return CompiledWalk(levels, *loops) if loops else None


@cache
def _compiled() -> tuple[DepthLoop, AttributionLoop] | None:
    if find_spec("numba") is None:
        return None
    njit: Callable[..., Callable[..., Any]] = import_module("numba").njit
    try:
        return njit(cache=True, nogil=True)(depth_loop), njit(cache=True, nogil=True)(attribution_loop)
    except RuntimeError:  # there is no folder to keep compiled loops in: each process compiles them anew
        return njit(nogil=True)(depth_loop), njit(nogil=True)(attribution_loop)


def depth_loop(
    feature: Places, threshold: Matrix, left: Places, depth: Floats, roots: Places, rows: Matrix, levels: int
) -> Floats:
    """The depth (n,) at which each of ``rows`` (n, 2 k) ends, summed over the trees."""
    n = rows.shape[0]
    total = np.zeros(n)
    whole = n - n % 4
    for tree in range(len(roots)):
        root = roots[tree]
        for row in range(0, whole, 4):
            a = b = c = d = root
            for _ in range(levels):
                a = left[a] + (rows[row, feature[a]] > threshold[a])
                b = left[b] + (rows[row + 1, feature[b]] > threshold[b])
                c = left[c] + (rows[row + 2, feature[c]] > threshold[c])
                d = left[d] + (rows[row + 3, feature[d]] > threshold[d])
            total[row] += depth[a]
            total[row + 1] += depth[b]
            total[row + 2] += depth[c]
            total[row + 3] += depth[d]
        for row in range(whole, n):
            a = root
            while left[a] != a:
                a = left[a] + (rows[row, feature[a]] > threshold[a])
            total[row] += depth[a]
    return total


def attribution_loop(
    feature: Places,
    threshold: Matrix,
    left: Places,
    depth: Floats,
    roots: Places,
    rows: Matrix,
    levels: int,
    found: Floats,
) -> None:
    """Add to ``found`` (n, 2 k) what each column took off the expected depth of each of ``rows`` (n, 2 k)."""
    n = rows.shape[0]
    whole = n - n % 4
    for tree in range(len(roots)):
        root = roots[tree]
        for row in range(0, whole, 4):
            a = b = c = d = root
            for _ in range(levels):
                at_a, at_b, at_c, at_d = feature[a], feature[b], feature[c], feature[d]
                next_a = left[a] + (rows[row, at_a] > threshold[a])
                next_b = left[b] + (rows[row + 1, at_b] > threshold[b])
                next_c = left[c] + (rows[row + 2, at_c] > threshold[c])
                next_d = left[d] + (rows[row + 3, at_d] > threshold[d])
                found[row, at_a] += depth[a] - depth[next_a]
                found[row + 1, at_b] += depth[b] - depth[next_b]
                found[row + 2, at_c] += depth[c] - depth[next_c]
                found[row + 3, at_d] += depth[d] - depth[next_d]
                a, b, c, d = next_a, next_b, next_c, next_d
        for row in range(whole, n):
            a = root
            while left[a] != a:
                at_a = feature[a]
                next_a = left[a] + (rows[row, at_a] > threshold[a])
                found[row, at_a] += depth[a] - depth[next_a]
                a = next_a
