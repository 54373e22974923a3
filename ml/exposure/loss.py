"""Units lost in closed form: oversold where too much is shown, not sold where too little is.

With demand D until the fault is fixed, P units published and A truly available:

- oversold  ``E[(min(D, P) - A)⁺] = L(A) - L(P)`` for P > A,
- not sold  ``E[(min(D, A) - P)⁺] = L(P) - L(A)`` for P < A,

where ``L(x) = E[(D - x)⁺]`` is the loss function of inventory theory (Zipkin, *Foundations of Inventory
Management*, C.2). For whole x ≥ 0 and both distributions it is ``(mean - x) P(D ≥ x + 1) + mean · c(x)``,
which follows from ``E[D; D ≥ k] = mean · P(D' ≥ k - 1)``: D' is D itself for Poisson and the negative binomial
with r + 1 for the other, and ``c(x)`` is what P(D' ≥ x) has more than P(D ≥ x + 1). One tail chance a point is
thus enough.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ml.exposure.distribution import Demand, Floats, burst_at_least


def expected_excess(units: ArrayLike, demand: Demand) -> Floats:
    """``L(units)`` (n,): expected demand beyond ``units``, which broadcasts to (n,) and is floored to whole units.

    Below zero units everything asked for is beyond, and more: L(x) = mean - x.
    """
    held = np.broadcast_to(np.floor(np.asarray(units, dtype=np.float64)), demand.mean.shape)
    found: Floats = np.maximum(demand.mean - held, 0.0)
    bursts = demand.bursts
    some = (held >= 0) & (demand.mean > 0)
    plain, bursty = some & ~bursts, some & bursts
    if plain.any():
        found[plain] = _plain(held[plain], demand.mean[plain])
    if bursty.any():
        found[bursty] = _bursts(held[bursty], demand[bursty])
    return found


def oversold_units(published: ArrayLike, available: ArrayLike, demand: Demand) -> Floats:
    """Expected units sold that are not there (n,); 0 where no more is published than is available.

    Units short already (``available`` below 0) were sold before and are not counted again.
    """
    shown, there = _stock(published, available, demand)
    return _between(there, shown, demand)


def lost_units(published: ArrayLike, available: ArrayLike, demand: Demand) -> Floats:
    """Expected units asked for, there, and not shown (n,); 0 where all that is available is published."""
    shown, there = _stock(published, available, demand)
    return _between(shown, there, demand)


def _stock(published: ArrayLike, available: ArrayLike, demand: Demand) -> tuple[Floats, Floats]:
    both = (np.maximum(np.floor(np.asarray(units, dtype=np.float64)), 0.0) for units in (published, available))
    shown, there = (np.broadcast_to(units, demand.mean.shape) for units in both)
    return shown, there


def _between(few: Floats, many: Floats, demand: Demand) -> Floats:
    """Expected part of the demand that falls between ``few`` and ``many`` units (n,); 0 where many ≤ few."""
    found = np.zeros(len(demand))
    rows = np.flatnonzero(many > few)
    if len(rows):
        these = demand[rows]
        beyond_few = expected_excess(few[rows], these)
        span = many[rows] - few[rows]
        found[rows] = np.clip(beyond_few - expected_excess(many[rows], these), 0.0, np.minimum(span, beyond_few))
    return found


def _plain(held: Floats, mean: Floats) -> Floats:
    tail = special.gammainc(held + 1, mean)
    at = np.exp(special.xlogy(held, mean) - mean - special.gammaln(held + 1))
    return np.clip((mean - held) * tail + mean * at, np.maximum(mean - held, 0.0), mean)


def _bursts(held: Floats, demand: Demand) -> Floats:
    over = demand.dispersion - 1
    r = demand.mean / over
    tail = burst_at_least(held + 1, demand)
    of_at = (
        special.xlogy(held, over / demand.dispersion)
        - r * np.log(demand.dispersion)
        + special.gammaln(held + r + 1)
        - special.gammaln(held + 1)
        - special.gammaln(r + 1)
    )
    at = np.exp(np.minimum(of_at, 0.0))  # a chance; of 10^15 units the gamma functions round to more
    excess = (demand.mean - held) * tail + demand.mean * at
    return np.clip(excess, np.maximum(demand.mean - held, 0.0), demand.mean)
