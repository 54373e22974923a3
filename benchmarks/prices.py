"""How well wrong prices are found among real sales, and what watching prices costs the search for odd quantities.

    python -m benchmarks.prices --data DIR [--seeds N] [--json]

``DIR`` holds the three files of ``retail_movements``. Its prices give its own labels away, so those are not the task:
among sales at a price, three in a thousand of the last quarter by time are priced wrong here: a case as a piece or the
other way round (times or over 12), pounds taken for euros or back (1.17), or the price of another SKU. The *priced*
detector, fitted on the three quarters before, stands beside the *movement* one, which sees no price, and beside
``|z|`` of the log price alone. What it costs is told on the manual adjustments, whose own price is hidden.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from benchmarks.retail_movements import HISTORY_SHARE, LABELS, as_events, read_feed
from benchmarks.rig.figures import Figure, show
from ml.anomaly.detector import fit
from ml.anomaly.specification import MOVEMENT, PRICED, Specification
from ml.anomaly.training import BURN_IN_SHARE
from ml.features.movements import Described, Movements, describe

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RAW = "retail_movements.raw.parquet"
WRONG_SHARE = 0.003
PACK, EUROS_A_POUND = 12.0, 1.17
KINDS = {1: "case for piece", 2: "currency", 3: "price of another SKU"}


def read_priced(data: Path) -> pl.DataFrame:
    """The feed with each line's price, label and kind. Raises ``OSError`` where a file is missing."""
    priced = pl.read_parquet(data / RAW).select(
        pl.col("movement_id").cast(pl.Int64), pl.col("unit_price_gbp").cast(pl.Float64).alias("unit_price")
    )
    told = pl.read_parquet(data / LABELS).select(pl.col("movement_id").cast(pl.Int64), "label", "kind")
    return read_feed(data).join(priced, on="movement_id", maintain_order="left").join(
        told, on="movement_id", maintain_order="left"
    )  # fmt: skip


def with_wrong_prices(price: Floats, since: int, seed: int) -> tuple[Floats, Ints]:
    """``price`` (n,) with wrong ones from row ``since`` on, and which of ``KINDS`` each is (n,), 0 for a right one."""
    rng = np.random.default_rng(seed)
    found, kind = price.copy(), np.zeros(len(price), dtype=np.int64)
    rows = since + rng.choice(len(price) - since, int((len(price) - since) * WRONG_SHARE), replace=False)
    kind[rows] = rng.integers(1, len(KINDS) + 1, len(rows))
    factor = np.where(kind[rows] == 1, PACK, EUROS_A_POUND) ** rng.choice([-1.0, 1.0], len(rows))
    found[rows] = np.where(kind[rows] == 3, price[rng.integers(0, len(price), len(rows))], price[rows] * factor)
    return found, np.where(found == price, 0, kind)


def figures(data: Path, seeds: int) -> Iterator[Figure]:
    """All that is told."""
    lines = read_priced(data)
    sales = lines.filter((pl.col("kind") == "sale") & (pl.col("unit_price") > 0))
    since = int(sales.height * HISTORY_SHARE)
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        price, wrong = with_wrong_prices(sales["unit_price"].to_numpy(), since, seed)
        described = described_at(sales, price)
        z = np.abs(np.nan_to_num(described.matrix(PRICED.features)[since:, PRICED.features.names.index("price_z")]))
        with_price, without = (scored(described, specification, since, seed) for specification in (PRICED, MOVEMENT))
        for number, name in ((0, "any"), *KINDS.items()):
            looked_at = np.flatnonzero((wrong[since:] == 0) | (number == 0) | (wrong[since:] == number))
            is_wrong = wrong[since:][looked_at] > 0
            precision = [float(average_precision_score(is_wrong, one[looked_at])) for one in (with_price, z, without)]
            found.setdefault(name, []).append(precision)
    for name, values in found.items():
        ours, z_alone, blind = (float(one) for one in np.mean(values, axis=0))
        yield Figure(f"average precision, {name}", ours, "AP", "|z| of the price", z_alone, ours / z_alone)
        yield Figure(f"average precision without prices, {name}", blind, "AP")
    yield from cost(lines)


def cost(lines: pl.DataFrame) -> Iterator[Figure]:
    """What the manual adjustments' average precision is with and without the prices of all other lines."""
    price = np.where((lines["label"].to_numpy() == 1) | (lines["unit_price"] <= 0).to_numpy(), np.nan,
                     lines["unit_price"].to_numpy())  # fmt: skip
    first, last = lines["ts"][0], lines["ts"][-1]
    since = int(lines["ts"].search_sorted(first + (last - first) * HISTORY_SHARE))
    label = lines["label"].to_numpy()[since:]
    described = described_at(lines, price)
    ours, blind = (
        float(average_precision_score(label[label >= 0], scored(described, specification, since, 0)[label >= 0]))
        for specification in (PRICED, MOVEMENT)
    )
    yield Figure("average precision of adjustments, which have no price", ours, "AP", "without prices", blind,
                 ours / blind)  # fmt: skip


def described_at(lines: pl.DataFrame, price: Floats) -> Described:
    """The features of ``lines`` (n rows) at ``price`` (n,), NaN for none."""
    told = pl.Series("unit_price", price).fill_nan(None)
    return describe(Movements.from_events(as_events(lines).with_columns(told)))


def scored(described: Described, specification: Specification, since: int, seed: int) -> Floats:
    """The scores of the rows from ``since`` on by a detector of those before."""
    matrix = described.matrix(specification.features)
    return fit(specification, matrix[int(since * BURN_IN_SHARE) : since], seed).score(matrix[since:])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    show(figures(said.data, said.seeds), said.json)


if __name__ == "__main__":
    main()
