"""The shipped detectors' forests on labelled outlier sets that others know, beside scikit-learn's default.

    python -m benchmarks.adbench --data DIR [--seeds N] [--json]

``DIR`` holds one parquet file a set: columns ``f0`` to ``fk`` and ``label`` (1 is an outlier), such as the classical
sets of ADBench (Han et al., NeurIPS 2022). Each detector is fitted by the product's own ``fit`` with the forest sizes
of its specification, without labels, then scores the whole set; there is no branch for a set. Rows are
shuffled first, for the product takes its calibration from the last three tenths. The peer, scikit-learn's
IsolationForest as it comes, is fitted on the whole set. Figures are means over the seeds.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.rig.figures import Figure, show
from ml.anomaly.detector import Matrix, fit
from ml.anomaly.specification import Specification
from ml.features.feature import Feature, FeatureSet, Tail
from ml.training.detectors import SPECIFICATIONS

Floats = NDArray[np.float64]
MEASURES = {"AUC-ROC": roc_auc_score, "average precision": average_precision_score}
PEER = "scikit-learn's default"


def for_columns(shipped: Specification, names: list[str]) -> Specification:
    """The shipped sizes on columns of which nothing is known but their names; any number of rows will do."""
    columns = tuple(Feature(name, "", "row", "none", "", "", strange=Tail.BOTH) for name in names)
    return replace(shipped, features=FeatureSet("columns", columns), forest=tuple(names), warm_rows=0)


def measured(table: pl.DataFrame, seed: int) -> dict[str, dict[str, float]]:
    """Each measure of the shipped detectors and of the peer on one set."""
    names = [name for name in table.columns if name != "label"]
    order = np.random.default_rng(seed).permutation(table.height)
    matrix: Matrix = table.select(names).to_numpy().astype(np.float32)[order]
    labels = table["label"].to_numpy()[order]
    peer: Floats = -IsolationForest(random_state=seed).fit(matrix).score_samples(matrix)
    scores = {name: fit(for_columns(one, names), matrix, seed).score(matrix) for name, one in SPECIFICATIONS.items()}
    return {
        who: {measure: float(of(labels, found)) for measure, of in MEASURES.items()}
        for who, found in {**scores, PEER: peer}.items()
    }


def figures(folder: Path, seeds: int) -> Iterator[Figure]:
    """A line a set and detector, and the means over all sets at the end."""
    means: dict[tuple[str, str], list[float]] = {}
    for path in sorted(folder.glob("*.parquet")):
        runs = [measured(pl.read_parquet(path), seed) for seed in range(seeds)]
        for measure in MEASURES:
            mean = {who: float(np.mean([run[who][measure] for run in runs])) for who in runs[0]}
            for who, value in mean.items():
                means.setdefault((who, measure), []).append(value)
            for who in SPECIFICATIONS:
                yield beside(f"{who} {measure}, {path.stem}", mean[who], mean[PEER])
    for measure in MEASURES:
        for who in SPECIFICATIONS:
            mine, peer = np.mean(means[who, measure]), np.mean(means[PEER, measure])
            yield beside(f"{who} mean {measure}", float(mine), float(peer))
            yield Figure(f"{who} mean {measure} less {PEER}", float(mine - peer), "share")


def beside(measure: str, value: float, peer: float) -> Figure:
    """``value`` against the peer's of the same run."""
    return Figure(measure, value, "share", PEER, peer, value / peer)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one parquet file a set")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    if not list(told.data.glob("*.parquet")):
        parser.error(f"there is no parquet file in {told.data}")
    show(figures(told.data, told.seeds), told.json)


if __name__ == "__main__":
    main()
