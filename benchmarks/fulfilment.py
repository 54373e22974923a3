"""Within how many days orders are through, told when they were placed, on real marketplace orders.

    python -m benchmarks.fulfilment --data DIR [--history DIR] [--json]

``DIR`` holds ``order_fulfilment.parquet``. The model of fulfilment latency (``ml.fulfilment``) learns from the orders
placed before the last quarter (of those in ``--history`` where that is given) and tells for each later one within how
many hours nine of ten orders like it are through, from what was known when it was placed. An order goes from purchase
to delivery; its place is the buyer's state, for these orders do not name who sent them. Peers: what nine of ten earlier
orders of the same state, and of all, took, and the date promised to the buyer. The pinball loss is that of a ninth
decile: least where exactly one of ten takes longer.
"""

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.rig.figures import Figure, show
from ml.fulfilment.latency import learn_latency, past_quantile, pinball
from ml.fulfilment.orders import SHARE, outcomes_at, with_past

FILE = "order_fulfilment.parquet"
RESAMPLES = 400


def main() -> None:
    """Print loss and share within for the orders in the folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the Parquet file")
    parser.add_argument("--history", type=Path, help="folder with earlier orders to learn from")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    show(figures(said.data, said.history), said.json)


def figures(folder: Path, history: Path | None) -> Iterator[Figure]:
    """Ours beside each peer."""
    orders, earlier = read(folder), None if history is None else read(history)
    told = with_past(orders if earlier is None else pl.concat([earlier, orders]).unique("order", keep="first"))
    told = told.sort("placed_at", "order")
    begins = told if earlier is None else orders.sort("placed_at")
    until: datetime = begins["placed_at"][len(told) * 3 // 4 if earlier is None else 0]
    model, seen = learn_latency(told, until), outcomes_at(told, until)
    asked = told.filter((pl.col("placed_at") >= until) & pl.col("hours").is_not_null())
    hours, ours = asked["hours"].to_numpy(), model.hours(asked)
    every = np.full(len(asked), np.quantile(seen["hours"].to_numpy(), SHARE))
    peers = {"state's past": past_quantile(seen, asked), "past of all": every}
    for against, peer in peers.items():
        yield loss(hours, ours, against, peer)
    known = asked["promised_at"].is_not_null().to_numpy()
    promised = (asked["promised_at"] - asked["placed_at"]).dt.total_microseconds().to_numpy()[known] / 3.6e9
    yield loss(hours[known], ours[known], "promised date", promised)
    yield resampled(hours, ours, peers["state's past"], asked["placed_at"].dt.epoch("d").to_numpy())
    for against, peer in peers.items():
        within, theirs = float((hours <= ours).mean()), float((hours <= peer).mean())
        yield Figure("orders through within what was told", within, "share", against, theirs, within / theirs)
    yield Figure("orders told of", float(len(asked)), "orders")


def read(folder: Path) -> pl.DataFrame:
    """The orders as the model reads them."""
    orders = pl.read_parquet(folder / FILE)
    never = pl.lit(None, dtype=orders.schema["purchased"])
    return orders.select(
        order="id", place="state", channel=pl.lit(None, dtype=pl.String), destination="state", product="category",
        placed_at="purchased", done_at="delivered", recorded_at="delivered", closed_at=never, units="items",
        value="value_brl", promised_at="promised",
    )  # fmt: skip


def loss(hours: NDArray[np.float64], ours: NDArray[np.float64], against: str, peer: NDArray[np.float64]) -> Figure:
    """Mean pinball loss."""
    own, theirs = float(pinball(hours, ours).mean()), float(pinball(hours, peer).mean())
    return Figure("pinball loss of the ninth decile", own, "h", against, theirs, own / theirs)


def resampled(
    hours: NDArray[np.float64], ours: NDArray[np.float64], peer: NDArray[np.float64], days: NDArray[np.int64]
) -> Figure:
    """In how many resamples, whole days at a time, the loss is below the peer's."""
    _, day = np.unique(days, return_inverse=True)
    over = np.bincount(day, pinball(hours, peer) - pinball(hours, ours))
    drawn = np.random.default_rng(0).integers(0, len(over), (RESAMPLES, len(over)))
    return Figure(
        "resamples in which the loss is below the state's past", float((over[drawn].sum(1) > 0).mean()), "share"
    )


if __name__ == "__main__":
    main()
