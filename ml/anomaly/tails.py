"""How far out a value lies: the chance of one as high, or as low, in what was seen before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.features.feature import Tail

Floats = NDArray[np.float64]

GRID = 512
"""Points kept of a reference; dense towards both ends, where the answers matter."""


@dataclass(frozen=True)
class Tails:
    """Empirical tail chances at rising ``values`` (g,): of one at least, and of one at most that high.

    Between points the logarithm is interpolated. Beyond the ends the surprise goes on growing with the
    logarithm of the distance, so that two values never seen before still have an order.
    """

    values: Floats
    at_least: Floats
    at_most: Floats

    @classmethod
    def of(cls, reference: NDArray[np.floating]) -> "Tails":
        """Tails of ``reference`` (n,); missing values are left out. Raises ``ValueError`` where none is left."""
        known = np.sort(reference[~np.isnan(reference)].astype(np.float64))
        if not len(known):
            raise ValueError("there is nothing to take tails of")
        n = len(known)
        values, first, counts = np.unique(known, return_index=True, return_counts=True)
        if len(values) > GRID:
            depth = np.geomspace(1, n / 2, GRID // 2).astype(np.int64)
            ranks = np.unique(np.concatenate([depth - 1, n - depth]))
            kept = np.unique(np.searchsorted(values, known[ranks]))
            values, first, counts = values[kept], first[kept], counts[kept]
        return cls(values, (n - first) / n, (first + counts) / n)

    def surprise(self, values: NDArray[np.floating], strange: Tail) -> Floats:
        """-log of the tail chance in nats (n,), 0 for a missing value."""
        at = values.astype(np.float64)
        reach = max(self.values[-1] - self.values[0], 1e-9) / 10
        above = np.log1p(np.maximum(at - self.values[-1], 0) / reach)
        below = np.log1p(np.maximum(self.values[0] - at, 0) / reach)
        high = np.interp(at, self.values, -np.log(self.at_least)) + above
        low = np.interp(at, self.values, -np.log(self.at_most)) + below
        match strange:
            case Tail.HIGH:
                found = high
            case Tail.LOW:
                found = low
            case Tail.BOTH:
                found = np.maximum(np.maximum(high, low) - np.log(2), 0)
        return np.where(np.isnan(at), 0.0, found)
