"""Ways to tell strange rows without a forest, beside which the detector is measured."""

import numpy as np

from ml.anomaly.baselines import LowRankPoisson, ecod, robust_z

NORMAL = np.random.default_rng(0).normal(size=(2_000, 3)).astype(np.float32)


def test_robust_z_is_the_distance_of_the_furthest_feature_in_standard_deviations() -> None:
    rows = np.array([[0, 0, 0], [0, -5, 0], [np.nan, np.nan, 3]], dtype=np.float32)
    assert np.allclose(robust_z(NORMAL, rows), [0, 5, 3], atol=0.3)


def test_robust_z_of_a_feature_that_hardly_varies_is_by_its_standard_deviation() -> None:
    history = np.zeros((1_000, 1), dtype=np.float32)
    history[:10] = 10
    assert 9 < robust_z(history, np.array([[10]], dtype=np.float32))[0] < 11


def test_ecod_adds_the_surprise_of_all_features_on_one_side() -> None:
    one, both = ecod(NORMAL, np.array([[3, 0, 0], [3, 3, 0]], dtype=np.float32))
    assert both > one + 3
    assert ecod(NORMAL, np.zeros((1, 3), dtype=np.float32))[0] < 3


def test_units_are_held_against_what_their_sku_and_location_share_with_the_others() -> None:
    rng = np.random.default_rng(1)
    rates = np.outer(rng.uniform(1, 20, 12), [1.0, 5.0])
    sku, location = rng.integers(0, 12, 6_000), rng.integers(0, 2, 6_000)
    never_seen = (sku == 3) & (location == 1)
    model = LowRankPoisson.of(
        sku[~never_seen], location[~never_seen], rng.poisson(rates[sku, location])[~never_seen], 12, 2, seed=0
    )
    seen = np.ones((12, 2), dtype=bool)
    seen[3, 1] = False
    assert np.allclose(model.rate[seen], rates[seen], rtol=0.15)
    assert np.isclose(model.rate[3, 1], rates[3, 1], rtol=0.6)
    usual, many, very_many = model.surprise(np.array([0, 0, 0]), np.array([0, 0, 0]), np.array([1, 200, 5_000]))
    assert usual < 3 < many < very_many < np.inf
