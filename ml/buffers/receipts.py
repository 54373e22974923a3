"""When the next receipt comes, as the lead times of the orders that have come say it: nothing of those still open."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.exposure.distribution import Floats, Mask

PRIOR_ORDERS = 5.0
"""Orders that the promised lead time weighs as much as."""
LONGEST = 60
"""Days after which nobody waits for an order any more."""
AHEAD = 15
"""Days that are looked ahead."""


@dataclass
class Orders:
    """Open orders of n items by the day on which they were placed (days, n), and how many came after so many days."""

    open: Mask
    promised_days: int
    came: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.came = np.zeros(LONGEST + AHEAD)
        self.came[self.promised_days] = PRIOR_ORDERS

    def place(self, day: int, ordered: Mask) -> None:
        """On ``day`` the items ``ordered`` (n,) are."""
        self.open[day] |= ordered

    def receive(self, placed: int, day: int, items: NDArray[np.int64]) -> None:
        """What was ``placed`` for ``items`` (m,) comes on ``day``."""
        self.came[min(day - placed, LONGEST - 1)] += self.open[placed, items].sum()
        self.open[placed, items] = False

    def chances(self, day: int) -> Floats:
        """The chance (n, ``AHEAD``) that a receipt comes until the begin of ``day`` and of each day after it.

        Every open order comes as those did that were as late as it is already; an order later than any comes, for all
        we know, never.
        """
        none_yet = np.ones((self.open.shape[1], AHEAD))
        later = np.cumsum(self.came[::-1])[::-1]
        for placed in np.flatnonzero(self.open[: day + 1].any(axis=1)).tolist():
            waited = min(day - placed, LONGEST - 1)
            still = later[waited + 1 :][:AHEAD] / max(later[waited + 1], 1e-12)
            still = np.concatenate([still, np.zeros(AHEAD - len(still))]) if later[waited + 1] > 0 else np.ones(AHEAD)
            none_yet[self.open[placed]] *= still
        found: Floats = 1 - none_yet
        return found
