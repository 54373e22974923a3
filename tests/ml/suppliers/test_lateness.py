"""The chance of a late delivery, from what was known when the line was ordered."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.suppliers.deliveries import late_share, with_past
from ml.suppliers.drift import lateness_drift
from ml.suppliers.lateness import TooFewDeliveries, learn_lateness

START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
DAY = timedelta(days=1)


def lines(suppliers: list[str], ordered: list[int], delays: list[int | None]) -> pl.DataFrame:
    """Lines promised 20 days after their order day, received ``delays`` days after the promise; None is still open."""
    promised = [START + (day + 20) * DAY for day in ordered]
    received = [None if late is None else at + late * DAY for at, late in zip(promised, delays, strict=True)]
    count = len(suppliers)
    return pl.DataFrame(
        {
            "line": range(count), "supplier": suppliers, "site": suppliers, "destination": ["north"] * count,
            "transport": [None] * count, "item": ["A"] * count, "product_class": ["tools"] * count,
            "ordered_at": [START + day * DAY for day in ordered], "promised_at": promised, "received_at": received,
            "recorded_at": received, "quantity": [10] * count, "value": [99.0] * count,
        },
        schema_overrides={"received_at": MOMENT, "recorded_at": MOMENT, "transport": pl.String},
    )  # fmt: skip


def year(seed: int = 0) -> pl.DataFrame:
    """A supplier that is late in six of ten lines and one that is in one of twenty."""
    chance = np.random.default_rng(seed)
    suppliers = [str(name) for name in chance.choice(["swift", "slow"], 600)]
    late = [chance.random() < (0.6 if name == "slow" else 0.05) for name in suppliers]
    return lines(suppliers, list(range(600)), [5 if one else -1 for one in late])


def test_a_line_is_known_to_be_late_the_day_after_its_promise_not_when_it_comes() -> None:
    told = with_past(lines(["S", "S", "S"], [0, 21, 22], [300, -1, -1]))
    assert told["supplier_late"].to_list() == [0, 0, 1]


def test_a_line_in_time_counts_once_its_receipt_was_recorded() -> None:
    told = with_past(lines(["S", "S", "S"], [0, 15, 16], [-5, -1, -1]))
    assert told["supplier_lines"].to_list() == [0, 0, 1]


def test_an_open_line_counts_for_nobody() -> None:
    told = with_past(lines(["S", "S"], [0, 400], [None, None]))
    assert told["supplier_lines"].to_list() == [0, 0]


def test_a_new_supplier_is_taken_for_the_average() -> None:
    told = with_past(lines(["S", "S", "S", "new"], [0, 1, 2, 300], [9, -1, -1, -1]))
    assert late_share(told, "supplier")[-1] == pytest.approx(1 / 3)


@given(st.lists(st.integers(-10, 30), min_size=14, max_size=14), st.integers(1, 13))
def test_nothing_that_was_heard_later_describes_a_line(delays: list[int], at: int) -> None:
    whole = lines(["S", "T"] * 7, [6 * place for place in range(14)], list(delays))
    told = with_past(whole)
    unheard = told["known_at"] >= told["asked_at"][at]
    forgotten = whole.with_columns(
        pl.when(unheard).then(None).otherwise(pl.col(name)).alias(name) for name in ("received_at", "recorded_at")
    )
    pasts = [name for name in told.columns if name.endswith(("_lines", "_late"))]
    assert with_past(forgotten).select(pasts).row(at) == told.select(pasts).row(at)


def test_the_unreliable_supplier_is_told_from_the_reliable_one() -> None:
    told = with_past(year())
    until = START + 450 * DAY
    asked = told.filter(pl.col("promised_at") >= until)
    chances = learn_lateness(told, until).chances(asked)
    slow = (asked["supplier"] == "slow").to_numpy()
    assert chances[slow].mean() == pytest.approx(0.6, abs=0.15)
    assert chances[~slow].mean() == pytest.approx(0.05, abs=0.05)


def test_what_became_known_after_the_learning_ended_changes_no_chance() -> None:
    until = START + 450 * DAY
    before = year()
    later = before.with_columns(
        received_at=pl.when(pl.col("promised_at") >= until)
        .then(pl.col("promised_at") + 40 * DAY)
        .otherwise(pl.col("received_at"))
    )
    told = with_past(before)
    asked = told.filter(pl.col("promised_at") >= until)
    as_it_was, otherwise = (learn_lateness(with_past(one), until).chances(asked) for one in (before, later))
    np.testing.assert_array_equal(as_it_was, otherwise)


def test_drift_is_told_once_more_come_late_than_chance_has_it() -> None:
    known = year().with_columns(is_due=pl.lit(value=True))
    until = START + 450 * DAY
    model = learn_lateness(with_past(known), until)
    assert not lateness_drift(model, with_past(known)).much
    late = pl.when(pl.col("promised_at") >= until).then(pl.col("promised_at") + DAY).otherwise(pl.col("received_at"))
    changed = lateness_drift(model, with_past(known.with_columns(received_at=late)))
    assert changed.much
    assert "more than chance: train it anew" in changed.in_words("late", "deliveries")


def test_too_few_deliveries_are_said_so() -> None:
    with pytest.raises(TooFewDeliveries, match="2 lines with an outcome, 1 late"):
        learn_lateness(with_past(lines(["S", "S"], [0, 1], [4, -4])), START + 400 * DAY)


def test_a_line_without_a_promise_is_refused_by_its_key() -> None:
    given_lines = lines(["S", "S"], [0, 1], [4, -4])
    unpromised = given_lines.with_columns(
        promised_at=pl.when(pl.col("line") == 1).then(None).otherwise(pl.col("promised_at"))
    )
    with pytest.raises(ValueError, match="line 1 has no promised_at"):
        with_past(unpromised)


def test_a_line_that_stands_there_twice_is_refused() -> None:
    given_lines = lines(["S"], [0], [4])
    with pytest.raises(ValueError, match="line 0 stands there twice"):
        with_past(pl.concat([given_lines, given_lines]))
