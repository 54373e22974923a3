"""Oversells against lost sales: what a way to hold back can reach at a given oversell rate."""

from dataclasses import dataclass

import numpy as np

from ml.buffers.backtest import Outcome
from ml.exposure.distribution import Floats


@dataclass(frozen=True)
class Frontier:
    """Rates per unit asked, rising in ``oversell`` (m,), falling in ``lost`` (m,): the settings none other beats."""

    way: str
    oversell: Floats
    lost: Floats

    def lost_at(self, target: float) -> float | None:
        """Lost share at an oversell rate of ``target``, between the settings around it on a straight line.

        None where even the most cautious setting oversells more. A target beyond the boldest setting is met by it.
        """
        if not len(self.oversell) or target < self.oversell[0]:
            return None
        return float(np.interp(target, self.oversell, self.lost))


def frontier(outcome: Outcome, *, stock_outs: bool = False) -> Frontier:
    """Of one way, the same setting for every item.

    Lost are the sales withheld while the units stood in stock; with ``stock_outs`` also those that nothing could serve.
    """
    asked = max(float(outcome.asked.sum()), 1.0)
    lost = outcome.lost if stock_outs else outcome.withheld
    return _best(outcome.way, outcome.oversold.sum(axis=1) / asked, lost.sum(axis=1) / asked)


def frontier_by_item(outcome: Outcome, *, stock_outs: bool = False) -> Frontier:
    """The setting chosen for each item in hindsight: least lost and oversold together, over all ways to weigh them."""
    asked = max(float(outcome.asked.sum()), 1.0)
    lost_units = outcome.lost if stock_outs else outcome.withheld
    oversell, lost = [], []
    for weight in np.geomspace(0.05, 500, 80):
        best = (lost_units + weight * outcome.oversold).argmin(axis=0)[None, :]
        oversell.append(float(np.take_along_axis(outcome.oversold, best, 0).sum() / asked))
        lost.append(float(np.take_along_axis(lost_units, best, 0).sum() / asked))
    return _best(f"{outcome.way}, one for each item in hindsight", np.array(oversell), np.array(lost))


def _best(way: str, oversell: Floats, lost: Floats) -> Frontier:
    order = np.lexsort((lost, oversell))
    kept: list[int] = []
    for setting in order:
        if not kept or lost[setting] < lost[kept[-1]]:
            kept.append(int(setting))
    return Frontier(way, oversell[kept], lost[kept])
