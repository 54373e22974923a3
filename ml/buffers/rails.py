"""What a recommended buffer may never do, whatever the figures say."""

from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np

from ml.exposure.distribution import Floats


@dataclass(frozen=True)
class Policy:
    """The planner's limits.

    A buffer is at most ``most_share`` of what is available; where the others ask for fewer than ``slow_per_hour``
    units it is 0 or 1; it stays as it is while the change is within ``keep_share`` of the larger, or one unit of two
    or more. ``assumed_alpha`` is the accepted chance of an oversell where the money is unknown, ``late_cost_share``
    what a unit delivered late costs as a share of its price, ``promise_days`` how long buyers wait anyway. A change of
    units worth more than ``approval_value`` money of the reporting currency is for a person to approve.
    """

    target_oversell_rate: float = 0.005
    most_share: float = 0.5
    slow_per_hour: float = 0.05
    keep_share: float = 0.2
    assumed_alpha: float = 0.05
    late_cost_share: float = 0.1
    promise_days: float = 2.0
    approval_value: float = 1_000.0
    valid_for: timedelta = field(default=timedelta(days=1))


POLICY = Policy()


@dataclass(frozen=True)
class Railed:
    """Buffers (n,) within the limits, and which limit (n,) moved them last; "" where none did."""

    buffer: Floats
    limit: list[str]


def within(
    buffer: Floats, current: Floats, available: Floats, others_per_hour: Floats, policy: Policy = POLICY
) -> Railed:
    """Apply the limits to n buffers; ``available`` is NaN where unknown, and then limits nothing."""
    limits = np.full(len(buffer), "", dtype=object)
    found = np.maximum(buffer, 0.0)

    slow = (others_per_hour < policy.slow_per_hour) & (found > 1)
    found = np.where(slow, 1.0, found)
    limits[slow] = "slow mover"

    larger, smaller = np.maximum(found, current), np.minimum(found, current)
    change = larger - smaller
    steady = (change > 0) & ((change <= policy.keep_share * larger) | ((change <= 1) & (smaller >= 2)))
    found = np.where(steady, current, found)
    limits[steady] = "too small a change"

    most = np.floor(np.maximum(available, 0.0) * policy.most_share)
    much = ~np.isnan(available) & (found > most)
    found = np.where(much, most, found)
    limits[much] = "share of stock"
    return Railed(found, limits.tolist())
