"""What is shown whatever the detector thinks of it."""

import polars as pl

from ml.triage.hard_rules import shown_from_nothing

ROWS = pl.DataFrame(
    [
        ("units that nobody has", "shop", 4.0, 0.0, 0.0, 0.0),
        ("a warehouse that has some", "shop", 4.0, 0.0, 0.0, 3.0),
        ("a ledger that has some", "shop", 4.0, 0.0, 2.0, 0.0),
        ("what a push under way takes off", "shop", 4.0, 4.0, 0.0, 0.0),
        ("no warehouse that told", "shop", 4.0, None, 0.0, None),
        ("a figure of the warehouse itself", "", 4.0, None, 0.0, 0.0),
    ],
    schema=["case", "channel", "reported", "in_flight", "expected", "wms"],
    orient="row",
)


def test_a_channel_that_shows_units_which_neither_ledger_nor_warehouse_has_is_always_told() -> None:
    assert ROWS.filter(pl.Series(shown_from_nothing(ROWS)))["case"].to_list() == ["units that nobody has"]


def test_without_rows_nothing_is_told() -> None:
    assert not len(shown_from_nothing(ROWS.clear()))
