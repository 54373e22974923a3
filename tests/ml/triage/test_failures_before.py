"""What a difference knows of failures: those recorded by its moment, of its SKU, of its system, at its place."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.deltas import FAILURES
from ml.triage.failures_before import FAILURE_SCHEMA, failures_before

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def us(hours: float) -> int:
    return round((NOON + timedelta(hours=hours)).timestamp() * 1_000_000)


def told(rows: Sequence[Mapping[str, object]], failures: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Each row at noon unless it says so otherwise, with what the failures, told by ``hours`` from noon, say of it."""
    asked = [{"as_of": us(0), "sku": "mug", "system": "erp", "location": "EAST", **row} for row in rows]
    known = [{**failure, "recorded_at": us(float(str(failure["hours"])))} for failure in failures]
    frame = pl.DataFrame([[one.get(name) for name in FAILURE_SCHEMA] for one in known], FAILURE_SCHEMA, orient="row")
    return pl.DataFrame(failures_before(pl.DataFrame(asked), frame))


def test_failures_of_the_sku_count_once_they_are_recorded_and_for_so_long() -> None:
    ages = (("mug", -1), ("mug", 0), ("mug", 30), ("mug", 97), ("cup", 2))
    failures = [{"sku": sku, "hours": -age} for sku, age in ages]
    rows: list[Mapping[str, object]] = [{"sku": sku} for sku in ("mug", "cup", "jug")]
    rows.append({"sku": "mug", "as_of": us(1)})
    found = told(rows, failures)
    assert found["failures_day"].to_list() == [1, 1, 0, 2]
    assert found["failures_four_days"].to_list() == [2, 1, 0, 3]


def test_a_failure_speaks_of_the_system_that_told_it_and_of_the_channel_it_was_on_the_way_to() -> None:
    failures = [{"sku": "mug", "system": "erp", "channel": "shop", "hours": -1}]
    rows = [{"system": system} for system in ("erp", "shop", "wms")]
    assert told(rows, failures)["failures_of_system"].to_list() == [1, 1, 0]


def test_beside_a_difference_stand_failures_of_other_skus_on_its_system_there_or_nowhere_in_particular() -> None:
    failures = [
        {"sku": sku, "system": system, "location": place, "hours": -hours}
        for sku, system, place, hours in (
            ("cup", "erp", "EAST", 1),
            ("cup", "erp", None, 1),
            ("cup", "erp", "WEST", 1),
            ("cup", "erp", "EAST", 13),
            ("mug", "erp", "EAST", 1),
            ("cup", "wms", "EAST", 1),
        )
    ]
    rows = [{}, {"location": "WEST"}, {"location": ""}, {"sku": "cup"}, {"system": "shop"}]
    assert told(rows, failures)["failures_there"].to_list() == [2, 2, 3, 1, 0]


def test_the_units_that_the_latest_failure_of_the_sku_named_are_known_for_four_days() -> None:
    failures = [{"sku": "mug", "quantity": units, "hours": -hours} for units, hours in ((7, 99), (12, 30), (0, 1))]
    rows: list[Mapping[str, object]] = [{"as_of": us(hours)} for hours in (0, -30, -31, 66)]
    rows.append({"sku": "cup"})
    assert told(rows, failures)["told_units"].fill_nan(None).to_list() == [12, 12, 7, None, None]


def test_without_any_failure_nothing_is_known() -> None:
    found = told([{}], [])
    assert tuple(found.columns) == FAILURES
    assert found.drop("told_units").row(0) == (0, 0, 0, 0)
    assert found["told_units"].is_nan().all()


_row = st.fixed_dictionaries(
    {
        "as_of": st.integers(0, 120).map(us),
        "sku": st.sampled_from("AB"),
        "system": st.sampled_from(["erp", "shop"]),
        "location": st.sampled_from(["", "EAST", "WEST"]),
    }
)
_failure = st.fixed_dictionaries(
    {
        "hours": st.integers(0, 120),
        "sku": st.sampled_from(["A", "B", None]),
        "system": st.sampled_from(["erp", "shop", None]),
        "channel": st.sampled_from(["shop", None]),
        "location": st.sampled_from(["EAST", "WEST", None]),
        "quantity": st.none(),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_row, min_size=1, max_size=8), st.lists(_failure, max_size=12))
def test_they_are_what_looking_at_every_failure_for_every_row_finds(
    rows: Sequence[Mapping[str, object]], failures: Sequence[Mapping[str, object]]
) -> None:
    found = told(rows, failures)
    for at, row in enumerate(rows):

        def within(failure: Mapping[str, object], hours: int, moment: object = row["as_of"]) -> bool:
            return 0 <= int(str(moment)) - us(float(str(failure["hours"]))) < hours * 3_600_000_000

        here = [one for one in failures if row["system"] in (one["system"], one["channel"])]
        own = [one for one in here if one["sku"] == row["sku"] and within(one, 96)]
        placed = ("", row["location"])
        there = [
            one
            for one in here
            if (one["sku"] or "") != row["sku"]
            and within(one, 12)
            and (row["location"] == "" or (one["location"] or "") in placed)
        ]
        assert found["failures_of_system"][at] == len(own)
        assert found["failures_there"][at] == len(there)
