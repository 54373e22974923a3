"""Costs that come at once when enough units are oversold: chargebacks, and the cancel rate a marketplace allows."""

import math
from dataclasses import dataclass
from decimal import Decimal

MARKETPLACE_CANCEL_LIMIT = 0.025
"""Share of a seller's orders cancelled before shipping above which marketplaces put the account at risk."""
MARKETPLACE_CANCEL_DAYS = 7
"""Days over which that share is taken."""


@dataclass(frozen=True)
class StepCost:
    """``cost``, in the currency of the SKU's price, due once ``at_least_units`` are oversold.

    Raises:
        ValueError: a step below one unit, or a cost below 0.
    """

    name: str
    at_least_units: int
    cost: Decimal
    note: str = ""

    def __post_init__(self) -> None:
        if self.at_least_units < 1:
            raise ValueError(f"{self.name}: a step at {self.at_least_units} units is none")
        if not (self.cost.is_finite() and self.cost >= 0):
            raise ValueError(f"{self.name}: costs {self.cost}")


def chargeback(cost: Decimal) -> StepCost:
    """What a customer charges for an order that cannot be filled in full, however many units are short."""
    return StepCost("chargeback", 1, cost, "due with the first unit short")


def cancel_rate_barrier(
    orders: int, cancelled: int, cost: Decimal, limit: float = MARKETPLACE_CANCEL_LIMIT
) -> StepCost:
    """The cost of passing the allowed share of cancellations, given the window's ``orders`` and ``cancelled`` so far.

    Every unit oversold counts as one order cancelled. Where the limit is passed already, the next cancellation
    keeps it so.

    Raises:
        ValueError: more cancelled than ordered, a negative count, or a limit outside [0, 1].
    """
    if not 0 <= cancelled <= orders:
        raise ValueError(f"{cancelled} of {orders} orders cannot be cancelled")
    if not 0 <= limit <= 1:
        raise ValueError(f"a limit of {limit} is no share")
    missing = math.floor(limit * orders) + 1 - cancelled
    note = f"{cancelled} of {orders} orders cancelled in {MARKETPLACE_CANCEL_DAYS} days, {limit:.1%} allowed"
    return StepCost("cancel_rate", max(missing, 1), cost, note)
