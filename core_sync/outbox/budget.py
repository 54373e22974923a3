"""How many requests a channel may be sent now: a token bucket that all dispatchers of a channel draw from. Pure.

A connector keeps to its channel's limits by itself, within one process. This bucket stands in the database, so that
several processes together keep to them too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from core_sync.channels.port import ChannelLimits


@dataclass(frozen=True, slots=True)
class Budget:
    """``tokens`` requests were left at ``at``; a bucket nobody drew from yet is full."""

    tokens: float = 0.0
    at: datetime | None = None


def left(budget: Budget, limits: ChannelLimits, at: datetime) -> float:
    """Tokens in the bucket at ``at``: refilled at the channel's rate, up to its burst."""
    full = max(1.0, limits.burst)
    if budget.at is None:
        return full
    passed = max(0.0, (at - budget.at).total_seconds())
    return min(full, budget.tokens + passed * limits.pushes_per_second)


def listings_affordable(budget: Budget, limits: ChannelLimits, at: datetime) -> int:
    """Listings that the whole tokens of the bucket carry."""
    return int(left(budget, limits, at)) * max(1, limits.skus_per_push)


def spend(budget: Budget, limits: ChannelLimits, listings: int, at: datetime) -> Budget:
    """The bucket after requests that carry ``listings``."""
    return Budget(left(budget, limits, at) - ceil(listings / max(1, limits.skus_per_push)), at)


def next_token_at(budget: Budget, limits: ChannelLimits, at: datetime) -> datetime:
    """When the bucket holds a whole token; ``at`` where it does already."""
    lacking = 1.0 - left(budget, limits, at)
    return at if lacking <= 0 else at + timedelta(seconds=lacking / max(limits.pushes_per_second, 1e-9))
