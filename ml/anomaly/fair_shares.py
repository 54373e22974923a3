"""Attributions close to Shapley values at the cost of scoring: the way a row goes and what each column says alone.

The credits along a row's way know but the order in which its trees happened to ask; what a column says alone knows but
what it says first. Shapley values average over all orders. When a forest ships they are worked out for some hundred
rows (``ml.anomaly.shapley``), and least squares learn which mixture of both comes closest; how far columns
repeat each other shows in the two totals, so the mixture changes with them.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import IsolationForest

from ml.anomaly.compiled_walk import compiled_shares
from ml.anomaly.first_in import FirstIn
from ml.anomaly.forest_walk import Floats, ForestWalk, Matrix
from ml.anomaly.shapley import shapley_values

ROWS = 600
"""Rows whose exact values are learnt from: half of them the strangest tenth's, which reasons are read of."""
AMONG = 20_000
"""Rows among which they are looked for."""
RIDGE = 1e-3


@dataclass(frozen=True)
class FairShares:
    """``mixture`` (3, 2 k + 1, k) of credited, falls and one into attributions: by itself, by the total of each.

    Totals are told in parts of the depth expected of any row.
    """

    walk: ForestWalk
    first_in: FirstIn
    mixture: Floats

    @classmethod
    def of(cls, forest: IsolationForest, walk: ForestWalk, mixture: Floats) -> "FairShares":
        """The shares of ``forest``, whose nodes are ``walk``, by a ``mixture`` that was learnt."""
        return cls(walk, FirstIn.of(forest, walk), mixture)

    def attributions(self, matrix: Matrix) -> Floats:
        """As ``ForestWalk.attributions`` (n, k), close to Shapley values, with the same sums."""
        credited = self.walk.attributions(matrix)
        if self.walk.compiled is not None and (loop := compiled_shares()) is not None:
            one = self.first_in
            rows = np.ascontiguousarray(matrix, dtype=np.float32)
            loop(credited, rows, one.cut, one.start, one.fall, one.missing, self.mixture, self.walk.start)
            return credited
        return mixed(self.mixture, credited, self.first_in.falls(matrix), self.walk.start)


def mixed(mixture: Floats, credited: Floats, falls: Floats, usual: float) -> Floats:
    """``credited`` and ``falls`` (n, k) mixed, and what their sum is off that of ``credited`` shared among all."""
    n, k = credited.shape
    parts = (_known(credited, falls) @ mixture.transpose(1, 0, 2).reshape(2 * k + 1, 3 * k)).reshape(n, 3, k)
    found: Floats = np.einsum("nmk,nm->nk", parts, _totals(credited, falls, usual))
    found += ((credited.sum(axis=1) - found.sum(axis=1)) / k)[:, None]
    return found


def learnt(forest: IsolationForest, walk: ForestWalk, matrix: Matrix, seed: int) -> Floats:
    """The mixture (3, 2 k + 1, k) that comes closest to the exact values on rows drawn from ``matrix`` (n, k)."""
    rows = _drawn(walk, matrix, seed)
    credited, falls = walk.attributions(rows), FirstIn.of(forest, walk).falls(rows)
    exact = shapley_values(forest, walk, rows)
    n, k = credited.shape
    totals = _totals(credited, falls, walk.start)
    asked = (totals[:, :, None] * _known(credited, falls)[:, None, :]).reshape(n, -1)
    weight = 1.0 / np.maximum(np.abs(exact).max(axis=1), 1e-9)
    weight /= weight.sum()
    scale = np.sqrt(weight @ asked**2)
    scale[scale == 0.0] = 1.0
    asked /= scale
    square = (asked * weight[:, None]).T @ asked
    found = np.linalg.solve(square + RIDGE * np.eye(len(square)), (asked * weight[:, None]).T @ exact)
    mixture: Floats = (found / scale[:, None]).reshape(3, 2 * k + 1, k)
    return mixture


def _known(credited: Floats, falls: Floats) -> Floats:
    return np.concatenate([credited, falls, np.ones((len(credited), 1))], axis=1)


def _totals(credited: Floats, falls: Floats, usual: float) -> Floats:
    """One, and the total of each in parts of the usual depth (n, 3)."""
    return np.stack([np.ones(len(credited)), credited.sum(axis=1) / usual, falls.sum(axis=1) / usual], axis=1)


def _drawn(walk: ForestWalk, matrix: Matrix, seed: int) -> Matrix:
    """Up to ``ROWS`` different rows of ``matrix``, half of them from the tenth that ends first."""
    rng = np.random.default_rng(seed)
    different = np.unique(rng.permutation(matrix)[:AMONG], axis=0)
    different = different[np.argsort(walk.depths(different), kind="stable")]
    half = min(ROWS // 2, len(different))
    strange = rng.choice(max(half, len(different) // 10), half, replace=False)
    found: Matrix = different[np.concatenate([strange, rng.choice(len(different), half, replace=False)])]
    return found
