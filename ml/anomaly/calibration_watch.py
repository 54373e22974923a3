"""Whether p-values can still be believed.

Among rows that no confirmed fault explains, one in twenty should lie among the strangest twentieth. Where clearly more
do, habits have changed since the calibration: what is promised about false alarms no longer holds, and is suspended.
"""

import numpy as np
from numpy.typing import NDArray

STRANGE = 0.05
DRIFTED = 0.08
"""The share of p-values below ``STRANGE`` from which the promise is suspended."""
FEWEST_ROWS = 400
WATCHED_DAYS = 3
"""The service looks at the rows scored on so many days."""


def guarantee_suspended(p: NDArray[np.float64]) -> bool:
    """Whether ``p`` (n,), of recent rows without confirmed faults, has drifted; never told of fewer than 400 rows."""
    known = p[~np.isnan(p)]
    return drifted(len(known), int((known <= STRANGE).sum()))


def drifted(rows: int, strange: int) -> bool:
    """The same of counts: of ``rows`` without confirmed faults ``strange`` lie among the strangest twentieth."""
    return rows >= FEWEST_ROWS and strange / rows > DRIFTED
