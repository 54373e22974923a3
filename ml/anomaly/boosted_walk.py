"""Gradient boosting as flat arrays: the log-odds of a row, and which column moved them by how much.

The nodes are walked as an isolation forest's are (``ml.anomaly.forest_walk``), with a log-odds in the place of a
depth. What a split's feature is credited with is the change of the expected log-odds from a node to the child that the
row goes to, by the rows that were learnt from (Palczewska et al., *Interpreting random forest models*, 2013; Saabas's
rule), so that a row's log-odds are ``start`` plus the sum of its credits.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from ml.anomaly.forest_walk import Floats, ForestWalk, Matrix, by_level, mean_of_children, rounded_down


@dataclass(frozen=True)
class BoostedWalk:
    """``walk`` holds the trees, ``baseline`` is what they are added to."""

    walk: ForestWalk
    baseline: float

    @classmethod
    def of(cls, boosted: HistGradientBoostingClassifier) -> "BoostedWalk":
        """The trees of fitted boosting with two outcomes and without categorical columns."""
        trees = [stage[0].nodes for stage in boosted._predictors]  # scikit-learn tells its trees nowhere else
        nodes = np.concatenate(trees)
        starts = np.cumsum([0, *map(len, trees)])
        first = np.repeat(starts[:-1], np.diff(starts))
        is_leaf = nodes["is_leaf"].astype(bool)
        pair = np.stack([nodes["left"], nodes["right"]], axis=1).astype(np.int64) + first[:, None]
        order, level = by_level(np.where(is_leaf[:, None], -1, pair), starts)
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        nodes, leaf = nodes[order], is_leaf[order]
        left = np.where(leaf, np.arange(len(order)), place[pair[order, 0] * ~leaf]).astype(np.int32)
        split = nodes["feature_idx"].astype(np.int64)
        columns = boosted.n_features_in_
        goes_left = nodes["missing_go_to_left"].astype(bool)
        value = np.where(leaf, nodes["value"], 0.0)
        walk = ForestWalk(
            feature=np.where(leaf, 0, np.where(goes_left, split, split + columns)).astype(np.int32),
            threshold=np.where(leaf, np.float32(np.inf), rounded_down(nodes["num_threshold"])).astype(np.float32),
            left=left,
            depth=mean_of_children(value, left, nodes["count"].astype(np.float64), level, leaf),
            roots=place[starts[:-1]],
            levels=max(1, int(level.max())),
            columns=columns,
            usual_depth=1.0,
        )
        return cls(walk, float(boosted._baseline_prediction.item()))

    @cached_property
    def start(self) -> float:
        """The log-odds expected of any row: where credits start."""
        return self.baseline + self.walk.start

    def log_odds(self, matrix: Matrix) -> Floats:
        """The log-odds (n,) of each row of ``matrix`` (n, columns), as ``decision_function`` has them."""
        return self.baseline + self.walk.depths(matrix)

    def credits(self, matrix: Matrix) -> Floats:
        """By how much each column (n, columns) raised the log-odds above ``start``; negative where it lowered them."""
        return -self.walk.attributions(matrix)
