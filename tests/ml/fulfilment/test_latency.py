"""How long orders wait, from what was known when they were placed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.fulfilment.drift import latency_drift
from ml.fulfilment.latency import TooFewOrders, learn_latency, past_quantile, pinball
from ml.fulfilment.orders import outcomes_at, with_past

START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
HOUR = timedelta(hours=1)


def orders(places: list[str], placed: list[float], waited: list[float | None]) -> pl.DataFrame:
    """Orders placed so many hours after the start, each done ``waited`` hours later; None is still open."""
    begun = [START + at * HOUR for at in placed]
    done = [None if hours is None else at + hours * HOUR for at, hours in zip(begun, waited, strict=True)]
    count = len(places)
    return pl.DataFrame(
        {
            "order": range(count), "place": places, "channel": ["shop"] * count, "destination": [None] * count,
            "product": ["MUG"] * count, "placed_at": begun, "done_at": done, "recorded_at": done,
            "closed_at": [None] * count, "units": [1] * count, "value": [None] * count, "promised_at": [None] * count,
        },
        schema_overrides={
            "destination": pl.String, "done_at": MOMENT, "recorded_at": MOMENT, "closed_at": MOMENT,
            "value": pl.Float64, "promised_at": MOMENT,
        },
    )  # fmt: skip


def quarter(seed: int = 0, slower: float = 1.0) -> pl.DataFrame:
    """Two orders an hour for 60 days: LEEDS takes one hour in the mean, YORK four and twice that at night."""
    chance = np.random.default_rng(seed)
    placed = np.sort(chance.uniform(0, 60 * 24, 1_000))
    places = chance.choice(["LEEDS", "YORK"], len(placed))
    night = (placed % 24) < 8
    mean = np.where(places == "LEEDS", 1.0, 4.0 * (1 + night)) * np.where(placed > 45 * 24, slower, 1.0)
    return orders(places.tolist(), placed.tolist(), chance.exponential(mean).tolist())


UNTIL = START + 45 * 24 * HOUR
END = START + 70 * 24 * HOUR


def test_nine_of_ten_orders_are_through_within_what_is_told_at_each_place_and_at_night() -> None:
    told = with_past(quarter())
    asked = told.filter(pl.col("placed_at") >= UNTIL)
    within = asked["hours"].to_numpy() <= learn_latency(told, UNTIL).hours(asked)
    night = ((asked["placed_at"].dt.hour() < 8) & (asked["place"] == "YORK")).to_numpy()
    assert within.mean() == pytest.approx(0.9, abs=0.04)
    assert within[night].mean() == pytest.approx(0.9, abs=0.1)


def test_it_is_worth_more_than_the_past_of_the_place() -> None:
    told = with_past(quarter())
    asked = told.filter(pl.col("placed_at") >= UNTIL)
    hours = asked["hours"].to_numpy()
    ours = pinball(hours, learn_latency(told, UNTIL).hours(asked)).mean()
    assert ours < pinball(hours, past_quantile(outcomes_at(told, UNTIL), asked)).mean()


@given(st.lists(st.floats(0, 30), min_size=12, max_size=12), st.integers(1, 11))
def test_nothing_that_was_heard_later_describes_an_order(waited: list[float], at: int) -> None:
    whole = orders(["LEEDS", "YORK"] * 6, [3.0 * place for place in range(12)], list(waited))
    told = with_past(whole)
    unheard = told["known_at"] >= told["placed_at"][at]
    forgotten = whole.with_columns(
        pl.when(unheard).then(None).otherwise(pl.col(name)).alias(name) for name in ("done_at", "recorded_at")
    )
    pasts = [name for name in told.columns if name.endswith(("_orders", "_sum"))] + ["waiting"]
    assert with_past(forgotten).select(pasts).row(at) == pytest.approx(told.select(pasts).row(at))


def test_the_orders_of_a_place_that_are_open_wait_before_a_new_one() -> None:
    told = with_past(orders(["LEEDS", "LEEDS", "YORK", "LEEDS"], [0, 1, 1, 2], [1.5, None, None, 1]))
    assert told["waiting"].to_list() == [0, 1, 0, 1]


def test_orders_placed_too_lately_tell_no_outcome_and_what_never_comes_is_no_slow_order() -> None:
    told = with_past(orders(["LEEDS"] * 4, [0, 1, 2, 90], [10, None, 20, 1]))
    assert outcomes_at(told, START + 100 * HOUR)["order"].to_list() == [0, 2]


def test_drift_is_told_once_orders_wait_longer_than_chance_has_it() -> None:
    known = with_past(quarter())
    model = learn_latency(known, UNTIL)
    assert not latency_drift(model, known, END).much
    slower = latency_drift(model, with_past(quarter(slower=3.0)), END)
    assert slower.much
    assert "more than chance" in slower.in_words("within what it told", "orders")
    assert latency_drift(model, known, UNTIL).cases == 0


def test_too_few_orders_are_said_so() -> None:
    with pytest.raises(TooFewOrders, match="2 orders with an outcome: 300 are needed"):
        learn_latency(with_past(orders(["LEEDS"] * 2, [0, 1], [1, 1])), END)


def test_an_order_done_before_it_was_placed_or_told_twice_is_refused_by_its_key() -> None:
    with pytest.raises(ValueError, match="order 1 was done before it was placed"):
        with_past(orders(["LEEDS"] * 2, [0, 1], [1, -1]))
    once = orders(["LEEDS"], [0], [1])
    with pytest.raises(ValueError, match="order 0 stands there twice"):
        with_past(pl.concat([once, once]))
