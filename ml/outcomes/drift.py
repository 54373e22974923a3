"""Whether what a model tells of outcomes still comes true, beyond what chance moves."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

BEYOND_CHANCE = 3.0
"""Standard errors between the share told and the share seen at which a model is to be trained anew."""


@dataclass(frozen=True)
class CalibrationDrift:
    """Of ``cases`` whose outcome the model did not know: the share ``told`` and the share ``seen``.

    ``errors`` is their distance in standard errors of the share seen; all but ``cases`` are None while there are none.
    """

    cases: int
    told: float | None
    seen: float | None
    errors: float | None

    @property
    def much(self) -> bool:
        """Whether it is more than chance."""
        return self.errors is not None and abs(self.errors) > BEYOND_CHANCE

    def in_words(self, outcome: str, cases: str) -> str:
        """For a list of models: what happened, as ``late``, of what, as ``deliveries``."""
        if self.told is None or self.seen is None:
            return f"no {cases} since it learned"
        much = ", more than chance: train it anew" if self.much else ""
        return f"told {self.told:.1%} and saw {self.seen:.1%} {outcome} of {self.cases} {cases} since it learned{much}"


NOTHING_SEEN = CalibrationDrift(0, None, None, None)


def calibration_drift(
    chances: NDArray[np.float64], happened: NDArray[np.bool_], days: NDArray[np.int64], off: float
) -> CalibrationDrift:
    """How ``chances`` (n,) stand to what ``happened`` (n,) on ``days`` (n,), of a model ``off`` from the first.

    Chance moves the share seen by the cases of one day together, which share their causes (Liang and Zeger,
    "Longitudinal data analysis using generalized linear models", Biometrika 73(1), 1986), and the share told by what
    ``off_in_blocks`` has found.
    """
    if not len(chances):
        return NOTHING_SEEN
    told, seen = float(chances.mean()), float(happened.mean())
    _, day = np.unique(days, return_inverse=True)
    together = np.bincount(day, happened - chances - (seen - told))
    tosses = float((chances * (1 - chances)).sum())
    # At least that of one toss, so that certain chances leave room for one surprise.
    of_seen = max(float((together**2).sum()), tosses, 1.0) / len(chances) ** 2
    return CalibrationDrift(len(chances), told, seen, (seen - told) / sqrt(of_seen + off**2))


BLOCKS = 5
"""In which the cases learned from are looked at, one after the other in time."""


def off_in_blocks(count: int, told_and_seen: Callable[[NDArray[np.bool_]], tuple[float, float]]) -> float:
    """How far the share told is off the share seen, as root mean square over ``BLOCKS`` of ``count`` cases in order.

    ``told_and_seen`` learns from the cases outside a block (count,) and answers for those in it: what a model was off
    before anything had changed is no drift.
    """
    edges = np.linspace(0, count, BLOCKS + 1).astype(np.int64)
    off = []
    for begin, end in pairwise(edges.tolist()):
        inside = np.zeros(count, dtype=bool)
        inside[begin:end] = True
        told, seen = told_and_seen(inside)
        off.append(told - seen)
    return float(np.sqrt(np.mean(np.square(off))))
