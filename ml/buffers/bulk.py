"""Buffers of many listings at once, in arrays of float64."""

from dataclasses import dataclass

import numpy as np

from ml.buffers.mistakes import accepted_chance, expected_mistakes, held_back
from ml.buffers.rails import POLICY, Policy, within
from ml.exposure.demand import dispersion_over
from ml.exposure.distribution import MOST_DISPERSED, MOST_UNITS, Demand, Floats

HOURS_A_DAY = 24.0


@dataclass(frozen=True)
class Listings:
    """n listings, every column (n,). Rates are units a day, costs money of one currency a row, spans hours.

    ``others_lot`` and ``own_lot`` are Σq²/Σq over orders of q units, 1 where units are asked for singly.
    ``available`` is NaN where unknown; costs may be NaN, and then the policy's chance is taken.
    """

    others_rate: Floats
    others_dispersion: Floats
    others_lot: Floats
    own_rate: Floats
    own_dispersion: Floats
    own_lot: Floats
    window_h: Floats
    lost_cost: Floats
    oversell_cost: Floats
    weight: Floats
    available: Floats
    current: Floats


@dataclass(frozen=True)
class Buffers:
    """Figures (n,): the quantile before the limits, the buffer after them, the chance accepted, the mistakes.

    ``oversold`` and ``lost`` are units per window, ``oversell_rate`` is per unit asked of the channel; NaN where
    what is available is unknown.
    """

    quantile: Floats
    buffer: Floats
    limit: list[str]
    alpha: Floats
    oversold: Floats
    lost: Floats
    oversell_rate: Floats


def others_in_window(listings: Listings) -> Demand:
    """What all others ask for in each exposure window."""
    return _in_window(listings.others_rate, listings.others_dispersion, listings.others_lot, listings.window_h)


def own_in_window(listings: Listings) -> Demand:
    """What the channel itself is asked for in each exposure window."""
    return _in_window(listings.own_rate, listings.own_dispersion, listings.own_lot, listings.window_h)


def _in_window(rate: Floats, dispersion: Floats, lot: Floats, hours: Floats) -> Demand:
    spread = dispersion_over(hours, dispersion, lot=lot)
    return Demand.of(np.minimum(rate * hours / HOURS_A_DAY, MOST_UNITS), np.minimum(spread, MOST_DISPERSED))


def chances(listings: Listings, policy: Policy = POLICY) -> Floats:
    """The chance (n,) accepted that the others take more than is held back."""
    alpha = accepted_chance(listings.lost_cost, listings.oversell_cost, listings.weight)
    return np.where(np.isnan(alpha), policy.assumed_alpha, alpha)


def buffers(listings: Listings, policy: Policy = POLICY) -> Buffers:
    """Recommend for n listings at once.

    Raises:
        NotADemand: a rate, dispersion or window that describes no demand.
    """
    alpha = chances(listings, policy)
    wanted = held_back(others_in_window(listings), alpha)
    per_hour = listings.others_rate / HOURS_A_DAY
    railed = within(wanted, listings.current, listings.available, per_hour, policy)
    oversold, lost, rate = mistakes(listings, railed.buffer)
    return Buffers(wanted, railed.buffer, railed.limit, alpha, oversold, lost, rate)


def mistakes(listings: Listings, held: Floats) -> tuple[Floats, Floats, Floats]:
    """Units oversold and lost per window, and the oversell rate (n,), of ``held`` units (n,)."""
    oversold, lost = np.full(len(held), np.nan), np.full(len(held), np.nan)
    rows = np.flatnonzero(~np.isnan(listings.available))
    own, others = own_in_window(listings), others_in_window(listings)
    if len(rows):
        found = expected_mistakes(held[rows], listings.available[rows], own[rows], others[rows])
        oversold[rows], lost[rows] = found.oversold, found.lost
    asked = own.mean
    rate = np.where(asked > 0, np.minimum(oversold / np.where(asked > 0, asked, 1.0), 1.0), oversold)
    return oversold, lost, rate
