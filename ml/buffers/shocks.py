"""Days on which everybody buys more: how much of the spread of demand the channel shares with the others.

A day's rate is taken as ``rate · g · h`` with independent factors of mean 1: ``g`` is common to the channel and the
others (weather, promotions, season), ``h`` each pool's own. The relative variance of ``g`` is the covariance of both
pools' days over the product of their means. It is pooled over all items, because one alone has too few days.
"""

import numpy as np
from scipy import special

from ml.exposure.distribution import Floats

HALF_LIFE_DAYS = 28.0
MOST_SHARED = 0.5
"""Beyond this a shock is an event of its own, not a kind of day."""
OUTLIER = 3.0
"""Standard deviations that a day is counted off its mean at most, so that no bulk order decides."""
LEVELS = 3
"""Equally likely levels at which a shared shock is looked at."""
LEAST_SHARED = 1e-3


def shared_variance(own: Floats, others: Floats, own_mean: Floats, others_mean: Floats,
                    own_spread: Floats, others_spread: Floats) -> Floats:  # fmt: skip
    """Relative variance of the shared shock as known at the begin of each day (days + 1,), the last one after all.

    ``own`` and ``others`` are units, the means what was expected of that day, the spreads variance over mean, each
    (days, items).
    """
    keep = 0.5 ** (1 / HALF_LIFE_DAYS)
    together = (_off(own, own_mean, own_spread) * _off(others, others_mean, others_spread)).sum(axis=1)
    expected = (own_mean * others_mean).sum(axis=1)
    covariance, product, known = 0.0, 0.0, [0.0]
    for off, mean in zip(together, expected, strict=True):
        covariance, product = keep * covariance + off, keep * product + mean
        known.append(float(np.clip(covariance / product, 0.0, MOST_SHARED)) if product > 0 else 0.0)
    return np.array(known)


def _off(units: Floats, mean: Floats, spread: Floats) -> Floats:
    most = OUTLIER * np.sqrt(spread * np.maximum(mean, 0.05))
    found: Floats = np.clip(units - mean, -most, most)
    return found


def levels(shared: Floats) -> list[tuple[float, Floats]]:
    """Chances and levels (n,) of a gamma distributed shock of mean 1 and relative variance ``shared`` (n,)."""
    if not (shared > LEAST_SHARED).any():
        return [(1.0, np.ones(len(shared)))]
    shape = 1 / np.maximum(shared, LEAST_SHARED)
    points = [special.gammaincinv(shape, (2 * part + 1) / (2 * LEVELS)) / shape for part in range(LEVELS)]
    scale = LEVELS / np.maximum(np.sum(points, axis=0), 1e-12)
    return [(1 / LEVELS, point * scale) for point in points]
