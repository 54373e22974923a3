"""The walk through a forest compiled by numba, where it is installed (``pip install stocktriage[fast]``).

The loop is plain Python: without numba nothing here runs but in tests, which hold it against scikit-learn as it
stands. What a step needs of a node lies in eight bytes, and a row goes through sixteen trees at a time, so that
the processor waits for sixteen loads at once.
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
Numbers = NDArray[np.int64]
Nodes = NDArray[np.void]
SumLoop = Callable[[Nodes, Numbers, int, Floats, Matrix], Floats]
ShareLoop = Callable[[Floats, Matrix, Matrix, Numbers, Floats, Floats, Floats, float], None]

NODE = np.dtype([("threshold", np.float32), ("feature", np.uint16), ("down", np.uint16)])
"""``down`` is how many places further the left child lies; a leaf is its own."""
AT_ONCE = 16
FARTHEST = int(np.iinfo(np.uint16).max)


@dataclass(frozen=True)
class CompiledWalk:
    """The loop and what it walks through: trees of ``levels`` steps at most, as many as sixteen goes into.

    ``nodes`` (m + 1,) as ``NODE`` has them, the last a tree of no forest; ``roots`` (t,).
    """

    nodes: Nodes
    roots: Numbers
    levels: int
    loop: SumLoop

    @classmethod
    def of(
        cls, feature: Places, threshold: Matrix, left: Places, roots: Places, levels: int, loop: SumLoop
    ) -> "CompiledWalk":
        """The nodes of ``ForestWalk`` packed."""
        m = len(left)
        nodes = np.zeros(m + 1, dtype=NODE)
        nodes["feature"][:m] = feature
        nodes["threshold"] = np.append(threshold, np.float32(np.inf))
        nodes["down"][:m] = left - np.arange(m)
        filling = np.full(-len(roots) % AT_ONCE, m)
        return cls(nodes, np.concatenate([roots, filling]).astype(np.int64), levels, loop)

    def sums(self, told: Floats, matrix: Matrix) -> Floats:
        """The sums (n, w) over the trees of what is ``told`` (m + 1, w) of the leaves that each row ends in.

        The last row of ``told`` is zero: what is told of the tree of no forest.
        """
        return self.loop(self.nodes, self.roots, self.levels, told, np.ascontiguousarray(matrix, dtype=np.float32))


def compiled_walk(feature: Places, threshold: Matrix, left: Places, roots: Places, levels: int) -> CompiledWalk | None:
    """The compiled loop, or None where numba is not installed or a tree is too large for a node of eight bytes."""
    farthest = max(int(feature.max()), int((left - np.arange(len(left))).max()))
    loop = _compiled(sum_loop) if farthest <= FARTHEST else None
    return CompiledWalk.of(feature, threshold, left, roots, levels, loop) if loop else None


@cache
def compiled_shares() -> ShareLoop | None:
    """``share_loop`` compiled, or None where numba is not installed."""
    loop: ShareLoop | None = _compiled(share_loop)
    return loop


@cache
def _compiled(loop: Callable[..., Any]) -> Callable[..., Any] | None:
    if find_spec("numba") is None:
        return None
    njit: Callable[..., Callable[..., Callable[..., Any]]] = import_module("numba").njit
    try:
        return njit(cache=True, nogil=True)(loop)
    except RuntimeError:  # there is no folder to keep what is compiled in: each process compiles it anew
        return njit(nogil=True)(loop)


def sum_loop(nodes: Nodes, roots: Numbers, levels: int, told: Floats, rows: Matrix) -> Floats:
    """What ``CompiledWalk.sums`` tells. ``x`` is a row twice: a missing value left of everything, then right of it."""
    n, columns = rows.shape
    sums = np.zeros((n, told.shape[1]))
    x = np.empty(2 * columns, dtype=np.float32)
    node = np.empty(AT_ONCE, dtype=np.int64)
    for row in range(n):
        for column in range(columns):
            value = rows[row, column]
            missing = np.isnan(value)
            x[column] = -np.inf if missing else value
            x[columns + column] = np.inf if missing else value
        for tree in range(0, len(roots), AT_ONCE):
            for k in range(AT_ONCE):
                node[k] = roots[tree + k]
            for _ in range(levels):
                for k in range(AT_ONCE):
                    at = node[k]
                    node[k] = at + nodes[at]["down"] + (x[nodes[at]["feature"]] > nodes[at]["threshold"])
            for k in range(0, AT_ONCE, 8):
                a, b, c, d = node[k], node[k + 1], node[k + 2], node[k + 3]
                e, f, g, h = node[k + 4], node[k + 5], node[k + 6], node[k + 7]
                for column in range(told.shape[1]):
                    here = (told[a, column] + told[b, column]) + (told[c, column] + told[d, column])
                    here += (told[e, column] + told[f, column]) + (told[g, column] + told[h, column])
                    sums[row, column] += here
    return sums


def share_loop(
    credited: Floats,
    rows: Matrix,
    cut: Matrix,
    start: Numbers,
    fall: Floats,
    missing: Floats,
    mixture: Floats,
    usual: float,
) -> None:
    """Turn the ``credited`` (n, k) of ``rows`` (n, k) into what ``ml.anomaly.fair_shares.mixed`` tells of them."""
    n, columns = rows.shape
    known = np.ones(2 * columns + 1)
    found = np.empty(columns)
    for row in range(n):
        total, falls = 0.0, 0.0
        for column in range(columns):
            value = rows[row, column]
            first, left = start[column], start[column + 1] - start[column]
            while left > 0:  # cuts from ``first`` on among which the value's place is still sought
                half = left >> 1
                beyond = cut[first + half] < value
                first = first + half + 1 if beyond else first
                left = left - half - 1 if beyond else half
            known[column] = credited[row, column]
            known[columns + column] = missing[column] if np.isnan(value) else fall[first + column]
            total += known[column]
            falls += known[columns + column]
        found[:] = 0.0
        for part in range(2 * columns + 1):
            alone, by_total, by_falls = known[part], known[part] * total / usual, known[part] * falls / usual
            for column in range(columns):
                found[column] += (
                    alone * mixture[0, part, column]
                    + by_total * mixture[1, part, column]
                    + by_falls * mixture[2, part, column]
                )
        off = total
        for column in range(columns):
            off -= found[column]
        for column in range(columns):
            credited[row, column] = found[column] + off / columns
