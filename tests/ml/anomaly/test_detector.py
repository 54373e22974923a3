"""The detector: higher is stranger, told why, and the same after a journey through files."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from ml.anomaly import rolling
from ml.anomaly.detector import Detector, Matrix, TooLittleHistory, fit
from ml.anomaly.reasons import reasons
from ml.anomaly.rolling import RollingScorer
from ml.anomaly.specification import DELTA, MOVEMENT, STREAM
from ml.anomaly.storage import FOREST, SIDECAR, load, save
from ml.anomaly.tails import Tails
from ml.features.feature import Tail
from ml.registry.manifest import ModelRefused

WIDTH = len(STREAM.features.features)


def history(rows: int, seed: int = 0) -> Matrix:
    return np.random.default_rng(seed).gamma(2.0, size=(rows, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return fit(STREAM, history(6_000), seed=1)


def test_a_row_far_out_in_its_own_features_is_stranger_than_an_ordinary_one(detector: Detector) -> None:
    ordinary = np.median(history(2_000), axis=0, keepdims=True)
    far_out = ordinary.copy()
    far_out[:, STREAM.features.columns(STREAM.forest)] = 40
    assert detector.score(far_out)[0] > detector.score(ordinary)[0] + 10
    assert detector.isolation(far_out)[0] > detector.isolation(history(2_000)).max()


def test_few_lines_a_minute_are_strange_and_many_are_not(detector: Detector) -> None:
    at = STREAM.features.names.index("minute_lines")
    lonely, crowded = np.repeat(np.median(history(2_000), axis=0, keepdims=True), 2, axis=0)
    lonely[at], crowded[at] = 0.0, 20.0
    few, many = detector.score(np.stack([lonely, crowded]))
    assert few > many + 10


def test_p_values_of_ordinary_rows_are_even(detector: Detector) -> None:
    p = detector.p_values(detector.score(history(4_000, seed=5)))
    for chance in (0.05, 0.25, 0.5):
        assert abs((p <= chance).mean() - chance) < 0.04


def test_with_too_little_history_there_is_no_detector_and_a_reason() -> None:
    with pytest.raises(TooLittleHistory) as refused:
        fit(STREAM, history(1_999), seed=1)
    assert (refused.value.rows, refused.value.needed) == (1_999, 2_000)


def test_a_missing_figure_is_neither_strange_nor_an_obstacle() -> None:
    width = len(DELTA.features.features)
    seen = np.random.default_rng(0).normal(size=(3_000, width)).astype(np.float32)
    seen[:, 2] = np.nan
    seen[::3, 4] = np.nan
    found = fit(DELTA, seen, seed=1)
    row = seen[:1].copy()
    row[:, 4] = np.nan
    assert np.isfinite(found.score(row)).all()
    assert all(reason.feature not in ("channel_wms_z", "erp_wms_against_own") for reason in reasons(found, row)[0])


def test_the_reasons_name_the_feature_that_is_far_out_in_its_unit(detector: Detector) -> None:
    row = np.median(history(2_000), axis=0, keepdims=True)
    row[0, STREAM.features.names.index("quantity_rarity")] = 15.0
    first = reasons(detector, row)[0][0]
    assert first.feature == "quantity_rarity"
    assert "of the item's movements have this quantity" in first.told
    assert first.chance < 0.001


def test_a_row_with_nothing_unusual_has_no_reasons(detector: Detector) -> None:
    assert reasons(detector, np.median(history(2_000), axis=0, keepdims=True)) == [()]


def test_a_detector_comes_back_from_its_files_with_the_same_answers(detector: Detector, tmp_path: Path) -> None:
    save(detector, tmp_path)
    again, rows = load(tmp_path), history(500, seed=3)
    np.testing.assert_array_equal(again.score(rows), detector.score(rows))
    np.testing.assert_array_equal(again.p_values(again.score(rows)), detector.p_values(detector.score(rows)))
    assert reasons(again, rows) == reasons(detector, rows)
    assert again.specification == detector.specification


@pytest.mark.proof
def test_a_full_size_delta_detector_stays_below_five_megabytes(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(12_000, len(DELTA.features.features))).astype(np.float32)
    save(fit(DELTA, rows, seed=1), tmp_path)
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 5_000_000


def test_what_was_learnt_of_attributions_travels_along(detector: Detector, tmp_path: Path) -> None:
    columns, asked = len(STREAM.forest), history(50)
    mixture = np.random.default_rng(0).normal(size=(3, 2 * columns + 1, columns))
    explained = replace(detector, mixture=mixture)
    save(explained, tmp_path)
    np.testing.assert_array_equal(load(tmp_path).attributions(asked), explained.attributions(asked))
    sums = explained.walk.start - explained.attributions(asked).sum(axis=1)
    np.testing.assert_allclose(sums, explained.walk.depths(explained.forest_columns(asked)), atol=1e-9)
    save(replace(detector, mixture=mixture[:, 1:]), tmp_path)
    with pytest.raises(ModelRefused, match="attributions does not fit"):
        load(tmp_path)


def test_a_detector_trained_again_is_the_same_to_the_byte(detector: Detector, tmp_path: Path) -> None:
    for name in ("once", "again"):
        save(fit(STREAM, history(3_000), seed=1), tmp_path / name)
    for once in (tmp_path / "once").iterdir():
        assert once.read_bytes() == (tmp_path / "again" / once.name).read_bytes(), once.name


def test_a_detector_of_other_features_is_refused(detector: Detector, tmp_path: Path) -> None:
    save(detector, tmp_path)
    said = json.loads((tmp_path / SIDECAR).read_text())
    (tmp_path / SIDECAR).write_text(json.dumps(said | {"feature_digest": "other"}))
    with pytest.raises(ModelRefused, match="have changed since"):
        load(tmp_path)


def test_a_forest_file_with_anything_else_in_it_is_refused(detector: Detector, tmp_path: Path) -> None:
    import skops.io

    save(detector, tmp_path)
    skops.io.dump(DecisionTreeClassifier().fit([[0], [1]], [0, 1]), tmp_path / FOREST)
    with pytest.raises(ModelRefused):
        load(tmp_path)
    skops.io.dump({"forest": np.random.default_rng}, tmp_path / FOREST)
    with pytest.raises(ModelRefused):
        load(tmp_path)


def test_a_long_stream_is_held_no_further_back_than_a_fit_looks(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "KEPT_ROWS", 1_000)
    scorer = RollingScorer(STREAM, shipped=detector, own_history_rows=50_000)
    rows = history(500, seed=1)
    scorer.advance(rows)  # lays the forest out
    tracemalloc.start()
    for _ in range(80):
        scorer.advance(rows.copy())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 20 * rows.nbytes


def test_a_stream_is_judged_by_the_shipped_detector_until_it_has_its_own_history(detector: Detector) -> None:
    scorer = RollingScorer(STREAM, shipped=detector, own_history_rows=3_000)
    first = scorer.advance(history(3_000, seed=1))
    np.testing.assert_array_equal(first.score, detector.score(history(3_000, seed=1)))
    scorer.advance(history(1_000, seed=2))
    assert scorer.detector is not detector


def test_without_a_shipped_detector_a_stream_abstains_and_says_how_long() -> None:
    scored = RollingScorer(STREAM, own_history_rows=3_000).advance(history(10))
    assert np.isnan(scored.score).all()
    assert not scored.anomalous.any()
    assert scored.abstained == "not scored: 0 earlier rows are known, 3000 are needed"


def test_a_score_depends_on_no_later_row() -> None:
    whole = [history(2_000, seed=at) for at in range(4)]
    scorers = [RollingScorer(MOVEMENT, own_history_rows=3_000) for _ in range(2)]
    narrow = [each[:, : len(MOVEMENT.features.features)] for each in whole]
    all_of_it = [scorers[0].advance(each).score for each in narrow]
    first_three = [scorers[1].advance(each).score for each in narrow[:3]]
    np.testing.assert_array_equal(np.concatenate(all_of_it[:3]), np.concatenate(first_three))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=80), st.integers(-5, 5))
def test_tails_of_few_distinct_values_are_exact(reference: list[int], asked: int) -> None:
    tails = Tails.of(np.array(reference, dtype=np.float64))
    at_least = sum(1 for each in reference if each >= asked) / len(reference)
    at_most = sum(1 for each in reference if each <= asked) / len(reference)
    if asked in reference:
        assert np.isclose(np.exp(-tails.surprise(np.array([float(asked)]), Tail.HIGH)[0]), at_least)
        assert np.isclose(np.exp(-tails.surprise(np.array([float(asked)]), Tail.LOW)[0]), at_most)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=50), st.floats(-300, 300), st.floats(0, 50))
def test_further_out_is_never_less_surprising(reference: list[float], value: float, more: float) -> None:
    tails = Tails.of(np.array(reference))
    near, far = tails.surprise(np.array([value, value + more]), Tail.HIGH)
    assert far >= near - 1e-9
