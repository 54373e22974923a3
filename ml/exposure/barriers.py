"""The share of orders that a marketplace lets a seller cancel, how near to it we are, and what passing it costs."""

import math
from dataclasses import dataclass

from ml.exposure.terms import Basis, Term, unknown

MARKETPLACE_CANCEL_DAYS = 7
"""Days over which that share is taken, where a channel does not say (Amazon's cancellation rate)."""

_ROUNDING = 1e-9
"""A limit times a count that is a whole number comes out as one."""


@dataclass(frozen=True)
class CancelRate:
    """``cost`` is lost once more than ``limit`` of the order lines of ``days`` days are cancelled by us.

    Of ``lines`` in these days ``cancelled`` are cancelled already. ``part`` is how much of what is sold short falls to
    the channel, where several sell one stock.

    Raises:
        ValueError: more cancelled than ordered, a negative count, a limit outside [0, 1], or no days.
    """

    limit: float
    days: int
    lines: int
    cancelled: int
    cost: Term
    part: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.cancelled <= self.lines:
            raise ValueError(f"{self.cancelled} of {self.lines} order lines cannot be cancelled")
        if not 0 <= self.limit <= 1:
            raise ValueError(f"a limit of {self.limit} is no share")
        if self.days < 1 or not 0 < self.part <= 1:
            raise ValueError(f"{self.days} days, and a part of {self.part}")

    @property
    def left(self) -> int | None:
        """How many more cancellations pass the limit, as many lines being ordered as before.

        None where nothing is ordered, and where it is passed already: then it is passed whatever becomes of a fault.
        """
        missing = math.floor(self.limit * self.lines + _ROUNDING) + 1 - self.cancelled
        return missing if self.lines and missing > 0 else None

    @property
    def short_lines(self) -> float:
        """How many order lines must be sold short for that, over all channels that sell the stock."""
        return math.inf if self.left is None else math.ceil(self.left / self.part - _ROUNDING)

    @property
    def terms(self) -> dict[str, Term]:
        """The limit with where we stand, and what passing it costs."""
        stand = f"{self.cancelled:,} of {self.lines:,} order lines of {self.days} days are cancelled by us"
        if not self.lines:
            stand = f"no order line of the last {self.days} days is known: counts nothing"
        elif self.left is None:
            stand += ": passed already, whatever becomes of this; counts nothing"
        else:
            stand += f", {self.left:,} more {'passes' if self.left == 1 else 'pass'} it"
        return {"cancel_limit": Term(self.limit, "share", Basis.GIVEN, stand), "cancel_cost": self.cost}


def no_limit() -> dict[str, Term]:
    """What is said of a channel that states no limit."""
    return {"cancel_limit": unknown("share", "the channel states no limit of cancellations: counts nothing")}
