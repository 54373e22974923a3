"""What the books say of money and demand: prices, rates, demand by channel, what each channel shows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, promised_quantities, wanted_skus
from core_sync.clock import to_microseconds
from core_sync.ledger.effects import SIGN
from core_sync.money import from_ten_thousandths
from core_sync.outbox.backlog import last_known
from ml.exposure.demand import DemandBook
from ml.exposure.rates import Rates
from ml.exposure.situation import UnitPrices
from ml.triage.charges import Charges, read_charges
from ml.triage.frozen import Arrivals
from ml.triage.past_demand import begun, read_demand
from ml.triage.past_stock import DAY_US, HISTORY
from ml.triage.stakes import Shown

FIGURES_KEPT_DAYS = 7
"""A channel's figure for a SKU that is this much older than the channel's newest says nothing any more."""


@dataclass(frozen=True)
class Money:
    """What units are worth: prices of some SKUs, penalties by channel, rates."""

    prices: Mapping[str, UnitPrices]
    penalties: Mapping[str, Decimal]
    rates: Rates

    def prices_of(self, sku: str, channel: str) -> UnitPrices:
        """The SKU's prices with the channel's penalty for a unit sold that is not there, in the SKU's currency."""
        own = self.prices.get(sku, UnitPrices())
        penalty, worth = self.penalties.get(channel), self.rates.worth(own.currency or self.rates.reporting)
        if penalty is not None and worth is not None:
            penalty = penalty / worth
        return UnitPrices(own.price, own.cost, own.currency, penalty, own.recapture)


@dataclass(frozen=True)
class Market(Money):
    """Everything that turns units at stake into money, for some SKUs."""

    demand: DemandBook
    shown: Shown
    charges: Charges
    arrivals: Mapping[str, Arrivals] = field(default_factory=dict)
    """By SKU; those of which nothing came in are left out."""


def read_market(connection: Connection, skus: Collection[str], reporting: str, at: datetime) -> Market:
    """Prices, demand of the last four weeks and what channels show, for ``skus``."""
    rates = _rates(connection, reporting, at)
    return Market(_prices(connection, skus), _penalties(connection), rates,
                  read_demand(connection, skus, at), _shown(connection, skus, at), read_charges(connection, rates, at),
                  _arrivals(connection, skus, at))  # fmt: skip


def read_money(connection: Connection, skus: Collection[str], reporting: str, at: datetime) -> Money:
    """Prices of ``skus``, penalties, and the rates that hold at ``at``."""
    return Money(_prices(connection, skus), _penalties(connection), _rates(connection, reporting, at))


def _prices(connection: Connection, skus: Collection[str]) -> dict[str, UnitPrices]:
    statement = text(
        f"SELECT s.sku, s.unit_price, s.unit_cost, s.currency FROM ({wanted_skus(connection)}) w "
        "JOIN sku s ON s.sku = w.sku"
    )
    return {
        sku: UnitPrices(_money(price), _money(cost), currency)
        for sku, price, cost, currency in connection.execute(statement, {"skus": as_json(skus)})
    }


def _penalties(connection: Connection) -> dict[str, Decimal]:
    """By channel, in the reporting currency: a channel has one penalty for all that it sells."""
    rows = connection.execute(text("SELECT channel, oversell_penalty FROM channel WHERE oversell_penalty IS NOT NULL"))
    return {channel: from_ten_thousandths(penalty) for channel, penalty in rows}


def _rates(connection: Connection, reporting: str, at: datetime) -> Rates:
    """The newest of each currency that holds at ``at``; before the first one, that is all we know of."""
    rows = connection.execute(text(_RATES), {"at": to_microseconds(at)})
    rates = {currency: from_ten_thousandths(rate) for currency, rate in rows}
    rates.pop(reporting, None)
    return Rates(reporting, rates)


def _arrivals(connection: Connection, skus: Collection[str], at: datetime) -> dict[str, Arrivals]:
    """How often goods came in and stayed, and how many, over the same days as demand."""
    until = to_microseconds(at)
    since = to_microseconds(at - HISTORY)
    received = connection.execute(
        text(
            f"SELECT p.sku, SUM({SIGN}), SUM({SIGN} * l.quantity) FROM ({wanted_skus(connection)}) w "
            "JOIN position p ON p.sku = w.sku JOIN ledger_entry l ON l.position_id = p.position_id "
            "WHERE l.type = 'receipt' AND l.occurred_at > :since AND l.occurred_at <= :until "
            f"GROUP BY p.sku HAVING SUM({SIGN}) > 0"
        ),
        {"skus": as_json(skus), "since": since, "until": until},
    ).all()
    if not received:
        return {}
    days = max(1.0, (until - max(since, begun(connection))) / DAY_US)
    return {sku: Arrivals(count / days, float(units) / count) for sku, count, units in received}


def _shown(connection: Connection, skus: Collection[str], at: datetime) -> Shown:
    promised = {
        (promise.channel, promise.sku): promise.quantity for promise in promised_quantities(connection, skus, at)
    }
    figures = connection.execute(
        text(_NEWEST_FIGURES.replace("{wanted}", wanted_skus(connection))),
        {"skus": as_json(skus), "kept": FIGURES_KEPT_DAYS * DAY_US},
    )
    shown = {(channel, sku): (quantity, as_of) for channel, sku, quantity, as_of in figures}
    for listing, known in last_known(connection, skus).items():
        if listing not in shown or known.as_of > shown[listing][1]:
            shown[listing] = known
    return Shown(promised, {listing: quantity for listing, (quantity, _) in shown.items()})


def _money(amount: int | None) -> Decimal | None:
    return None if amount is None else from_ten_thousandths(amount)


_RATES = """
SELECT currency, per_reporting_unit FROM rate WHERE per_reporting_unit > 0
ORDER BY CASE WHEN as_of > :at THEN -as_of ELSE as_of END
"""
"""What holds only later stands before all that holds, the soonest last: of each currency the last row counts."""

_NEWEST_FIGURES = """
SELECT c.channel, n.sku, n.quantity, n.as_of
FROM channel c
JOIN snapshot n ON n.system IN (c.channel, c.system)
  AND n.as_of >= (SELECT MAX(m.as_of) FROM snapshot m WHERE m.system IN (c.channel, c.system)) - :kept
JOIN ({wanted}) w ON w.sku = n.sku
WHERE n.location = '' AND n.state = 'available'
ORDER BY n.as_of
"""
"""Each SKU's figures, the newest last: a later snapshot that names other SKUs only does not make them unsaid."""
