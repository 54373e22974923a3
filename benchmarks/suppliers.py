"""Whether late deliveries and back-orders are told beforehand, on real purchase orders and a real snapshot of stock.

    python -m benchmarks.suppliers --data DIR [--json]

``DIR`` holds ``supplier_deliveries.parquet`` or ``erp_stock_snapshot.parquet``, or both. Lateness is learned from lines
promised before the last quarter and told for the last quarter; a line is described by what was known when it was
ordered, 30 days before its promise where that date is missing. Its peer, the vendor's past late share, knows the same
at the same time, leaning on that of all vendors while there are few lines, and as it is. Back-orders are told out of
five folds of SKUs, beside three months of forecast over stock and transit. Calibration: the mean chance told in each
fifth of the rows beside the share in which it happened.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from benchmarks.rig.figures import Figure, show
from ml.suppliers.back_orders import COUNTS, OPTIONAL, cover_need, describe, learn_back_orders
from ml.suppliers.deliveries import late_share, with_past
from ml.suppliers.lateness import learn_lateness

DELIVERIES, SNAPSHOT = "supplier_deliveries.parquet", "erp_stock_snapshot.parquet"
RESAMPLES = 400
SNAPSHOT_COLUMNS = (
    "national_inv", "in_transit_qty", "forecast_3_month", "forecast_6_month", "forecast_9_month", "sales_1_month",
    "sales_3_month", "sales_6_month", "sales_9_month", "min_bank", "pieces_past_due", "local_bo_qty",
    "lead_time", "perf_6_month_avg", "perf_12_month_avg",
)  # fmt: skip
"""As the snapshot calls ``COUNTS`` and ``OPTIONAL``."""

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def main() -> None:
    """Print ranking and calibration for each data set in the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet files")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    readers = {DELIVERIES: lateness, SNAPSHOT: back_orders}
    found = {name: read for name, read in readers.items() if (said.data / name).exists()}
    if not found:
        parser.error(f"{said.data} holds neither {DELIVERIES} nor {SNAPSHOT}")
    show((figure for name, read in found.items() for figure in read(said.data / name)), said.json)


def lateness(file: Path) -> Iterator[Figure]:
    """Late lines of the last quarter by promised date."""
    lines = pl.read_parquet(file).select(
        "site", "item",
        line="line_id", supplier="vendor", destination="country", transport="mode", product_class="sub_class",
        ordered_at="po_sent", promised_at="scheduled", received_at="delivered", recorded_at="recorded",
        quantity="quantity_packs", value="value_usd", shipment=pl.col("shipment_no").cast(pl.String),
    )  # fmt: skip
    told = with_past(lines).sort("promised_at", "line")
    until = told["promised_at"][len(told) * 3 // 4]
    asked = told.filter(pl.col("promised_at") >= until)
    late = asked["late"].to_numpy().astype(bool)
    chances, past = learn_lateness(told, until).chances(asked), late_share(asked, "supplier")
    yield from ranking("late deliveries", late, chances, "vendor's past late share", past)
    as_it_is = (asked["supplier_late"] / asked["supplier_lines"].clip(1)).to_numpy()
    yield from ranking("late deliveries", late, chances, "vendor's past late share as it is", as_it_is)
    yield resampled(late, chances, past, asked["shipment"])
    yield from calibration("late deliveries", late, chances)


def back_orders(file: Path) -> Iterator[Figure]:
    """SKUs that went on back-order the week after the snapshot."""
    snapshot = pl.read_parquet(file)
    names = dict(zip(SNAPSHOT_COLUMNS, (*COUNTS, *OPTIONAL), strict=True))
    skus = snapshot.select(SNAPSHOT_COLUMNS).rename(names)
    happened = snapshot["went_on_backorder"].to_numpy().astype(bool)
    chances = np.zeros(len(skus))
    for learned, unseen in StratifiedKFold(5, shuffle=True, random_state=0).split(chances, happened):
        trees = learn_back_orders(skus[learned], happened[learned])
        chances[unseen] = trees.predict_proba(describe(skus[unseen]))[:, 1]
    yield from ranking("back-orders", happened, chances, "3-month demand / (stock + transit)", cover_need(skus))
    yield from calibration("back-orders", happened, chances)


def ranking(what: str, happened: Flags, chances: Values, against: str, peer: Values) -> Iterator[Figure]:
    """Area under the ROC curve and average precision."""
    for measure, score in (("AUC-ROC", roc_auc_score), ("average precision", average_precision_score)):
        ours, theirs = float(score(happened, chances)), float(score(happened, peer))
        yield Figure(f"{measure}, {what}", ours, "", against, theirs, ours / theirs)


def resampled(late: Flags, chances: Values, past: Values, shipments: pl.Series) -> Figure:
    """In how many resamples, whole shipments at a time, both measures are above the peer's: lines travel together."""
    members = [np.flatnonzero(shipments.to_numpy() == one) for one in shipments.unique(maintain_order=True)]
    chance = np.random.default_rng(0)
    better = 0
    for _ in range(RESAMPLES):
        rows = np.concatenate([members[drawn] for drawn in chance.integers(0, len(members), len(members))])
        better += all(
            score(late[rows], chances[rows]) > score(late[rows], past[rows])
            for score in (roc_auc_score, average_precision_score)
        )
    return Figure("late deliveries, resamples better in both", better / RESAMPLES, "share")


def calibration(what: str, happened: Flags, chances: Values) -> Iterator[Figure]:
    """Each fifth of the rows by chance, and the mean distance weighed by rows."""
    fifths = np.array_split(np.argsort(chances, kind="stable"), 5)
    for place, rows in enumerate(fifths, 1):
        said, seen = float(chances[rows].mean()), float(happened[rows].mean())
        yield Figure(
            f"{what}, chance told, fifth {place}", said, "share", "share seen", seen, said / seen if seen else None
        )
    yield Figure(f"share of {what}", float(happened.mean()), "share")
    apart = [abs(chances[rows].mean() - happened[rows].mean()) * len(rows) for rows in fifths]
    yield Figure(f"{what}, calibration error", float(sum(apart) / len(chances)), "share")


if __name__ == "__main__":
    main()
