"""The *stream* and *document* features: what came in the same minute and in the minutes before.

An adjustment is often keyed in alone, one line after another, by a person with a list: few lines a minute,
minute after minute, each of an odd quantity. A sale comes as a basket. Nothing here looks past the minute
of the row itself.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.features.running import Ints

Floats = NDArray[np.float64]

QUIET_MINUTES = 600
THIN_LINES = 3
THIN_WINDOW = 10
RATE_WINDOW = 5
DECAY_MINUTES = 15.0


class Decay:
    """A sum that forgets: what was added ``DECAY_MINUTES`` ago counts 1/e of it."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._minute: int | None = None

    def advance(self, minutes: Ints, added: Floats) -> Floats:
        """The sum (m,) just before each of the distinct, rising ``minutes``; then ``added`` (m,) is taken in."""
        before = np.empty(len(minutes))
        total, last = self._sum, self._minute
        for at, (minute, value) in enumerate(zip(minutes.tolist(), added.tolist(), strict=True)):
            if last is not None:
                total *= np.exp((last - minute) / DECAY_MINUTES)
            before[at] = total
            total, last = total + value, minute
        self._sum, self._minute = total, last
        return before


class StreamNeighbours:
    """Remembers the lines of the last minutes; its memory does not grow."""

    def __init__(self) -> None:
        self._minutes: Ints = np.empty(0, dtype=np.int64)
        self._lines: Ints = np.empty(0, dtype=np.int64)
        self._surprise = Decay()

    def advance(self, row_minutes: Ints, surprise: Floats) -> Floats:
        """The five stream features (n, 5); ``row_minutes`` (n,) never fall and are later than all before.

        ``surprise`` (n,) is each row's own quantity rarity in nats.
        """
        minutes, row, lines = np.unique(row_minutes, return_inverse=True, return_counts=True)
        all_minutes = np.concatenate([self._minutes, minutes])
        all_lines = np.concatenate([self._lines, lines])
        at = np.arange(len(self._minutes), len(all_minutes))
        recent = counted(all_lines)
        five = recent[at + 1] - recent[np.searchsorted(all_minutes, minutes - RATE_WINDOW + 1)]
        thin = counted(all_lines <= THIN_LINES)
        thin_before = thin[at] - thin[np.searchsorted(all_minutes, minutes - THIN_WINDOW)]
        quiet = np.minimum(np.diff(all_minutes, prepend=minutes[:1] - QUIET_MINUTES)[at], QUIET_MINUTES)
        if not len(self._minutes):
            quiet[0] = QUIET_MINUTES
        within = np.bincount(row, surprise)
        before = self._surprise.advance(minutes, within / lines**2)
        others = before[row] + (within[row] - surprise) / lines[row] ** 2
        keep = all_minutes > minutes[-1] - QUIET_MINUTES
        self._minutes, self._lines = all_minutes[keep], all_lines[keep]
        columns = [lines[row], five[row], quiet[row], thin_before[row], np.maximum(others, 0)]
        return np.log1p(np.stack(columns, axis=1).astype(np.float64))


class DocumentNeighbours:
    """Remembers only two decayed sums."""

    def __init__(self) -> None:
        self._singles = Decay()
        self._surprise = Decay()

    def advance(self, row_minutes: Ints, document: pl.Series | None, surprise: Floats) -> Floats:
        """The four document features (n, 4), NaN where a row names no document."""
        n = len(row_minutes)
        if document is None:
            return np.full((n, 4), np.nan)
        named = np.array([bool(document[0])]) if n == 1 else (document.fill_null("") != "").to_numpy()
        lines, first = lines_of_documents(row_minutes, document)
        minutes, row = np.unique(row_minutes, return_inverse=True)
        documents = np.bincount(row, first & named)
        single = named & (lines == 1)
        odd = np.where(single, surprise, 0.0)
        singles, odds = np.bincount(row, single), np.bincount(row, odd)
        near = self._singles.advance(minutes, singles.astype(np.float64))[row] + singles[row] - single
        near_odd = self._surprise.advance(minutes, odds.astype(np.float64))[row] + odds[row] - odd
        found: Floats = np.log1p(np.stack([lines, documents[row], near, np.maximum(near_odd, 0)], axis=1))
        found[~named] = np.nan
        return found


def lines_of_documents(row_minutes: Ints, document: pl.Series) -> tuple[Floats, NDArray[np.bool_]]:
    """How many lines each row's document has in its minute (n,), and which rows are the first of them (n,)."""
    if len(document) == 1:
        return np.ones(1), np.ones(1, dtype=bool)
    columns = pl.DataFrame({"minute": row_minutes, "document": document})
    lines = columns.select(pl.len().over("minute", "document"))["len"].to_numpy().astype(np.float64)
    first = columns.select(pl.struct("minute", "document").is_first_distinct())["minute"].to_numpy()
    return lines, first


def counted(values: NDArray[np.generic]) -> Ints:
    """Running totals (m + 1,) that start at zero, so that any range is one subtraction."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
