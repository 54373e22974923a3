"""Movements that a person keys in one after another: of such a burst one is asked about, and the answer tells of all.

Corrections come in bursts: somebody with a list enters line after line. So of movements within ``BURST_MINUTES`` of
each other the strangest is looked at first, which leaves what people can look at for other bursts, and what they
say of it moves the others. With P and N the lines near by that were said to be faults and to be none, each counted
exp(-minutes between / ``BURST_MINUTES``), the log-odds of a row move by ``NEIGHBOUR_NATS`` (log(1 + P) - log(1 + N)).

Both numbers were compared on the third quarter of the real movements, where 6 to 9 nats and 5 to 15 minutes did about
as well; the last quarter is for figures only (``benchmarks/retail_movements.py``).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]

BURST_MINUTES = 10
BURST_US = BURST_MINUTES * 60_000_000
NEIGHBOUR_NATS = 6.0
REACH_US = 6 * BURST_US
"""Further away a line counts less than a four-hundredth."""
PIECE_ROWS = 10_000


def strangest_of_bursts(scores: Floats, moments: Ints, count: int, taken: Ints | None = None) -> Flags:
    """The ``count`` highest scores (m,) of which none is within a burst of another or of a moment in ``taken``.

    ``moments`` (m,) and ``taken`` are microseconds. NaN is never chosen.
    """
    chosen = np.zeros(len(scores), dtype=bool)
    free = ~np.isnan(scores)
    for moment in () if taken is None else taken.tolist():
        free &= np.abs(moments - moment) > BURST_US
    for _ in range(count):
        if not free.any():
            break
        place = int(np.argmax(np.where(free, scores, -np.inf)))
        chosen[place] = True
        free &= np.abs(moments - moments[place]) > BURST_US
    return chosen


def bursts_of(moments: Ints) -> int:
    """How many bursts ``moments`` (m,) are of, each counted from its first moment on."""
    count, since = 0, None
    for moment in np.sort(moments).tolist():
        if since is None or moment - since > BURST_US:
            count, since = count + 1, moment
    return count


def neighbours_say(moments: Ints, said_of: Ints, faulty: Flags) -> Floats:
    """By how many nats the log-odds of rows at ``moments`` (m,) move by what was said of lines at ``said_of`` (j,).

    None of the rows is itself among those lines. All moments are microseconds.
    """
    nats = np.zeros(len(moments))
    for start in range(0, len(moments), PIECE_ROWS):
        here = moments[start : start + PIECE_ROWS]
        near = (said_of >= here.min() - REACH_US) & (said_of <= here.max() + REACH_US)
        weight = np.exp(-np.abs(here[:, None] - said_of[near][None, :]) / BURST_US)
        true, false = weight[:, faulty[near]].sum(axis=1), weight[:, ~faulty[near]].sum(axis=1)
        nats[start : start + PIECE_ROWS] = NEIGHBOUR_NATS * (np.log1p(true) - np.log1p(false))
    return nats
