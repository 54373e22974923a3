"""Money: ``Decimal`` at the edges, whole ten-thousandths in tables."""

from decimal import ROUND_HALF_EVEN, Decimal

TEN_THOUSANDTHS = 10_000


def to_ten_thousandths(amount: Decimal) -> int:
    """``amount`` in ten-thousandths of its currency, rounded half to even."""
    return int((amount * TEN_THOUSANDTHS).to_integral_value(rounding=ROUND_HALF_EVEN))


def from_ten_thousandths(amount: int) -> Decimal:
    """The amount that ``amount`` ten-thousandths of a currency are."""
    return Decimal(amount) / TEN_THOUSANDTHS
