"""Attributions of a forest that ships come close to Shapley values; the exact ones are what their definition says."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from ml.anomaly import compiled_walk, fair_shares
from ml.anomaly.fair_shares import FairShares, learnt
from ml.anomaly.first_in import FirstIn
from ml.anomaly.forest_walk import Floats, ForestWalk, Matrix, unbuilt_depth
from ml.anomaly.shapley import shapley_values

COLUMNS = 4


def rows_of(seed: int, n: int) -> Matrix:
    """Columns that repeat each other in part, whole numbers among them, some missing."""
    rng = np.random.default_rng(seed)
    base = rng.standard_t(3, (n, 1))
    rows: Matrix = (base + rng.normal(0, [0.2, 0.5, 1.0, 3.0], (n, COLUMNS))).astype(np.float32)
    rows[:, 1] = np.round(rows[:, 1])
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return rows


@pytest.fixture(scope="module")
def forest() -> IsolationForest:
    return IsolationForest(n_estimators=10, max_samples=64, random_state=1).fit(rows_of(1, 600))


@pytest.fixture(scope="module")
def walk(forest: IsolationForest) -> ForestWalk:
    return ForestWalk.of(forest)


def expected_depth(tree: Any, row: Matrix, known: Sequence[int], node: int = 0, level: int = 0) -> float:
    """The depth at which ``row`` is expected to end where only its ``known`` columns are, by scikit-learn's tree."""
    if tree.children_left[node] < 0:
        return level + float(unbuilt_depth(np.array([tree.n_node_samples[node]], dtype=np.float64))[0])
    column, below = tree.feature[node], (tree.children_left[node], tree.children_right[node])
    if column in known:
        missing = np.isnan(row[column])
        left = bool(tree.missing_go_to_left[node]) if missing else bool(row[column] <= tree.threshold[node])
        return expected_depth(tree, row, known, below[0 if left else 1], level + 1)
    share = tree.n_node_samples[list(below)] / tree.n_node_samples[node]
    return float(
        sum(part * expected_depth(tree, row, known, at, level + 1) for part, at in zip(share, below, strict=True))
    )


def worth(forest: IsolationForest, row: Matrix, known: Sequence[int]) -> float:
    return sum(expected_depth(one.tree_, row, known) for one in forest.estimators_)


def by_definition(forest: IsolationForest, row: Matrix) -> Floats:
    """The average over all orders of columns of what each lessens the depth by when it becomes known."""
    found = np.zeros(COLUMNS)
    for column in range(COLUMNS):
        others = [other for other in range(COLUMNS) if other != column]
        for many in range(COLUMNS):
            weight = factorial(many) * factorial(COLUMNS - many - 1) / factorial(COLUMNS)
            for known in combinations(others, many):
                found[column] += weight * (worth(forest, row, known) - worth(forest, row, (*known, column)))
    return found


def test_exact_values_are_the_average_over_all_orders(forest: IsolationForest, walk: ForestWalk) -> None:
    rows = rows_of(2, 3)
    asked = np.stack([by_definition(forest, row) for row in rows])
    np.testing.assert_allclose(shapley_values(forest, walk, rows), asked, atol=1e-9)


def test_what_one_column_says_alone_is_looked_up(forest: IsolationForest, walk: ForestWalk) -> None:
    cuts = np.concatenate([one.tree_.threshold[one.tree_.feature >= 0] for one in forest.estimators_[:2]])
    on_cuts = np.repeat(cuts[:5].astype(np.float32)[:, None], COLUMNS, axis=1)
    rows = np.concatenate([rows_of(3, 10), on_cuts, np.full((1, COLUMNS), np.nan, dtype=np.float32)])
    asked = [[walk.start - worth(forest, row, (column,)) for column in range(COLUMNS)] for row in rows]
    np.testing.assert_allclose(FirstIn.of(forest, walk).falls(rows), asked, atol=1e-9)


@pytest.fixture(scope="module")
def shares(forest: IsolationForest, walk: ForestWalk) -> FairShares:
    return FairShares.of(forest, walk, learnt(forest, walk, rows_of(4, 300), seed=0))


def test_what_was_learnt_is_closer_to_exact_values_than_the_way_a_row_goes(
    forest: IsolationForest, walk: ForestWalk, shares: FairShares
) -> None:
    rows = rows_of(5, 100)
    exact = shapley_values(forest, walk, rows)
    assert np.abs(shares.attributions(rows) - exact).mean() < 0.7 * np.abs(walk.attributions(rows) - exact).mean()


def test_attributions_add_up_and_the_compiled_loop_tells_the_same(
    walk: ForestWalk, shares: FairShares, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(6, 50)
    plain = replace(walk)
    vars(plain)["compiled"] = None
    by_numpy = replace(shares, walk=plain).attributions(rows)
    np.testing.assert_allclose(walk.start - by_numpy.sum(axis=1), walk.depths(rows), atol=1e-9)
    standing = replace(walk)
    places = (walk.feature, walk.threshold, walk.left, walk.roots, walk.levels)
    vars(standing)["compiled"] = compiled_walk.CompiledWalk.of(*places, compiled_walk.sum_loop)
    monkeypatch.setattr(fair_shares, "compiled_shares", lambda: compiled_walk.share_loop)
    np.testing.assert_allclose(replace(shares, walk=standing).attributions(rows), by_numpy, atol=1e-9)
