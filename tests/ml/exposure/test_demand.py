"""Demand is estimated from the time in which there was something to buy."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ml.exposure.demand import dispersion_over, estimate
from ml.exposure.terms import Basis

FIRST = date(2026, 3, 1)


def history(sku: str, units: list[float], hours: list[float] | float = 24.0, channel: str = "web") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sku": sku,
            "channel": channel,
            "day": [FIRST + timedelta(days=day) for day in range(len(units))],
            "units": units,
            "in_stock_hours": hours if isinstance(hours, list) else [hours] * len(units),
        }
    )


def rate(frame: pl.DataFrame, sku: str = "A") -> float:
    found = estimate(frame).of(sku, "web").rate_per_day.value
    assert found is not None
    return found


def test_days_sold_out_are_no_days_without_demand() -> None:
    full = history("A", [4.0] * 20)
    gaps = history("A", [4.0, 0.0] * 20, [24.0, 0.0] * 20)
    assert rate(gaps) == pytest.approx(rate(full)) == pytest.approx(4.0)


def test_half_a_day_in_stock_counts_as_half_a_day() -> None:
    assert rate(history("A", [2.0] * 20, 12.0)) == pytest.approx(4.0)


def test_a_sku_of_few_days_is_drawn_towards_its_category() -> None:
    frame = pl.concat([history("A", [9.0]), history("B", [1.0] * 100)])
    assert 1.0 < rate(frame) < 9.0
    assert estimate(frame).of("A", "web").rate_per_day.basis is Basis.POOLED
    assert estimate(frame).of("B", "web").rate_per_day.basis is Basis.MEASURED


def test_a_new_sku_takes_its_category_and_a_new_category_the_channel() -> None:
    frame = pl.concat([history("A", [9.0] * 40), history("B", [1.0] * 40)])
    book = estimate(frame, {"A": "tools", "B": "toys", "new": "toys", "odd": "food"})
    toys, odd = book.of("new", "web").rate_per_day, book.of("odd", "web").rate_per_day
    assert toys.value == pytest.approx(1.0)
    assert odd.value == pytest.approx(5.0)
    assert {toys.basis, odd.basis} == {Basis.POOLED}
    assert "category" in toys.note
    assert "channel" in odd.note


def test_where_nothing_was_ever_sold_the_demand_is_unknown_in_so_many_words() -> None:
    found = estimate(history("A", [1.0] * 9)).of("A", "marketplace").rate_per_day
    assert found.value is None
    assert found.note


def test_the_newest_days_weigh_most_where_a_half_life_is_given() -> None:
    frame = history("A", [1.0] * 50 + [9.0] * 10)
    recent = estimate(frame, half_life_days=7).of("A", "web").rate_per_day.value
    assert recent is not None
    assert recent > rate(frame)


def test_dispersion_is_found_again_and_pooled_by_category() -> None:
    chance = np.random.default_rng(1)
    frames = []
    for sku in range(30):
        mean = chance.uniform(2, 9)
        frames.append(history(f"calm{sku}", chance.poisson(mean, 90).astype(float).tolist()))
        bursts = chance.poisson(chance.gamma(mean / 4, 4, 90)).astype(float)
        frames.append(history(f"wild{sku}", bursts.tolist()))
    kinds = {f"{kind}{sku}": kind for kind in ("calm", "wild") for sku in range(30)}
    book = estimate(pl.concat(frames), kinds)
    calm, wild = (book.of(f"{kind}0", "web").dispersion.value for kind in ("calm", "wild"))
    assert calm == pytest.approx(1.0, abs=0.1)
    assert wild == pytest.approx(5.0, rel=0.15)


def test_too_few_days_give_no_dispersion() -> None:
    assert estimate(history("A", [1.0, 5.0])).of("A", "web").dispersion.value is None


def test_a_part_of_the_day_is_less_bursty_than_the_day_and_many_days_no_more() -> None:
    assert dispersion_over([0, 6, 24, 240], 5.0).tolist() == [1.0, 2.0, 5.0, 5.0]
    assert dispersion_over(24, 5.0, share=0.5).tolist() == [3.0]


def test_a_day_longer_than_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        estimate(history("A", [1.0], 25.0))


def test_a_history_without_days_knows_nothing() -> None:
    assert estimate(history("A", [])).of("A", "web").rate_per_day.value is None
