"""Running statistics by key: what had been seen of a key before each row, carried from batch to batch.

Everything is whole numbers, so the answer is the same to the last bit whether a history comes in one
batch or in many. Memory grows with the number of distinct keys, never with the number of rows.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NEVER = np.int64(np.iinfo(np.int64).min)
"""What ``LastSeen`` answers for a key it has not met."""


FEW = 64
"""Up to so many texts are numbered one by one, which is quicker than setting up a join."""


@dataclass(frozen=True)
class Grouping:
    """Rows of one batch put side by side by key; the order of rows within a key is kept."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    keys: Ints
    group: NDArray[np.intp]

    @classmethod
    def by(cls, keys: Ints) -> "Grouping":
        """``order`` sorts the rows, ``starts`` and ``keys`` name each group, ``group`` is per sorted row."""
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        first = np.ones(len(ordered), dtype=bool)
        first[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(first)
        return cls(order, starts, ordered[starts], np.cumsum(first) - 1)


def together(*columns: Ints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which rows (n,) are alike in all ``columns``: the first row of each group, and each row's group.

    Groups are in order of the first column, then the second, and so on.
    """
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, code = np.unique(column, return_inverse=True)
        key = key * (int(code.max(initial=0)) + 1) + code
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return first, group


class RunningSums:
    """Sums of ``width`` whole-number columns by key, over all rows before the row asked about."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.keys: Ints = np.empty(0, dtype=np.int64)
        self.sums: Ints = np.empty((0, width), dtype=np.int64)

    def look_up(self, keys: Ints) -> Ints:
        """The sums (n, width) of ``keys`` as they stand; zero for a key never met."""
        found = np.zeros((len(keys), self.width), dtype=np.int64)
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            found[known] = self.sums[place[known]]
        return found

    def advance(self, keys: Ints, values: Ints) -> Ints:
        """The sums (n, width) before each row, rows of this batch included; then all rows are taken in.

        ``keys`` (n,) and ``values`` (n, width) are in order of arrival.
        """
        if not len(keys):
            return np.zeros((0, self.width), dtype=np.int64)
        groups = Grouping.by(keys)
        ordered = values[groups.order]
        carried = self.look_up(groups.keys)
        exclusive = np.cumsum(ordered, axis=0) - ordered
        exclusive += (carried - exclusive[groups.starts])[groups.group]
        before = np.empty_like(exclusive)
        before[groups.order] = exclusive
        self._merge(groups.keys, carried + np.add.reduceat(ordered, groups.starts, axis=0))
        return before

    def _merge(self, keys: Ints, sums: Ints) -> None:
        self.keys, self.sums = merged(self.keys, self.sums, keys, sums)


class LastSeen:
    """The value that the last earlier row of the same key had."""

    def __init__(self) -> None:
        self.keys: Ints = np.empty(0, dtype=np.int64)
        self.values: Ints = np.empty(0, dtype=np.int64)

    def look_up(self, keys: Ints) -> Ints:
        """The last value (n,) of each key as things stand, ``NEVER`` where there is none."""
        found = np.full(len(keys), NEVER)
        if len(self.keys):
            place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
            known = self.keys[place] == keys
            found[known] = self.values[place[known]]
        return found

    def advance(self, keys: Ints, values: Ints) -> Ints:
        """The value (n,) of the row before in the same key, ``NEVER`` where there is none; then all are taken in.

        A row whose own value is ``NEVER`` only asks and leaves nothing behind.
        """
        if not len(keys):
            return np.empty(0, dtype=np.int64)
        groups = Grouping.by(keys)
        ordered, here = values[groups.order], np.arange(len(keys))
        start = groups.starts[groups.group]
        latest = np.maximum.accumulate(np.where(ordered == NEVER, start - 1, here))
        before = np.where(here > start, np.roll(latest, 1), -1)
        carried = self.look_up(groups.keys)
        previous = np.where(before >= start, ordered[before], carried[groups.group])
        answer = np.empty_like(previous)
        answer[groups.order] = previous
        last = latest[np.append(groups.starts[1:], len(keys)) - 1]
        now = np.where(last >= groups.starts, ordered[last], carried)
        told = now != NEVER
        self.keys, self.values = merged(self.keys, self.values, groups.keys[told], now[told])
        return answer


def merged(keys: Ints, values: Ints, new_keys: Ints, new_values: Ints) -> tuple[Ints, Ints]:
    """Sorted ``keys`` with their ``values`` after ``new_keys`` (sorted, distinct) have replaced or joined them."""
    if not len(new_keys):
        return keys, values
    if not len(keys):
        return new_keys, new_values
    place = np.minimum(np.searchsorted(keys, new_keys), len(keys) - 1)
    known = keys[place] == new_keys
    values[place[known]] = new_values[known]
    if known.all():
        return keys, values
    at = np.searchsorted(keys, new_keys[~known])
    return np.insert(keys, at, new_keys[~known]), np.insert(values, at, new_values[~known], axis=0)


class Codes:
    """Whole numbers for texts, in order of first appearance, kept from batch to batch."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.known)

    def advance(self, texts: pl.Series) -> Ints:
        """The number (n,) of each text; new texts get the next numbers. Null is the empty text."""
        if len(texts) <= FEW:
            return np.array([self.known.setdefault(text or "", len(self.known)) for text in texts], dtype=np.int64)
        texts = texts.fill_null("")
        distinct = texts.unique(maintain_order=True)
        numbers = [self.known.setdefault(text, len(self.known)) for text in distinct.to_list()]
        table = pl.DataFrame({"text": distinct, "number": pl.Series(numbers, dtype=pl.Int64)})
        joined = texts.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
        return joined["number"].to_numpy()
