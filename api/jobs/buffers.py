"""Buffer recommendations from the books.

Who else draws on the stock, how long a channel does not know of it, and what either mistake costs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, text

from api.jobs.buffer_estimates import Estimates, KeptEstimates
from core_sync.availability.books import terms_for
from core_sync.availability.promises import as_json, channel_names, channel_terms, wanted_skus
from core_sync.availability.rules import WHOLE_SHARE
from core_sync.errors import NotFound
from ml.buffers.listing import Listing, as_arrays
from ml.buffers.others import others_demand
from ml.buffers.rails import POLICY, Policy
from ml.buffers.recommend import Recommendation, recommend
from ml.buffers.steering import Step, first_step, steps_in_force
from ml.buffers.supplier import receipt_chance, supplier_terms
from ml.buffers.targets import read_targets
from ml.buffers.weight import LEAST_WEIGHT, MOST_LOOKED_AT, weight_for_target
from ml.exposure.situation import UnitPrices
from ml.exposure.terms import Basis, Term
from ml.triage.market import Money, read_money
from ml.triage.past_stock import free_stock, past_stock

_DIRECT = ""
"""Demand that passes no channel."""


def recommend_buffers(
    connection: Connection,
    kept: KeptEstimates,
    reporting: str,
    at: datetime,
    skus: Collection[str] | None = None,
    channel: str | None = None,
    policy: Policy = POLICY,
    target: float | None = None,
) -> list[Recommendation]:
    """A recommendation for each SKU with known stock on each channel, or for those named.

    What an oversell counts on a channel is what control has come to (``ml.buffers.steering``), or before its first step
    what is expected to serve the channel's target over all that it sells, whichever SKU is asked for. ``target``
    instead of the accepted oversell rate of each.

    Raises:
        NotFound: there is no such channel.
    """
    channels = channel_names(connection)
    if channel is not None and channel not in channels:
        raise NotFound("channel", channel)
    estimates = kept.of(connection, channels, at)
    listings = known_listings(connection, estimates, reporting, at, skus, policy, channel)
    targets, steps = read_targets(connection), dict(steps_in_force(connection))
    for name in sorted({one.channel for one in listings} - steps.keys()):
        weight = expected_weight(connection, kept, reporting, at, name, targets.rate(name), policy)
        steps[name] = first_step(name, at, targets.rate(name), weight or LEAST_WEIGHT)
    weighed = [
        _weighed(one, steps[one.channel], targets.rate(one.channel, one.sku) if target is None else target)
        for one in listings
    ]
    return sorted(recommend(weighed, at, policy), key=lambda one: (one.sku, one.channel))


def expected_weight(
    connection: Connection,
    kept: KeptEstimates,
    reporting: str,
    at: datetime,
    channel: str,
    target: float,
    policy: Policy = POLICY,
) -> float | None:
    """What an oversell must count on ``channel`` for ``target`` to be expected of all it sells; None of nothing."""
    estimates = kept.of(connection, channel_names(connection), at)

    def found(name: str) -> float | None:
        free = free_stock(connection)
        every = listings_of(connection, estimates, free, reporting, at, policy, name)
        return _serving(connection, every, free, target, at, policy) if every else None

    return kept.weight(channel, target, policy, found)


def _serving(
    connection: Connection,
    every: Sequence[Listing],
    free: Mapping[str, int],
    target: float,
    at: datetime,
    policy: Policy,
) -> float:
    """The weight at which ``target`` is expected of ``every`` listing of a channel, at the stock of the last weeks."""
    some = every[:: -(-len(every) // MOST_LOOKED_AT)]
    skus = [one.sku for one in some]
    terms = channel_terms(connection, skus, at)
    shares = np.array([terms_for(terms, one.channel, one.sku).share_ten_thousandths / WHOLE_SHARE for one in some])
    there = np.floor(past_stock(connection, skus, [free[sku] for sku in skus], at) * shares[:, None])
    rows, looks = np.nonzero(there > 0)
    if len(rows) > MOST_LOOKED_AT:
        drawn = np.random.default_rng(0).choice(len(rows), MOST_LOOKED_AT, replace=False)
        rows, looks = rows[drawn], looks[drawn]
    listings = replace(as_arrays(some, policy).only(rows), available=there[rows, looks])
    return weight_for_target(listings, target, policy)


def _weighed(listing: Listing, step: Step, target: float) -> Listing:
    """``listing`` with what an oversell counts for ``target``, and what came true before the last ``step``."""
    weighed = replace(listing, weight=step.weight_for(target), target=target)
    if step.since is None or step.claimed.rate is None:
        return weighed
    note = (
        f"{step.claimed.oversold} of {step.claimed.asked} units asked from {step.since:%Y-%m-%d} to {step.at:%Y-%m-%d}"
    )
    return replace(weighed, realised=Term(step.claimed.rate, "share", Basis.MEASURED, note))


def known_listings(
    connection: Connection,
    estimates: Estimates,
    reporting: str,
    at: datetime,
    skus: Collection[str] | None = None,
    policy: Policy = POLICY,
    channel: str | None = None,
) -> list[Listing]:
    """What is known of each SKU with known stock (or of those of ``skus``) on every channel (or on ``channel``)."""
    return listings_of(connection, estimates, free_stock(connection, skus), reporting, at, policy, channel)


def listings_of(
    connection: Connection,
    estimates: Estimates,
    available: Mapping[str, int],
    reporting: str,
    at: datetime,
    policy: Policy = POLICY,
    channel: str | None = None,
) -> list[Listing]:
    """What is known of each SKU of ``available`` on every channel of the estimates (or on ``channel``)."""
    if not available:
        return []
    money = read_money(connection, list(available), reporting, at)
    terms = channel_terms(connection, available.keys(), at)
    supplier_of = _named(connection, available)
    pools, demand, orders = (*estimates.windows, _DIRECT), estimates.demand, estimates.orders
    listings = []
    for name in estimates.windows if channel is None else [channel]:
        for sku, units in available.items():
            rule = terms_for(terms, name, sku)
            waits = estimates.waiting.get(sku)
            known = estimates.suppliers.of(waits.supplier if waits else supplier_of.get(sku))
            prices = money.prices_of(sku, name)
            listings.append(
                Listing(
                    sku=sku,
                    channel=name,
                    location="",
                    others=others_demand(demand, sku, name, pools),
                    own=demand.of(sku, name),
                    window=estimates.window(sku, name),
                    prices=prices,
                    supply=receipt_chance(known, waits, policy.promise_days),
                    available=max(units * rule.share_ten_thousandths // WHOLE_SHARE, 0),
                    current=rule.buffer,
                    others_lot=orders.others_lot(sku, name),
                    big=orders.big(sku, name),
                    own_lot=orders.own_lot(sku, name),
                    shared=estimates.shared[name],
                    supplier=supplier_terms(known, waits),
                    unit_worth=_worth(prices, money),
                    reliability=known,
                    order=waits,
                )
            )
    return listings


def _named(connection: Connection, skus: Collection[str]) -> dict[str, str]:
    """The supplier that master data name, by SKU."""
    rows = connection.execute(
        text(
            f"SELECT s.sku, s.supplier FROM ({wanted_skus(connection)}) w JOIN sku s ON s.sku = w.sku "
            "WHERE s.supplier IS NOT NULL"
        ),
        {"skus": as_json(skus)},
    )
    return {str(sku): str(supplier) for sku, supplier in rows}


def _worth(prices: UnitPrices, money: Money) -> float | None:
    """A unit's price in the reporting currency; None without a price above 0 or without a rate."""
    worth = money.rates.worth(prices.currency or money.rates.reporting)
    return float(prices.price * worth) if prices.price and prices.price > 0 and worth is not None else None
