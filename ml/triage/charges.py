"""What each channel charges for orders that are short, what their customers are worth, and how near its cancel rate is.

From master data and the order lines that were counted as they came in; nothing is counted anew.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Row, bindparam, text

from core_sync.cases.rows import in_parts
from core_sync.money import TEN_THOUSANDTHS, from_ten_thousandths
from core_sync.orders.days import NO_TIER, Ordered, ordered
from ml.exposure.barriers import MARKETPLACE_CANCEL_DAYS, CancelRate
from ml.exposure.penalties import ONE_A_LINE
from ml.exposure.rates import Rates
from ml.exposure.terms import Basis, Term, unknown

MONTH_DAYS = 28
"""Days over which the margin of a day and the tiers of customers are taken."""


@dataclass(frozen=True)
class ChannelCharges:
    """What one channel states, and what is known of its customers; None where nothing is."""

    priority: int
    chargeback: Decimal | None = None
    chargeback_share: float | None = None
    retention: Term | None = None
    cancel_rate: CancelRate | None = None
    units_a_line: Term = ONE_A_LINE
    """What an order line of any SKU asks for."""

    @property
    def any(self) -> bool:
        """Whether there is anything to charge or to say."""
        return (self.chargeback, self.chargeback_share, self.retention, self.cancel_rate) != (None, None, None, None)


@dataclass(frozen=True)
class Charges:
    """What channels charge, by channel, and what a line let down costs, by tier; in the reporting currency."""

    channels: Mapping[str, ChannelCharges]
    tiers: Mapping[str, Decimal]
    reporting: str

    def of_tier(self, tier: str, whose: str) -> Term | None:
        """What it costs to let down an order of ``tier``; None where no tier is worth anything."""
        if not self.tiers:
            return None
        worth = self.tiers.get(tier, Decimal(0))
        return Term(float(worth), f"{self.reporting}/line", Basis.GIVEN, f"{whose}, tier {tier}")


def read_charges(connection: Connection, rates: Rates, at: datetime) -> Charges:
    """Everything that is charged, as of ``at``."""
    tiers = {tier: from_ten_thousandths(worth) for tier, worth in connection.execute(text(_TIERS))}
    found: dict[str, ChannelCharges] = {}
    for row in connection.execute(text(_CHANNELS)).all():
        limited = row.cancel_limit is not None
        counts = limited or tiers or row.chargeback is not None
        month = ordered(connection, at, MONTH_DAYS, [row.channel])[row.channel] if counts else Ordered()
        found[row.channel] = ChannelCharges(
            row.priority,
            None if row.chargeback is None else from_ten_thousandths(row.chargeback),
            None if row.chargeback_share is None else row.chargeback_share / TEN_THOUSANDTHS,
            _retention(month, tiers, rates.reporting) if tiers else None,
            _cancel_rate(connection, row, month, rates, at) if limited else None,
            _units_a_line(month),
        )
    return Charges(found, tiers, rates.reporting)


def tiers_of_orders(connection: Connection, documents: Collection[str]) -> dict[str, tuple[str, str]]:
    """By order, its customer and that customer's tier, as far as the ledger knows them."""
    statement = text(_OF_ORDERS).bindparams(bindparam("documents", expanding=True))
    return {
        document: (account, tier)
        for part in in_parts(sorted(documents))
        for document, account, tier in connection.execute(statement, {"documents": part})
    }


def _retention(month: Ordered, tiers: Mapping[str, Decimal], reporting: str) -> Term:
    unit = f"{reporting}/line"
    if not month.lines > 0:
        return unknown(unit, f"no order line of the last {MONTH_DAYS} days is known: counts nothing")
    mean = sum(float(tiers.get(tier, 0)) * lines for tier, lines in month.by_tier.items()) / month.lines
    parts = [
        f"{'no tier' if tier == NO_TIER else tier} {lines / month.lines:.0%} at {tiers.get(tier, Decimal(0)):,.2f}"
        for tier, lines in sorted(month.by_tier.items(), key=lambda pair: (pair[0] == NO_TIER, pair[0]))
    ]
    return Term(mean, unit, Basis.MEASURED, f"of {month.lines:,} order lines in {month.days} days: {', '.join(parts)}")


def _units_a_line(month: Ordered) -> Term:
    units = sum(shipped.units for shipped in month.shipped.values())
    if not (month.lines > 0 and units > 0):
        return ONE_A_LINE
    note = f"no line of it is known: mean of {month.lines:,} of the channel"
    return Term(max(1.0, units / month.lines), "units/line", Basis.POOLED, note)


def _cancel_rate(
    connection: Connection, row: Row[tuple[object, ...]], month: Ordered, rates: Rates, at: datetime
) -> CancelRate:
    days = row.cancel_days or MARKETPLACE_CANCEL_DAYS
    window = ordered(connection, at, days, [row.channel])[row.channel]
    lines = max(0, window.lines)
    cancelled = min(max(0, window.cancelled), lines)
    return CancelRate(row.cancel_limit / TEN_THOUSANDTHS, days, lines, cancelled, _cost(row, month, rates))


def _cost(row: Row[tuple[object, ...]], month: Ordered, rates: Rates) -> Term:
    """What passing the limit costs: a sum, and the channel's margin of the days for which it is suspended."""
    if row.cancel_cost is None and row.suspension_days is None:
        return unknown(rates.reporting, "the channel states no cost of passing it: counts nothing")
    stated = None if row.cancel_cost is None else from_ten_thousandths(row.cancel_cost)
    if row.suspension_days is None:
        return Term(float(stated or 0), rates.reporting, Basis.GIVEN)
    a_day = margin_of_a_day(month, rates)
    if a_day is None:
        note = (
            f"{row.suspension_days} days of suspension count nothing: no margin of the last {MONTH_DAYS} days is known"
        )
        return (
            unknown(rates.reporting, note)
            if stated is None
            else Term(float(stated), rates.reporting, Basis.GIVEN, note)
        )
    note = f"{row.suspension_days} days of suspension at a margin of {a_day:,.2f} a day"
    note = note if stated is None else f"{stated:,.2f} and {note}"
    return Term(float(stated or 0) + row.suspension_days * a_day, rates.reporting, Basis.COMPUTED, note)


def margin_of_a_day(month: Ordered, rates: Rates) -> float | None:
    """The margin of what was shipped on an average day, in the reporting currency; None where that is not known.

    Units whose price, cost or rate is unknown are taken to earn what the others do.
    """
    units = valued = 0
    margin = 0.0
    for currency, shipped in month.shipped.items():
        units += shipped.units
        worth = rates.worth(currency or rates.reporting)
        if worth is not None:
            valued += shipped.valued_units
            margin += shipped.margin / TEN_THOUSANDTHS * float(worth)
    return margin / valued * units / month.days if valued > 0 and month.days > 0 else None


_TIERS = "SELECT tier, retention_value FROM customer_tier WHERE retention_value > 0"

_CHANNELS = """
SELECT channel, priority, chargeback, chargeback_share, cancel_limit, cancel_days, cancel_cost, suspension_days
FROM channel ORDER BY priority, channel
"""

_OF_ORDERS = """
SELECT DISTINCT l.document, l.account, a.tier FROM ledger_entry l JOIN account a ON a.account = l.account
WHERE l.document IN :documents
"""
