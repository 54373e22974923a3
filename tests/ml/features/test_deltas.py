"""Delta features: figures that are missing, standing differences, and what a row may know."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.definitions import DELTA_SET
from ml.features.deltas import DeltaFeatures, Deltas, Matrix, describe

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "as_of": pl.Datetime("us", "UTC"),
    "sku": pl.String,
    "location": pl.String,
    "channel": pl.String,
    **dict.fromkeys(
        ("expected", "reported", "in_flight", "erp", "wms", "channel_qty", "published_age_s", "event_lag_s"), pl.Float64
    ),
}


def matrix_of(*rows: Mapping[str, object]) -> Matrix:
    filled = [{"as_of": NOON, "sku": "mug", **row} for row in rows]
    return describe(Deltas.from_frame(pl.DataFrame(filled, schema=SCHEMA, orient="row")))


def value(matrix: Matrix, row: int, feature: str) -> float:
    return float(matrix[row, DELTA_SET.names.index(feature)])


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    figure = st.none() | st.integers(-3, 300)
    rows, as_of = [], NOON
    for _ in range(draw(st.integers(1, 60))):
        as_of += draw(st.sampled_from([timedelta(0), timedelta(hours=6), timedelta(days=2)]))
        figures = {name: draw(figure) for name in list(SCHEMA)[4:]}
        rows.append({"as_of": as_of, "sku": draw(st.sampled_from("AB")), "location": "", "channel": "shop", **figures})
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(max_examples=20, deadline=None)
@given(tables(), st.integers(1, 9))
def test_history_and_new_rows_in_many_batches_give_the_very_same_figures_as_one_pass(
    table: pl.DataFrame, size: int
) -> None:
    deltas, builder = Deltas.from_frame(table), DeltaFeatures()
    pieces = [builder.advance(batch) for batch in deltas.batches(size)]
    np.testing.assert_array_equal(np.concatenate(pieces), describe(deltas))


@settings(max_examples=20, deadline=None)
@given(tables())
def test_the_usual_difference_is_the_median_of_the_last_28_that_showed_something_of_an_item_that_mostly_differs(
    table: pl.DataFrame,
) -> None:
    found = describe(Deltas.from_frame(table))
    own = found[:, DELTA_SET.names.index("residual_against_own")]
    share = found[:, DELTA_SET.names.index("differs")]
    earlier: dict[str, list[tuple[int, float, float]]] = {"A": [], "B": []}
    moments = sorted(set(table["as_of"].to_list()))
    for row, told, differs in zip(table.to_dicts(), own.tolist(), share.tolist(), strict=True):
        at, before = moments.index(row["as_of"]), earlier[row["sku"]]
        among = sum(at - 28 <= moment < at for moment, *_ in before)
        assert math.isclose(differs, min(among / min(at, 28), 1.0) if at else 0.0, rel_tol=1e-6)
        known = [each for _, each, _ in before[-28:] if not math.isnan(each)]
        shown = [each for _, each, figure in before[-28:] if not math.isnan(each) and figure != 0]
        expected, reported = row["expected"], row["reported"]
        residual = math.nan if None in (expected, reported) else reported - expected - (row["in_flight"] or 0)
        before.append((at, residual, reported))
        if math.isnan(residual):
            assert math.isnan(told)
        else:
            usual = 0.0 if not known or differs < 0.5 else np.median(shown) if shown else min(known)
            beyond = residual - usual if reported < 0 else min(residual - usual, reported)
            assert np.sign(round(told, 6)) == np.sign(beyond)


def test_each_book_of_a_sku_has_its_own_usual_difference() -> None:
    frame = pl.DataFrame(
        [
            {"as_of": NOON + timedelta(hours=6 * at), "sku": "mug", "system": system, "state": "on_hand",
             "expected": 50, "reported": 50 + off}
            for at in range(20)
            for system, off in (("erp", 30), ("wms", -4))
        ]
    )  # fmt: skip
    matrix = describe(Deltas.from_frame(frame))
    assert value(matrix, 38, "residual_against_own") == value(matrix, 39, "residual_against_own") == 0


def test_a_difference_of_an_item_that_usually_agrees_is_held_against_nothing() -> None:
    often = [{"as_of": NOON + timedelta(hours=6 * at), "sku": "cup", "expected": 9, "reported": 8} for at in range(28)]
    once = {"as_of": NOON, "expected": 50, "reported": 40}
    again = {"as_of": NOON + timedelta(hours=6 * 27), "expected": 50, "reported": 40}
    rows = sorted([*often, once, again], key=lambda row: str(row["as_of"]))
    matrix = matrix_of(*rows)
    assert value(matrix, len(rows) - 1, "residual_against_own") < -2
    assert value(matrix, len(rows) - 2, "differs") == 1


def test_a_difference_says_how_much_of_it_is_new_and_how_many_of_the_skus_other_figures_are_odd() -> None:
    quiet = [
        {"as_of": NOON + timedelta(hours=6 * at), "channel": channel, "expected": 50, "reported": 49}
        for at in range(10)
        for channel in ("shop", "market")
    ]
    jump = [
        {"as_of": NOON + timedelta(hours=60), "channel": channel, "expected": 50, "reported": 29}
        for channel in ("shop", "market")
    ]
    matrix = matrix_of(*quiet, *jump)
    assert [value(matrix, row, "siblings_odd") for row in (-3, -2, -1)] == [0, 1, 1]
    assert math.isclose(math.sinh(value(matrix, -1, "step")), -20, rel_tol=1e-5)


def test_what_is_in_flight_explains_a_difference() -> None:
    explained, open_one = ({"expected": 50, "reported": 40, "in_flight": flying} for flying in (-10, 0))
    assert value(matrix_of(explained), 0, "residual_z") == 0
    assert value(matrix_of(open_one), 0, "residual_z") < -2


def test_a_silent_system_is_missing_and_not_zero() -> None:
    matrix = matrix_of({"expected": 50, "reported": 50, "erp": 50})
    assert math.isnan(value(matrix, 0, "erp_wms_z"))
    assert math.isnan(value(matrix, 0, "published_age"))
    assert value(matrix, 0, "residual_z") == 0


def test_a_standing_record_error_is_no_news_and_a_fresh_one_is() -> None:
    standing = [{"as_of": NOON + timedelta(hours=6 * at), "expected": 50, "reported": 47} for at in range(20)]
    fresh = {"as_of": NOON + timedelta(hours=120), "expected": 50, "reported": 20}
    matrix = matrix_of(*standing, fresh)
    assert value(matrix, 19, "residual_against_own") == 0
    assert value(matrix, 19, "persists") == 4
    assert value(matrix, 20, "residual_against_own") < -3


def test_the_same_difference_is_smaller_news_for_an_item_that_moves_a_lot() -> None:
    frame = pl.DataFrame(
        {
            "as_of": pl.Series([NOON, NOON]),
            "sku": ["fast", "slow"],
            "expected": [50, 50],
            "reported": [44, 44],
            "event_lag_s": [7_200, 7_200],
            "daily_units": [600.0, 0.1],
        }
    )
    fast, slow = np.abs(describe(Deltas.from_frame(frame))[:, DELTA_SET.names.index("residual_z")])
    assert fast < slow / 2


def test_a_dozen_taken_for_a_piece_is_close_to_a_pack() -> None:
    matrix = matrix_of({"expected": 480, "reported": 40}, {"sku": "cup", "expected": 480, "reported": 300})
    assert value(matrix, 0, "pack_factor") > 0.7 > 0.2 > value(matrix, 1, "pack_factor")


def test_a_system_that_shows_nothing_below_zero_is_no_further_off_than_zero() -> None:
    short = [{"as_of": NOON + timedelta(hours=6 * at), "expected": 90, "reported": 60} for at in range(10)]
    gone = {"as_of": NOON + timedelta(hours=60), "expected": 8, "reported": 0}
    matrix = matrix_of(*short, gone)
    assert value(matrix, 10, "residual_against_own") == value(matrix, 10, "least_against_own") == 0


def test_a_difference_knows_what_other_figures_of_the_sku_that_usually_agree_are_off_by() -> None:
    def row(at: int, system: str, state: str, location: str, off: int) -> dict[str, object]:
        told: dict[str, object] = {"system": system, "state": state, "location": location, "snapshot": at + 1}
        return told | {"as_of": NOON + timedelta(hours=6 * at), "sku": "mug", "expected": 50, "reported": 50 + off}

    usual = [row(at, "erp", "on_hand", "EAST", 30) for at in range(20)]
    then = [row(20, "erp", "on_hand", "EAST", 30), row(20, "wms", "on_hand", "EAST", -6)]
    then += [row(20, "erp", "allocated", "WEST", 4)]
    matrix = describe(Deltas.from_frame(pl.DataFrame([*usual, *then])))
    assert [round(math.sinh(value(matrix, at, "steady_here")), 4) for at in (20, 21, 22)] == [-6, 0, 0]
    assert [round(math.expm1(value(matrix, at, "steady_anywhere")), 4) for at in (20, 21, 22)] == [10, 4, 6]


def test_a_book_that_hardly_ever_differs_has_no_usual_difference_after_the_first() -> None:
    told = [
        {"as_of": NOON + timedelta(hours=6 * at), "sku": "mug", "system": "wms", "snapshot": at + 1, "expected": 50,
         "reported": 38}
        for at in (20, 21, 22)
    ]  # fmt: skip
    other = [
        {"as_of": NOON + timedelta(hours=6 * at), "sku": "cup", "system": "erp", "snapshot": at + 1, "expected": 9,
         "reported": 8}
        for at in range(23)
    ]  # fmt: skip
    frame = pl.DataFrame([*told, *other]).sort("as_of", "sku")
    matrix = describe(Deltas.from_frame(frame))
    own = [
        math.sinh(value(matrix, at, "residual_against_own")) for at in np.flatnonzero(frame["sku"] == "mug").tolist()
    ]
    assert all(one < -5 for one in own)


def test_a_difference_of_as_many_units_as_a_failure_named_fits_it() -> None:
    exact, near, without = ({"expected": 50, "reported": 38, "told_units": units} for units in (12, 10, None))
    matrix = describe(
        Deltas.from_frame(pl.DataFrame([{"as_of": NOON, "sku": "mug", **one} for one in (exact, near, without)]))
    )
    assert value(matrix, 0, "told_fit") == 1 > value(matrix, 1, "told_fit")
    assert math.isnan(value(matrix, 2, "told_fit"))
