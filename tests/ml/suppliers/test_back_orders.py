"""The chance of a back-order from stock, pipeline, demand and the supplier's performance."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from ml.suppliers.back_orders import COUNTS, OPTIONAL, cover_need, describe, learn_back_orders


def snapshot(rows: int = 800) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """SKUs of which those with less stock than a month's demand run out."""
    chance = np.random.default_rng(0)
    skus = pl.DataFrame({name: chance.integers(0, 50, rows) for name in COUNTS})
    skus = skus.with_columns(
        stock=pl.Series(chance.integers(-2, 100, rows)), **{name: pl.lit(None, pl.Float64) for name in OPTIONAL}
    )
    return skus, (skus["stock"] * 3 < skus["forecast_3_months"]).to_numpy()


def test_skus_that_run_out_are_told_from_those_that_do_not() -> None:
    skus, happened = snapshot()
    chances = learn_back_orders(skus[:600], happened[:600]).predict_proba(describe(skus[600:]))[:, 1]
    assert chances[happened[600:]].mean() > 0.8
    assert chances[~happened[600:]].mean() < 0.1


def test_a_supplier_nothing_is_known_of_does_not_keep_a_chance_from_being_told() -> None:
    skus, happened = snapshot()
    known = skus.with_columns(lead_time=8.0, performance_6_months=0.9, performance_12_months=0.9)
    trees = learn_back_orders(skus, happened)
    np.testing.assert_array_equal(trees.predict_proba(describe(known)), trees.predict_proba(describe(skus)))


def test_who_the_sku_is_says_nothing() -> None:
    skus, _ = snapshot()
    named = skus.with_columns(sku=pl.int_range(pl.len()))
    np.testing.assert_array_equal(describe(named), describe(skus))


def test_stock_below_zero_needs_as_much_as_none() -> None:
    skus, _ = snapshot(2)
    lacking = skus.with_columns(stock=pl.Series([-3, 0]), in_transit=0, forecast_3_months=12)
    assert cover_need(lacking).tolist() == [12.0, 12.0]


@pytest.mark.parametrize("wrong", [-1, None])
def test_a_count_that_cannot_be_is_refused_by_row_and_column(wrong: int | None) -> None:
    skus, _ = snapshot(3)
    with pytest.raises(ValueError, match=f"row 1: minimum_stock is {wrong}"):
        describe(skus.with_columns(minimum_stock=pl.Series([4, wrong, 4])))


def test_one_outcome_for_all_is_nothing_to_learn_from() -> None:
    skus, _ = snapshot(5)
    with pytest.raises(ValueError, match="all 5 SKUs had one outcome"):
        learn_back_orders(skus, np.zeros(5, bool))
