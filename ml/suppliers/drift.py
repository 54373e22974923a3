"""Whether deliveries have moved away from those that the live model of lateness learned from."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.registry.stability import MUCH_MOVED, stability
from ml.suppliers.lateness import Lateness


@dataclass(frozen=True)
class LatenessDrift:
    """Of ``lines`` whose outcome the model did not know: the mean chance ``told``, the share ``seen`` late.

    ``moved`` is the population stability index of the chances told, against those of the lines learned from; all but
    ``lines`` are None while there are none.
    """

    lines: int
    told: float | None
    seen: float | None
    moved: float | None

    @property
    def in_words(self) -> str:
        """For a list of models."""
        if self.told is None or self.seen is None or self.moved is None:
            return "no delivery since it learned"
        much = ", much moved: train it anew" if self.moved > MUCH_MOVED else ""
        return f"told {self.told:.1%} and saw {self.seen:.1%} late of {self.lines} since it learned{much}"


def lateness_drift(model: Lateness, told: pl.DataFrame) -> LatenessDrift:
    """How the ``model`` stands to the lines (``own_lines``, ``with_past``) promised since it learned that are due."""
    since = told.filter(pl.col("is_due") & (pl.col("promised_at") >= model.until) & pl.col("known_at").is_not_null())
    if not len(since):
        return LatenessDrift(0, None, None, None)
    chances = model.chances(since)
    late = since["late"].to_numpy().astype(bool)
    return LatenessDrift(len(since), float(chances.mean()), float(late.mean()), _moved(chances, model.usual))


def _moved(chances: NDArray[np.float64], usual: tuple[float, ...]) -> float:
    """How far the shares of ``chances`` (n,) have moved from the tenths that ``usual`` ends."""
    edges = np.unique(usual)
    old = np.diff(np.searchsorted(np.sort(usual), edges, side="right"), prepend=0) / len(usual)
    within = np.searchsorted(edges, chances, side="left").clip(0, len(edges) - 1)
    new = np.bincount(within, minlength=len(edges)) / len(chances)
    return stability(old, new, [len(chances)])
