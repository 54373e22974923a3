"""Facts as triage reads them: what was known of a SKU's failures at the moment of a difference."""

from datetime import datetime, timedelta

import polars as pl

from ml.triage.frames import failures_before
from tests.builders import MONDAY


def us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def test_a_difference_knows_the_failures_of_its_sku_that_were_recorded_by_then_and_no_later_ones() -> None:
    failures = pl.DataFrame(
        {
            "sku": ["mug", "mug", "mug", "mug", "cup"],
            "recorded_at": [us(MONDAY - timedelta(hours=age)) for age in (-1, 0, 30, 97, 2)],
        }
    )
    sku = pl.Series(["mug", "cup", "jug", "mug"])
    moments = pl.Series([us(MONDAY)] * 3 + [us(MONDAY + timedelta(hours=1))]).to_numpy()
    day, four_days = failures_before(sku, moments, failures)
    assert day.to_list() == [1, 1, 0, 2]
    assert four_days.to_list() == [2, 1, 0, 3]


def test_without_any_failure_every_count_is_nothing() -> None:
    none = pl.DataFrame(schema={"sku": pl.String, "recorded_at": pl.Int64})
    counts = failures_before(pl.Series(["mug"]), pl.Series([us(MONDAY)]).to_numpy(), none)
    assert [count.to_list() for count in counts] == [[0], [0]]
