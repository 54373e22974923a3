"""What people said of a figure holds for as long as its difference stays what they looked at.

An alarm that was none is not raised again at the next snapshot only because nothing has changed since; a fault that was
confirmed is one until its difference is gone, also where a later row by itself would not be strange enough.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.features.definitions import DELTA_SET
from ml.features.deltas import SNAPSHOT

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Matrix = NDArray[np.float32]
Figure = tuple[str, str, str, str]
"""System, SKU, location and state."""

FIGURE = ("system", "sku", "location", "state")
BEYOND = "least_against_own"
SAME_UNITS = 1.0
"""A difference within so many units of the one that was called false is the same."""
QUIET_US = 7 * 86_400_000_000
"""So long it is; what is still off then is looked at again."""
LEAST_LEFT, MOST_GROWN = 0.25, 10.0
"""A confirmed fault goes on while it lies between so many times as far beyond its usual as when it was confirmed."""
LEAST_CHANCE = 0.02
"""From this chance of a fault on a row of a confirmed one is an alarm."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of a figure's row: a fault or none; ``residual`` in units, what in-flight quantities leave of
    reported less expected; ``beyond`` in sd, how far that lies from its usual; and when it was so, microseconds.
    ``snapshot`` is the last of its system, by number, at which it held; NaN where they are not numbered.
    """

    faulty: bool
    residual: float
    beyond: float
    moment_us: int
    snapshot: float = np.nan

    def holds(self, residual: float, beyond: float, moment_us: int) -> bool:
        """Whether it is true of a later row too."""
        if not self.faulty:
            return abs(residual - self.residual) <= SAME_UNITS and moment_us - self.moment_us <= QUIET_US
        least, most = LEAST_LEFT * abs(self.beyond), MOST_GROWN * abs(self.beyond)
        return beyond * self.beyond > 0 and least <= abs(beyond) <= most


def said_of(facts: pl.DataFrame, matrix: Matrix, faulty: Flags) -> Iterator[tuple[Figure, Verdict]]:
    """The verdicts that judging ``facts`` (n rows), described in ``matrix`` (n, k), as ``faulty`` (n,) or not gives."""
    beyond = beyond_usual(matrix)
    for far, fault, (figure, moment_us, residual, snapshot) in zip(beyond, faulty, _rows(facts), strict=True):
        yield figure, Verdict(bool(fault), residual, float(far), moment_us, snapshot)


@dataclass
class Verdicts:
    """The newest verdict on each figure; one that no longer holds is dropped, and holds never again.

    Figures that agree are no rows, so where one was missing at a snapshot its difference was gone.
    """

    of: dict[Figure, Verdict] = field(default_factory=dict)

    def hear(self, said: Iterable[tuple[Figure, Verdict]]) -> None:
        """From here on heed what was ``said`` of figures."""
        self.of.update(said)

    def tell(self, facts: pl.DataFrame, matrix: Matrix) -> NDArray[np.int8]:
        """What holds of each of ``facts`` (n rows by time; ``ml.triage.frames``), described in ``matrix`` (n, k).

        1 for a fault that goes on, -1 for what was said to be none, 0 where nothing was said, or of no earlier row.
        """
        told = np.zeros(facts.height, dtype=np.int8)
        if not self.of or not facts.height:
            return told
        skus = list({sku for _, sku, _, _ in self.of})
        places = np.flatnonzero(facts["sku"].is_in(skus).to_numpy())
        rows = _rows(facts[places])
        for place, far, (figure, *row) in zip(places, beyond_usual(matrix[places]), rows, strict=True):
            moment_us, residual, snapshot = row
            if figure in self.of:
                told[place] = self._tell(figure, float(far), int(moment_us), residual, snapshot)
        return told

    def _tell(self, figure: Figure, beyond: float, moment_us: int, residual: float, snapshot: float) -> int:
        verdict = self.of[figure]
        if moment_us < verdict.moment_us:
            return 0
        goes_on = moment_us > verdict.moment_us
        if goes_on and (snapshot > verdict.snapshot + 1 or not verdict.holds(residual, beyond, moment_us)):
            del self.of[figure]
            return 0
        self.of[figure] = replace(verdict, snapshot=snapshot)
        return (1 if verdict.faulty else -1) if goes_on else 0


def heeded(alarm: Flags, chance: Floats, told: NDArray[np.int8]) -> Flags:
    """Alarms (n,) by what holds of the rows: none of what was ``told`` to be none, and what goes on of faults."""
    found: Flags = (alarm & (told >= 0)) | ((told > 0) & (chance >= LEAST_CHANCE))
    return found


def _rows(facts: pl.DataFrame) -> Iterator[tuple[Figure, int, float, float]]:
    """Each row's figure, its moment in microseconds, what in-flight quantities leave of its difference in units, and
    which of its system's snapshots it is of.
    """
    left = pl.col("reported") - pl.col("expected") - pl.col("in_flight").fill_null(0.0)
    columns = facts.select(
        *(pl.col(name).fill_null("") for name in FIGURE),
        pl.col("as_of").dt.epoch("us"),
        left.fill_null(0.0).fill_nan(0.0).alias("residual"),
        pl.col(SNAPSHOT).fill_null(np.nan),
    )
    for *figure, moment_us, residual, snapshot in columns.iter_rows():
        system, sku, location, state = figure
        yield (system, sku, location, state), moment_us, residual, snapshot


def beyond_usual(matrix: Matrix) -> Floats:
    """How far each row (n,) of the delta set lies beyond its figure's usual, in sd; nothing where that is unknown."""
    column = matrix[:, DELTA_SET.columns((BEYOND,))[0]].astype(np.float64)
    return np.nan_to_num(np.sinh(column))
