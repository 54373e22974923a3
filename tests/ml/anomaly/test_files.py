"""``score IN OUT``: one row out for each row in, in order, by what was known at its time."""

import json
import os
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml.anomaly.files import score_file
from ml.anomaly.frames import judge_deltas, judge_movements
from ml.anomaly.training import train_delta_detector, train_movement_detector

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


def sales(rows: int, seed: int = 0) -> pl.DataFrame:
    """Baskets of dozens and half dozens, some lines a minute."""
    drawn = np.random.default_rng(seed)
    minute = np.sort(drawn.integers(0, rows // 6, rows))
    return pl.DataFrame(
        {
            "id": [f"m{at}" for at in range(rows)],
            "source": ["shop"] * rows,
            "type": ["ship"] * rows,
            "time": [MONDAY + timedelta(minutes=int(each)) for each in minute],
            "sku": [f"sku-{each}" for each in drawn.integers(0, 40, rows)],
            "location": ["W1"] * rows,
            "quantity": drawn.choice([6, 12, 24], rows),
        }
    )


def with_a_write_off(table: pl.DataFrame) -> pl.DataFrame:
    """The same, and one odd, large adjustment by itself at the end."""
    last = table.tail(1).with_columns(
        id=pl.lit("odd"),
        type=pl.lit("adjust"),
        quantity=pl.lit(-1_227, pl.Int64),
        time=pl.col("time") + pl.duration(minutes=9),
    )
    return pl.concat([table, last])


def test_an_odd_write_off_stands_out_of_ordinary_sales_and_is_explained(tmp_path: Path) -> None:
    with_a_write_off(sales(9_000)).write_parquet(tmp_path / "in.parquet")
    report = score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", {})
    scored = pl.read_parquet(tmp_path / "out.parquet")
    assert scored["id"].to_list() == pl.read_parquet(tmp_path / "in.parquet")["id"].to_list()
    assert (report.rows, report.refused) == (9_001, 0)
    odd = scored.row(-1, named=True)
    assert odd["score"] == scored["score"].max()
    assert odd["p_value"] == scored["p_value"].min()
    assert odd["anomalous"] is True
    assert "kind_rarity" in odd["reasons"] or "size_tail" in odd["reasons"] or "minute_lines" in odd["reasons"]


def test_a_price_that_a_sku_never_had_is_found_by_the_priced_features_alone(tmp_path: Path) -> None:
    drawn = np.random.default_rng(4)
    table = sales(6_000).with_columns(
        unit_price=pl.Series(drawn.choice([2.5, 2.95], 6_000)).set(pl.Series(np.arange(6_000) == 5_990), 30.0)
    )
    table.write_parquet(tmp_path / "in.parquet")
    for features, found in (("priced", True), ("movement", False)):
        score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", {}, features=features)
        strangest = (
            pl.read_parquet(tmp_path / "out.parquet").sort("score", descending=True, nulls_last=True).row(0, named=True)
        )
        assert (strangest["id"] == "m5990") is found
        assert ("price_z" in strangest["reasons"]) is found


def test_rows_before_there_is_history_are_not_scored_and_say_so(tmp_path: Path) -> None:
    sales(200).write_csv(tmp_path / "in.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    report = score_file(tmp_path / "in.csv", tmp_path / "out.jsonl", {})
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert report.abstained == len(rows) == 200
    assert not any(row.get("score") for row in rows)
    assert rows[0]["reasons"].startswith("not scored: 0 earlier rows are known")


def test_a_shipped_detector_scores_from_the_first_row(tmp_path: Path) -> None:
    detectors = {"stream": train_movement_detector(sales(4_000), seed=1).detector}
    sales(200, seed=1).write_parquet(tmp_path / "in.parquet")
    assert score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", detectors).scored == 200


def test_rows_are_judged_in_order_of_time_and_come_out_in_the_order_they_came(tmp_path: Path) -> None:
    detectors = {"stream": train_movement_detector(sales(4_000), seed=1).detector}
    table = sales(300, seed=2).unique("time", keep="first", maintain_order=True)
    table.write_parquet(tmp_path / "sorted.parquet")
    table.sample(fraction=1.0, shuffle=True, seed=5).write_parquet(tmp_path / "mixed.parquet")
    for name in ("sorted", "mixed"):
        score_file(tmp_path / f"{name}.parquet", tmp_path / f"{name}.out.parquet", detectors)
    in_order, mixed = (pl.read_parquet(tmp_path / f"{name}.out.parquet") for name in ("sorted", "mixed"))
    assert mixed["id"].to_list() == pl.read_parquet(tmp_path / "mixed.parquet")["id"].to_list()
    assert mixed.sort("time")["score"].to_list() == in_order["score"].to_list()


def test_a_row_that_cannot_be_read_comes_out_unscored_with_the_reason(tmp_path: Path) -> None:
    detectors = {"stream": train_movement_detector(sales(4_000), seed=1).detector}
    table = sales(20).with_columns(pl.col("quantity").cast(pl.String))
    table = table.with_columns(
        pl.when(pl.col("id") == "m3").then(pl.lit("1.5")).otherwise("quantity").alias("quantity")
    )
    table.write_csv(tmp_path / "in.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    report = score_file(tmp_path / "in.csv", tmp_path / "out.csv", detectors)
    broken = pl.read_csv(tmp_path / "out.csv").row(3, named=True)
    assert (report.rows, report.scored, report.refused) == (20, 19, 1)
    assert (broken["id"], broken["score"]) == ("m3", None)
    assert broken["reasons"].startswith("not scored: quantity")


def deltas(moments: int, seed: int = 0) -> pl.DataFrame:
    drawn = np.random.default_rng(seed)
    rows = moments * 50
    expected = drawn.integers(20, 80, rows)
    return pl.DataFrame(
        {
            "id": [f"d{at}" for at in range(rows)],
            "as_of": [MONDAY + timedelta(hours=6 * (at // 50)) for at in range(rows)],
            "sku": [f"sku-{at % 50}" for at in range(rows)],
            "location": ["W1"] * rows,
            "channel": ["shop"] * rows,
            "expected": expected,
            "reported": expected + drawn.integers(-1, 2, rows),
            "event_lag_s": drawn.integers(60, 900, rows),
        }
    )


def test_deltas_are_told_by_their_columns_and_a_fault_among_them_is_found(tmp_path: Path) -> None:
    detectors = {"delta": train_delta_detector(deltas(100), seed=1).detector}
    table = deltas(4, seed=3).with_columns(
        pl.when(pl.col("id") == "d170").then(pl.lit(0)).otherwise("reported").alias("reported")
    )
    table.write_parquet(tmp_path / "in.parquet")
    report = score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", detectors)
    scored = pl.read_parquet(tmp_path / "out.parquet")
    assert (report.table, report.rows, report.scored) == ("deltas", 200, 200)
    assert scored.row(scored["score"].arg_max(), named=True)["id"] == "d170"


def test_a_table_in_memory_gets_the_verdicts_that_its_file_gets(tmp_path: Path) -> None:
    detector = train_delta_detector(deltas(100), seed=1).detector
    table = deltas(4, seed=3).sample(fraction=1.0, shuffle=True, seed=2)
    table.write_parquet(tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", {"delta": detector})
    found = judge_deltas(table, detector)
    assert found.score.tolist() == pl.read_parquet(tmp_path / "out.parquet")["score"].to_list()
    assert judge_movements(sales(100), None).abstained.startswith("not scored")


def shared_data() -> Path:
    return Path(os.environ.get("STOCKTRIAGE_SHARED_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


@pytest.mark.proof
def test_real_adjustments_are_ranked_better_than_by_a_plain_isolation_forest() -> None:
    if not (shared_data() / "retail_movements.feed.parquet").exists():
        pytest.skip("the shared evaluation data is not here")
    from benchmarks.retail_movements import figures, read_task

    told = takewhile(lambda figure: not figure.measure.startswith("stream"), figures(read_task(shared_data(), None), 1))
    found = {figure.measure: figure for figure in told}
    for measure, least in (("AUC-ROC", 0.95), ("average precision", 0.15), ("precision@100", 0.45)):
        figure = found[f"movement {measure}"]
        assert figure.value >= max(figure.against_value or 1.0, least)
