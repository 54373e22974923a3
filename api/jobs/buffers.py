"""Buffer recommendations from the books.

Who else draws on the stock, how long a channel does not know of it, and what either mistake costs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from sqlalchemy import Connection, text

from api.jobs.order_sizes import HISTORY, read_orders
from core_sync.availability.promises import channel_names, channel_terms
from core_sync.availability.rules import WHOLE_SHARE, ChannelTerms
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound
from ml.buffers.others import others_demand
from ml.buffers.rails import POLICY, Policy
from ml.buffers.recommend import Listing, Recommendation, as_arrays, recommend
from ml.buffers.shocks import shared_variance
from ml.buffers.supplier import OpenOrder, Received, SupplierBook, reliability, supplier_terms, supply_chance
from ml.buffers.weight import weight_for_target
from ml.buffers.window import Window
from ml.exposure.situation import UnitPrices
from ml.exposure.terms import Basis, Term, unknown
from ml.triage.market import DAY_US, Market, read_market

_DIRECT = ""
"""Demand that passes no channel."""


def recommend_buffers(
    connection: Connection,
    reporting: str,
    at: datetime,
    sku: str | None = None,
    channel: str | None = None,
    policy: Policy = POLICY,
) -> list[Recommendation]:
    """A recommendation for each SKU with known stock on each channel, or for those named.

    Raises:
        NotFound: there is no such channel.
    """
    channels = channel_names(connection)
    if channel is not None and channel not in channels:
        raise NotFound("channel", channel)
    listings = known_listings(connection, reporting, at, sku, policy)
    found: list[Recommendation] = []
    for name in channels:
        ours = [one for one in listings if one.channel == name]
        if channel in (None, name) and ours:
            weight = weight_for_target(as_arrays(ours, policy), policy.target_oversell_rate, policy)
            found += recommend([replace(one, weight=weight) for one in ours], at, policy)
    return sorted(found, key=lambda one: (one.sku, one.channel))


def known_listings(
    connection: Connection, reporting: str, at: datetime, sku: str | None = None, policy: Policy = POLICY
) -> list[Listing]:
    """What is known of each SKU with known stock (or of ``sku``) on every channel."""
    return listings_of(connection, _available(connection, sku), channel_names(connection), reporting, at, policy)


def listings_of(
    connection: Connection,
    available: Mapping[str, int],
    channels: Sequence[str],
    reporting: str,
    at: datetime,
    policy: Policy = POLICY,
) -> list[Listing]:
    """What is known of each SKU of ``available`` on each of ``channels``."""
    market = read_market(connection, list(available), reporting, at)
    terms = channel_terms(connection, available.keys(), at)
    windows = {name: _window(connection, name, at) for name in channels}
    orders, daily = read_orders(connection, at), _daily(connection, at)
    shared = {name: _shared(daily, name) for name in channels}
    suppliers, waiting, supplier_of = _suppliers(connection), _waiting(connection, at), _named(connection)
    usual = ChannelTerms()
    listings = []
    for name in channels:
        for sku, units in available.items():
            rule = terms.get((name, sku), terms.get((name, ""), usual))
            waits = waiting.get(sku)
            known = suppliers.of(waits.supplier if waits else supplier_of.get(sku))
            prices = market.prices_of(sku, name)
            listings.append(
                Listing(
                    sku=sku,
                    channel=name,
                    location="",
                    others=others_demand(market.demand, sku, name, (*channels, _DIRECT)),
                    own=market.demand.of(sku, name),
                    window=windows[name],
                    prices=prices,
                    supply=supply_chance(known, waits.waited_days if waits else None, policy.promise_days),
                    available=max(units * rule.share_ten_thousandths // WHOLE_SHARE, 0),
                    current=rule.buffer,
                    others_lot=orders.others_lot(sku, name),
                    big=orders.big(sku, name),
                    own_lot=orders.own_lot(sku, name),
                    shared=shared[name],
                    supplier=supplier_terms(known, waits),
                    unit_worth=_worth(prices, market),
                )
            )
    return listings


def _available(connection: Connection, sku: str | None) -> dict[str, int]:
    rows = connection.execute(
        text(
            "SELECT p.sku, SUM(p.on_hand - p.allocated - p.quality_hold) - COALESCE((SELECT SUM(s.quantity) "
            "FROM safety_stock s WHERE s.sku = p.sku), 0) AS units FROM position p "
            "WHERE p.relative IS FALSE AND (CAST(:sku AS TEXT) IS NULL OR p.sku = :sku) GROUP BY p.sku ORDER BY p.sku"
        ),
        {"sku": sku},
    )
    return {name: int(units) for name, units in rows}


def _window(connection: Connection, channel: str, at: datetime) -> Window:
    """How long others may draw on the stock before ``channel`` shows it, from pushes and picks of the last weeks."""
    bound = {"channel": channel, "since": to_microseconds(at - HISTORY), "until": to_microseconds(at)}
    gaps = list(connection.execute(text(_BETWEEN_REFRESHES), bound).scalars())
    seen = list(connection.execute(text(_TO_VISIBLE), bound).scalars())
    picks = list(connection.execute(text(_TO_PICK), bound).scalars())
    return Window(
        _span(gaps, "between accepted pushes of one listing"),
        _span(seen, "from a push accepted to the figure visible"),
        _span(picks, "from an order's reservation to its pick"),
        *_late(gaps),
    )


def _late(gaps: Sequence[float]) -> tuple[Term, Term]:
    """Which share of the refreshes takes more than twice the regular sync age, and how many times it in the mean."""
    seconds = np.array(gaps, dtype=np.float64)
    if len(seconds) < _SPANS_MIN:
        note = f"{len(seconds)} spans between refreshes: too few to tell late ones"
        return unknown("share", note), unknown("times", note)
    regular = max(float(np.quantile(seconds, 0.9)), 1.0)
    late = seconds[seconds > 2 * regular]
    note = f"{len(late)} of {len(seconds)} refreshes took more than twice the regular sync age"
    times = float(late.mean()) / regular if len(late) else 1.0
    share = Term(len(late) / len(seconds), "share", Basis.MEASURED, note)
    return share, Term(times, "times", Basis.MEASURED, note)


def _span(seconds: Sequence[float], note: str) -> Term:
    if len(seconds) < _SPANS_MIN:
        return unknown("h", f"{len(seconds)} spans {note}: too few")
    hours = float(np.quantile(np.array(seconds, dtype=np.float64), 0.9)) / 3600
    return Term(max(hours, 0.0), "h", Basis.MEASURED, f"90th percentile of {len(seconds)} spans {note}")


_SPANS_MIN = 10

_BETWEEN_REFRESHES = """
SELECT (a.at - (SELECT MAX(b.at) FROM push_attempt b
                WHERE b.intent_id = a.intent_id AND b.attempt_id < a.attempt_id AND b.answer = 'accepted')) / 1000000.0
FROM push_attempt a JOIN push_intent i ON i.intent_id = a.intent_id
WHERE i.channel = :channel AND a.answer = 'accepted' AND a.at BETWEEN :since AND :until
  AND EXISTS (SELECT 1 FROM push_attempt c
              WHERE c.intent_id = a.intent_id AND c.attempt_id < a.attempt_id AND c.answer = 'accepted')
ORDER BY a.attempt_id DESC LIMIT 5000
"""

_TO_VISIBLE = """
SELECT (visible_at - accepted_at) / 1000000.0 FROM push_intent
WHERE channel = :channel AND visible_at BETWEEN :since AND :until AND accepted_at <= visible_at
ORDER BY visible_at DESC LIMIT 5000
"""

_TO_PICK = """
SELECT (p.occurred_at - r.occurred_at) / 1000000.0
FROM ledger_entry p JOIN ledger_entry r
  ON r.document = p.document AND r.position_id = p.position_id AND r.type = 'reserve'
WHERE p.type = 'pick' AND p.document IS NOT NULL AND p.occurred_at BETWEEN :since AND :until
  AND r.occurred_at <= p.occurred_at
ORDER BY p.entry_id DESC LIMIT 5000
"""


def _daily(connection: Connection, at: datetime) -> pl.DataFrame:
    """Units shipped by SKU, channel and day, in the last weeks."""
    rows = connection.execute(
        text(
            f"SELECT p.sku, COALESCE(l.channel, '') AS channel, l.occurred_at / {DAY_US} AS day, SUM(l.quantity) "
            "FROM ledger_entry l JOIN position p ON p.position_id = l.position_id "
            "WHERE l.type = 'ship' AND l.occurred_at BETWEEN :since AND :until GROUP BY 1, 2, 3"
        ),
        {"since": to_microseconds(at - HISTORY), "until": to_microseconds(at)},
    )
    schema = {"sku": pl.String, "channel": pl.String, "day": pl.Int64, "units": pl.Float64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _shared(daily: pl.DataFrame, channel: str) -> float:
    """How far ``channel`` has its good days together with the others: relative variance of the shock they share."""
    if not daily.height:
        return 0.0
    pools = daily.with_columns(
        pool=pl.when(pl.col("channel") == channel).then(pl.lit("own")).otherwise(pl.lit("others"))
    )
    paths = {}
    skus = daily["sku"].unique().sort().to_list()
    first, last = int(str(daily["day"].min())), int(str(daily["day"].max()))
    for pool in ("own", "others"):
        these = pools.filter(pl.col("pool") == pool)
        paths[pool] = np.zeros((last - first + 1, len(skus)))
        places = these["sku"].replace_strict({sku: n for n, sku in enumerate(skus)}, return_dtype=pl.Int64).to_numpy()
        np.add.at(paths[pool], (these["day"].to_numpy() - first, places), these["units"].to_numpy())
    own, others = paths["own"], paths["others"]
    means = [np.broadcast_to(path.mean(axis=0), path.shape) for path in (own, others)]
    spreads = [np.maximum(path.var(axis=0) / np.maximum(path.mean(axis=0), 1e-9), 1.0) for path in (own, others)]
    spread = [np.broadcast_to(one, own.shape) for one in spreads]
    return float(shared_variance(own, others, *means, *spread)[-1])


def _suppliers(connection: Connection) -> SupplierBook:
    """From what came; a receipt that cannot be true is left out and counted."""
    rows = connection.execute(
        text(
            "SELECT supplier, ordered_at, promised_at, received_at, ordered_quantity, received_quantity FROM delivery "
            "WHERE received_at IS NOT NULL ORDER BY delivery_id"
        )
    )
    usable: list[Received] = []
    left_out: Counter[str] = Counter()
    for supplier, ordered, promised, received, wanted, came in rows:
        if came is None or received < ordered or wanted <= 0 or came < 0:
            left_out[supplier] += 1
            continue
        promised_at = from_microseconds(promised) if promised is not None else None
        dates = (from_microseconds(ordered), promised_at, from_microseconds(received))
        usable.append(Received(supplier, *dates, int(wanted), int(came)))
    return reliability(usable, left_out)


def _named(connection: Connection) -> dict[str, str]:
    """The supplier that master data name, by SKU."""
    rows = connection.execute(text("SELECT sku, supplier FROM sku WHERE supplier IS NOT NULL"))
    return dict(rows.tuples().all())


def _worth(prices: UnitPrices, market: Market) -> float | None:
    """A unit's price in the reporting currency; None without a price above 0 or without a rate."""
    worth = market.rates.worth(prices.currency or market.rates.reporting)
    return float(prices.price * worth) if prices.price and prices.price > 0 and worth is not None else None


def _waiting(connection: Connection, at: datetime) -> dict[str, OpenOrder]:
    """By SKU its oldest open order."""
    rows = connection.execute(
        text(
            "SELECT sku, supplier, ordered_at, promised_at FROM delivery "
            "WHERE received_at IS NULL AND ordered_at <= :at ORDER BY ordered_at DESC"
        ),
        {"at": to_microseconds(at)},
    )
    return {
        sku: OpenOrder(
            supplier,
            (at - from_microseconds(ordered)) / timedelta(days=1),
            None if promised is None else (at - from_microseconds(promised)) / timedelta(days=1),
        )
        for sku, supplier, ordered, promised in rows
    }
