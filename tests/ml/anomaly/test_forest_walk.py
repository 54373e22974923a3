"""A forest walked as flat arrays scores as scikit-learn does, whatever is missing and however a value lies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from ml.anomaly import compiled_walk
from ml.anomaly.compiled_walk import FARTHEST, CompiledWalk
from ml.anomaly.forest_walk import WALKED_ROWS, ForestWalk, Matrix

AS_CLOSE = 1e-12
LOOPS = {
    "NumPy": None,
    "the compiled loop as it stands": compiled_walk.sum_loop,
}


def rows_of(seed: int, n: int, columns: int, missing: float, whole: bool) -> Matrix:
    rng = np.random.default_rng(seed)
    drawn = rng.standard_t(2, (n, columns))
    rows: Matrix = (np.round(drawn) if whole else drawn).astype(np.float32)
    rows[rng.random(rows.shape) < missing] = np.nan
    return rows


def walk_by(loops: str, forest: IsolationForest) -> ForestWalk:
    walk = ForestWalk.of(forest)
    vars(walk)["compiled"] = None
    if loop := LOOPS[loops]:
        places = (walk.feature, walk.threshold, walk.left, walk.roots)
        vars(walk)["compiled"] = CompiledWalk.of(*places, walk.levels, loop)
    return walk


@pytest.mark.parametrize("loops", LOOPS)
@given(
    seed=st.integers(0, 2**16),
    columns=st.integers(1, 5),
    samples=st.sampled_from([2, 3, 16, 64]),
    missing=st.sampled_from([0.0, 0.1, 0.9]),
    whole=st.booleans(),
    asked=st.integers(1, 70),
)
@settings(max_examples=25, deadline=None)
def test_scores_are_those_of_scikit_learn(
    loops: str, seed: int, columns: int, samples: int, missing: float, whole: bool, asked: int
) -> None:
    seen = rows_of(seed, 80, columns, missing, whole)
    forest = IsolationForest(n_estimators=10, max_samples=samples, random_state=seed).fit(seen)
    rows = rows_of(seed + 1, asked, columns, missing, whole)
    walk = walk_by(loops, forest)
    np.testing.assert_allclose(walk.scores(rows), -forest.score_samples(rows), rtol=0, atol=AS_CLOSE)
    told = walk.start - walk.attributions(rows).sum(axis=1)
    np.testing.assert_allclose(told, walk.depths(rows), rtol=0, atol=1e-9)


@pytest.mark.parametrize("loops", LOOPS)
def test_a_value_that_lies_exactly_on_a_threshold_goes_where_scikit_learn_sends_it(loops: str) -> None:
    forest = IsolationForest(n_estimators=20, max_samples=64, random_state=3).fit(rows_of(3, 500, 1, 0.0, False))
    exact = np.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in forest.estimators_])
    near = exact.astype(np.float32)
    rows = np.concatenate([near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf))])
    walk = walk_by(loops, forest)
    np.testing.assert_allclose(walk.scores(rows[:, None]), -forest.score_samples(rows[:, None]), rtol=0, atol=AS_CLOSE)


def test_more_rows_than_are_walked_at_once_score_alike() -> None:
    forest = IsolationForest(n_estimators=10, max_samples=64, random_state=0).fit(rows_of(0, 500, 3, 0.1, False))
    rows = rows_of(1, WALKED_ROWS + 1, 3, 0.1, False)
    walk = walk_by("NumPy", forest)
    np.testing.assert_allclose(walk.scores(rows), -forest.score_samples(rows), rtol=0, atol=AS_CLOSE)
    one_by_one = np.concatenate([walk.attributions(rows[:500]), walk.attributions(rows[500:])])
    np.testing.assert_allclose(walk.attributions(rows), one_by_one, rtol=0, atol=1e-9)


def test_a_tree_too_large_for_the_compiled_loop_is_walked_without_it() -> None:
    far = np.array([FARTHEST + 1, *range(1, FARTHEST + 3)], dtype=np.int32)
    nothing = np.zeros(len(far), dtype=np.int32)
    root = np.zeros(1, dtype=np.int32)
    assert compiled_walk.compiled_walk(nothing, nothing.astype(np.float32), far, root, 1) is None


def test_a_column_that_sets_a_row_apart_gets_the_credit() -> None:
    seen = rows_of(5, 2_000, 4, 0.0, False)
    walk = ForestWalk.of(IsolationForest(n_estimators=100, random_state=0).fit(seen))
    odd = np.zeros((4, 4), dtype=np.float32)
    np.fill_diagonal(odd, 40.0)
    assert walk.attributions(odd).argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_no_rows_have_no_scores() -> None:
    walk = ForestWalk.of(IsolationForest(n_estimators=3, random_state=0).fit(rows_of(0, 50, 2, 0.0, False)))
    nothing = np.empty((0, 2), dtype=np.float32)
    assert walk.scores(nothing).shape == (0,)
    assert walk.attributions(nothing).shape == (0, 2)


@pytest.mark.parametrize("loops", LOOPS)
def test_a_forest_that_found_nothing_to_split_on_has_one_score(loops: str) -> None:
    alike = np.zeros((50, 2), dtype=np.float32)
    forest = IsolationForest(n_estimators=5, random_state=0).fit(alike)
    np.testing.assert_allclose(walk_by(loops, forest).scores(alike), -forest.score_samples(alike), atol=AS_CLOSE)


def test_a_forest_of_part_of_the_columns_is_refused() -> None:
    forest = IsolationForest(n_estimators=3, max_features=0.5, random_state=0).fit(rows_of(0, 50, 4, 0.0, False))
    with pytest.raises(ValueError, match="only part of the columns"):
        ForestWalk.of(forest)
