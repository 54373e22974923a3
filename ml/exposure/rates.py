"""Money of several currencies in the one it is reported in."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

ONE = Decimal(1)


@dataclass(frozen=True)
class Rates:
    """``per_reporting_unit``: units of each currency that one unit of the ``reporting`` currency buys.

    Raises:
        ValueError: a rate that is not above 0, or another than 1 for the reporting currency itself.
    """

    reporting: str
    per_reporting_unit: Mapping[str, Decimal]

    def __post_init__(self) -> None:
        for currency, rate in self.per_reporting_unit.items():
            if not (rate.is_finite() and rate > 0):
                raise ValueError(f"the rate of {currency} is {rate}")
        if self.per_reporting_unit.get(self.reporting, ONE) != ONE:
            raise ValueError(f"{self.reporting} is the reporting currency and worth 1 of itself")

    def worth(self, currency: str) -> Decimal | None:
        """What one unit of ``currency`` is worth in the reporting currency; None where no rate is known."""
        if currency == self.reporting:
            return ONE
        rate = self.per_reporting_unit.get(currency)
        return None if rate is None else ONE / rate
