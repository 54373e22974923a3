"""Movement features: the fast builder against a slow telling, and what a row may know."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.definitions import DOCUMENT_SET, MOVEMENT_SET, PRICED_SET, STREAM_SET
from ml.features.movements import MovementFeatures, Movements, describe
from tests.ml.features.movement_reference import Line, described

MINUTE_US = 60_000_000
START_US = 1_260_000_000_000_000 // MINUTE_US * MINUTE_US


def movements_of(lines: list[Line]) -> Movements:
    return Movements(
        time_us=np.array([line.time_us for line in lines], dtype=np.int64),
        sku=pl.Series([line.sku for line in lines], dtype=pl.String),
        location=pl.Series(["W1"] * len(lines), dtype=pl.String),
        kind=pl.Series([line.kind for line in lines], dtype=pl.String),
        effect=np.array([line.effect for line in lines], dtype=np.int64),
        document=pl.Series([line.document for line in lines], dtype=pl.String),
    )


@st.composite
def streams(draw: st.DrawFn) -> list[Line]:
    """Short streams with pauses, crowded minutes, odd and usual quantities, and lines without a document."""
    lines: list[Line] = []
    time_us = START_US
    for _ in range(draw(st.integers(1, 40))):
        time_us += draw(st.sampled_from([0, 0, 20_000_000, MINUTE_US, 7 * MINUTE_US, 26 * 60 * MINUTE_US]))
        kind = draw(st.sampled_from(["ship", "return_received", "adjust"]))
        units = draw(st.sampled_from([0, 1, 2, 6, 12, 13, 144, 1_227]))
        sign = draw(st.sampled_from([-1, 1])) if kind == "adjust" else {"ship": -1}.get(kind, 1)
        document = draw(st.sampled_from(["", "d1", "d2", f"alone-{len(lines)}"]))
        lines.append(Line(time_us, draw(st.sampled_from("ABC")), kind, sign * units, document))
    return lines


@settings(max_examples=40, deadline=None)
@given(streams())
def test_the_fast_builder_says_what_a_plain_loop_over_the_rows_says(lines: list[Line]) -> None:
    fast = describe(movements_of(lines)).document_matrix
    np.testing.assert_allclose(fast, np.array(described(lines)), rtol=2e-5, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(streams(), st.integers(1, 7))
def test_history_and_new_rows_in_many_batches_give_the_very_same_figures_as_one_pass(
    lines: list[Line], size: int
) -> None:
    movements = movements_of(lines)
    builder = MovementFeatures()
    pieces = [builder.advance(batch).document_matrix for batch in movements.batches(size)]
    np.testing.assert_array_equal(np.concatenate(pieces), describe(movements).document_matrix)


@settings(max_examples=40, deadline=None)
@given(streams())
def test_what_comes_in_a_later_minute_changes_nothing_about_a_row(lines: list[Line]) -> None:
    whole = describe(movements_of(lines)).document_matrix
    last_minute = lines[-1].minute
    earlier = [line for line in lines if line.minute < last_minute]
    np.testing.assert_array_equal(describe(movements_of(earlier)).document_matrix, whole[: len(earlier)])


def test_only_features_that_say_so_look_at_later_lines_of_their_minute() -> None:
    lines = [Line(START_US, sku, "ship", -units, "d1") for sku, units in (("A", 3), ("B", 7), ("A", 1_227))]
    alone = describe(movements_of(lines[:1])).document_matrix[0]
    with_rest = describe(movements_of(lines)).document_matrix[0]
    immediate = [at for at, feature in enumerate(DOCUMENT_SET.features) if feature.delay_s == 0]
    np.testing.assert_array_equal(alone[immediate], with_rest[immediate])
    assert with_rest[DOCUMENT_SET.names.index("minute_lines")] > alone[DOCUMENT_SET.names.index("minute_lines")]


def test_the_three_sets_are_nested_and_told_apart() -> None:
    matrix = describe(movements_of([Line(START_US, "A", "ship", -1, "d")]))
    widths = [matrix.matrix(features).shape[1] for features in (MOVEMENT_SET, STREAM_SET, DOCUMENT_SET)]
    assert widths == [14, 19, 23]
    assert len({features.digest for features in (MOVEMENT_SET, STREAM_SET, DOCUMENT_SET)}) == 3


def plain_prices(skus: str, prices: list[float | None]) -> list[tuple[float, float]]:
    """The two price features told again by a plain loop, from their definitions."""
    floor = 0.05 * 4096
    found: list[tuple[float, float]] = []
    pooled: list[int] = []
    for at, (sku, price) in enumerate(zip(skus, prices, strict=True)):
        own = [p for s, p in zip(skus[:at], prices[:at], strict=True) if s == sku and p is not None]
        if price is None or not own:
            found.append((math.nan, math.nan))
            continue
        levels = [log_steps_of_price(p) for p in own]
        misses = [round(level - sum(levels[:k]) / k) for k, level in enumerate(levels) if k]
        miss = round(log_steps_of_price(price) - sum(levels) / len(levels))
        usual = (sum(one**2 for one in pooled) + floor**2) / (len(pooled) + 1)
        variance = (sum(one**2 for one in misses) + 5 * usual) / (len(misses) + 5)
        same = sum(level == log_steps_of_price(price) for level in levels)
        found.append((miss / max(math.sqrt(variance), floor), -math.log((same + 0.5) / (len(levels) + 1))))
        pooled.append(miss)
    return found


def log_steps_of_price(price: float) -> int:
    return round(math.log(max(price, 1e-4)) * 4096)


def priced(skus: str, prices: list[float | None]) -> Movements:
    lines = [Line(START_US + at * MINUTE_US, sku, "ship", -1, "") for at, sku in enumerate(skus)]
    return replace(movements_of(lines), price=np.array([math.nan if one is None else one for one in prices]))


PRICED_LINES = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from([None, 0.0, 0.85, 2.5, 2.55, 30.0])), min_size=1, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(PRICED_LINES, st.integers(1, 7))
def test_a_price_is_held_against_those_of_its_sku_before_in_one_pass_or_many(
    lines: list[tuple[str, float | None]], size: int
) -> None:
    skus, prices = "".join(sku for sku, _ in lines), [price for _, price in lines]
    movements = priced(skus, prices)
    columns = PRICED_SET.columns(["price_z", "price_rarity"])
    whole = describe(movements).matrix(PRICED_SET)
    np.testing.assert_allclose(whole[:, columns], np.array(plain_prices(skus, prices)), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(whole[:, : len(MOVEMENT_SET.features)], describe(movements).matrix(MOVEMENT_SET))
    builder = MovementFeatures()
    pieces = [builder.advance(batch).matrix(PRICED_SET) for batch in movements.batches(size)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_movements_without_any_price_leave_the_price_features_empty() -> None:
    matrix = describe(movements_of([Line(START_US, "A", "ship", -1, "d")])).matrix(PRICED_SET)
    assert np.isnan(matrix[:, PRICED_SET.columns(["price_z", "price_rarity"])]).all()


def test_movements_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order of time"):
        movements_of([Line(START_US + 1, "A", "ship", -1, ""), Line(START_US, "A", "ship", -1, "")])


def test_a_shipment_goes_out_and_an_adjustment_carries_its_own_sign() -> None:
    events = pl.DataFrame(
        {
            "time": pl.Series([START_US] * 3).cast(pl.Datetime("us", "UTC")),
            "sku": ["A", "A", "A"],
            "type": ["ship", "adjust", "receipt"],
            "quantity": [5, -3, 4],
        }
    )
    assert Movements.from_events(events).effect.tolist() == [-5, -3, 4]
    assert Movements.from_events(events).document is None


def test_a_size_the_item_never_had_is_rarer_than_its_usual_one() -> None:
    usual = [Line(START_US + i * 90 * MINUTE_US, "A", "ship", -12, f"d{i}") for i in range(50)]
    rarity = MOVEMENT_SET.names.index("quantity_rarity")
    odd = Line(START_US + 90 * 90 * MINUTE_US, "A", "ship", -1_227, "d")
    same = Line(START_US + 90 * 90 * MINUTE_US, "A", "ship", -12, "d")
    matrices = [describe(movements_of([*usual, last])).document_matrix[-1] for last in (odd, same)]
    assert matrices[0][rarity] > 5 > 0.5 > matrices[1][rarity]
