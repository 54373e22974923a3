"""Holding a target oversell rate: how much dearer than its money an oversell must count.

The nominal chance of a quantile is not the rate that comes true: stock is not always short, demand not quite as
estimated. One weight for all listings of a channel keeps what each is worth in proportion and moves the whole.
"""

from dataclasses import replace

import numpy as np

from ml.buffers.bulk import HOURS_A_DAY, Listings, asked_between_refreshes, mistakes, wanted
from ml.buffers.rails import POLICY, Policy, within

LEAST_WEIGHT, MOST_WEIGHT = 1.0, 1024.0
"""An oversell never counts less than its money: a target is a limit, not an aim."""
MOST_STEP = 0.2
"""The weight moves by at most a fifth a step, so that it follows outcomes without swinging."""
HALVINGS = 12
NEARLY = 0.1
MOST_LOOKED_AT = 4_000
"""Listings from which the weight is found; of more, evenly many are taken."""


def expected_rate(listings: Listings, weight: float, policy: Policy = POLICY) -> float | None:
    """Units oversold per unit asked over all ``listings`` with known stock, at ``weight``; None where nothing is."""
    weighed = replace(listings, weight=np.full(len(listings.weight), weight))
    held = wanted(weighed, policy)
    railed = within(held, held, weighed.available, weighed.others_rate / HOURS_A_DAY, policy)
    oversold, _, _ = mistakes(weighed, railed.buffer)
    asked = asked_between_refreshes(weighed)[~np.isnan(oversold)].sum()
    return float(np.nansum(oversold) / asked) if asked > 0 else None


def weight_for_target(listings: Listings, target: float, policy: Policy = POLICY) -> float:
    """The least weight at which the expected oversell rate of all ``listings`` is at most ``target``.

    Where no weight within the ``policy`` serves the target, the least at which the rate is within ``NEARLY`` of the
    lowest there is: to hold back more than that would cost sales for next to nothing. The least weight where nothing
    can be expected.

    Raises:
        ValueError: a target outside (0, 1).
    """
    if not 0 < target < 1:
        raise ValueError(f"a target oversell rate of {target}")
    every = -(-len(listings.weight) // MOST_LOOKED_AT)
    listings = listings.only(np.arange(0, len(listings.weight), max(every, 1)))
    low, high = np.log(LEAST_WEIGHT), np.log(MOST_WEIGHT)
    least = expected_rate(listings, LEAST_WEIGHT, policy)
    if least is None or least <= target:
        return LEAST_WEIGHT
    goal = max(target, (1 + NEARLY) * (expected_rate(listings, MOST_WEIGHT, policy) or 0.0))
    if least <= goal:
        return LEAST_WEIGHT
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rate = expected_rate(listings, float(np.exp(middle)), policy)
        low, high = (middle, high) if (rate or 0.0) > goal else (low, middle)
    return float(np.exp(high))


def next_weight(weight: float, realised: float, target: float) -> float:
    """The weight for the next week after a ``realised`` oversell rate: integral control on the logarithm.

    Raises:
        ValueError: a target or realised rate that is no rate.
    """
    if not (0 < target < 1 and 0 <= realised <= 1):
        raise ValueError(f"a realised rate of {realised} against a target of {target}")
    step = float(np.clip((realised - target) / target, -MOST_STEP, MOST_STEP))
    return float(np.clip(weight * (1 + step), LEAST_WEIGHT, MOST_WEIGHT))
