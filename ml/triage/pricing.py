"""What each signal of the cases costs on the listings that follow it, beside the others that draw on them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core_sync.master_data.cut_offs import CutOffTime, next_cut_off
from ml.exposure.belief import Belief, certain
from ml.exposure.penalties import NO_PENALTIES, Penalties
from ml.exposure.situation import ChannelDemand, Situation, taken
from ml.exposure.terms import Basis, Term
from ml.exposure.time_to_fix import Lasting, spread_of_fix, time_to_fix
from ml.exposure.value import Exposure, exposures_of, part_of
from ml.triage.attribution import Claim, SignalKey, shared, standing
from ml.triage.cancel_rates import passed_together
from ml.triage.facts import effects_of_unknown, facts_of
from ml.triage.frozen import NO_ARRIVALS, sellable
from ml.triage.grouping import Scope, anomaly_fingerprint, failure_fingerprint
from ml.triage.held_back import Outage
from ml.triage.market import Market
from ml.triage.opinion import Priced
from ml.triage.precedence import giving_way
from ml.triage.priority import by_priority
from ml.triage.stakes import Stake, stakes_of
from ml.triage.told import Signals

PricedSignals = dict[SignalKey, list[Priced]]
"""What each signal claims, listing by listing, priced and shared."""

UNTOLD_CAUSE = "other"
"""As long as a cause that is only read from figures, a trouble is taken to last."""


@dataclass(frozen=True)
class Around:
    """What is weighed, and what shares its listings with it.

    Args:
        weighed: signals by case.
        others: signals about the same SKUs in cases that stay as they are and take their part.
        outages: channels that are out and what they hold back.
    """

    weighed: Mapping[int, Signals]
    others: Sequence[Mapping[str, Any]]
    outages: Sequence[Outage]

    @property
    def rows(self) -> list[Mapping[str, Any]]:
        """Every signal."""
        return [*(row for told in self.weighed.values() for row in told.rows), *self.others]

    @property
    def skus(self) -> set[str]:
        """The SKUs whose money is at stake in what is weighed."""
        touched = {sku for told in self.weighed.values() for sku in told.skus}
        held = (o.listings for o in self.outages if o.failure["case_id"] in self.weighed)
        return touched | {listing.sku for listings in held for listing in listings}


@dataclass(frozen=True)
class Books:
    """What money at stake rests on beside the signals: the market, how long each cause lasts, and cut-off times."""

    market: Market
    fixed: Mapping[str, Lasting]
    cut_offs: Sequence[CutOffTime]
    at: datetime
    customers: Mapping[str, tuple[str, str]]
    """Customer and tier of orders that are taken and cannot be served, where they are known."""


def priced_signals(around: Around, books: Books) -> PricedSignals:
    """What each signal of ``around`` costs; those that claim nothing are left out.

    Signals that claim one listing share it, channels that sell one stock bear it by priority, and a cancel rate is
    passed once.
    """
    unknown = effects_of_unknown(around.rows)
    claims = [
        _claim(row, stake)
        for row in giving_way(around.rows)
        for stake in stakes_of(facts_of(row, unknown, books.market.arrivals), books.market.shown)
    ]
    skus = around.skus
    for outage in around.outages:
        held = (facts for facts in outage.facts if facts.sku in skus)
        claims += [_claim(outage.failure, stake) for facts in held for stake in stakes_of(facts, books.market.shown)]
    kept = standing(claims)
    found: PricedSignals = {}
    charges = books.market.charges.channels
    ranked = by_priority(kept, _price(kept, books), {name: one.priority for name, one in charges.items()})
    rates = {name: one.cancel_rate for name, one in charges.items() if one.cancel_rate is not None}
    for claim, exposure in zip(kept, passed_together(kept, shared(kept, ranked), rates), strict=True):
        found.setdefault(claim.signal, []).append((claim, exposure))
    return found


def _claim(row: Mapping[str, Any], stake: Stake) -> Claim:
    return Claim(key_of(row), _trouble(row), row.get("root_cause") or UNTOLD_CAUSE, stake, row["location"] or "")


def key_of(row: Mapping[str, Any]) -> SignalKey:
    """Which signal a row of ``ml.triage.told`` is."""
    return ("failure" if row["kind"] == "failure" else "anomaly"), row["signal_id"]


def _trouble(row: Mapping[str, Any]) -> str:
    """The fingerprint that the signal has by itself, in whichever case it is."""
    if row["kind"] != "failure":
        return anomaly_fingerprint(Scope(sku=row["sku"]), {})
    scope = Scope(row["system"] or "", row["channel"] or "", row["sku"] or "", row["location"] or "")
    return failure_fingerprint(row["root_cause"], row["subclass"], scope)


def _price(claims: Sequence[Claim], books: Books) -> list[Exposure]:
    market = books.market
    demands = [_demand(claim.stake, market) for claim in claims]
    situations = [
        Situation(
            claim.stake.published,
            _believed(claim, books),
            demand,
            time_to_fix(claim.cause, books.fixed),
            market.prices_of(claim.stake.sku, claim.stake.channel),
            _penalties(claim.stake, share, books),
            cut_off=_cut_off(claim, books),
            fix_spread=None if claim.stake.order else spread_of_fix(claim.cause, books.fixed),
        )
        for claim, (demand, share) in zip(claims, demands, strict=True)
    ]
    priced = exposures_of(situations, market.rates)
    return [part_of(exposure, share) for exposure, (_, share) in zip(priced, demands, strict=True)]


def _demand(stake: Stake, market: Market) -> tuple[ChannelDemand, float]:
    """What is asked of what is at stake, and the listing's part of that: channels sell shared stock out together."""
    if stake.order:
        return taken(stake.published), 1.0
    if stake.pool is None:
        return market.demand.of(stake.sku, stake.channel), 1.0
    return market.demand.of_all(stake.sku, stake.channel)


def _penalties(stake: Stake, share: float, books: Books) -> Penalties:
    """What the channel charges for orders that are short; ``share`` of all that are short of the stock are its own."""
    market = books.market
    own = market.charges.channels.get(stake.channel)
    if own is None or not own.any:
        return NO_PENALTIES
    units, retention = market.demand.lots.get((stake.sku, stake.channel), own.units_a_line), own.retention
    if stake.order:
        units = Term(float(max(1, stake.published)), "units/line", Basis.GIVEN, f"order {stake.order}")
        account, tier = books.customers.get(stake.order, ("", ""))
        retention = market.charges.of_tier(tier, f"order {stake.order} of {account}") if tier else retention
    rate = own.cancel_rate
    rate = None if rate is None else replace(rate, part=share if 0 < share <= 1 else 1.0)
    return Penalties(own.chargeback, own.chargeback_share, retention, rate, units)


def _cut_off(claim: Claim, books: Books) -> Term | None:
    """In how many hours orders must be ready for whom the listing sells."""
    found = next_cut_off(books.cut_offs, claim.stake.channel, claim.location, books.at)
    if found is None:
        return None
    cut_off, moment = found
    note = f"{cut_off.name}, at {cut_off.clock:%H:%M} {cut_off.zone.key}"
    return Term((moment - books.at) / timedelta(hours=1), "h", Basis.GIVEN, note)


def _believed(claim: Claim, books: Books) -> Belief:
    """What is truly there: the other figure with the stake's belief, else what is shown."""
    stake = claim.stake
    if stake.frozen or stake.unheard:
        share = books.market.demand.share_of(stake.sku, stake.channel) if stake.frozen else 1.0
        arrivals = books.market.arrivals.get(stake.sku, NO_ARRIVALS)
        return sellable(stake.available, share, arrivals, time_to_fix(claim.cause, books.fixed).value or 0.0)
    if stake.belief >= 1.0 or stake.available == stake.published:
        return certain(stake.available)
    low, high = sorted((stake.available, stake.published))
    of_low = stake.belief if stake.available == low else 1.0 - stake.belief
    return Belief((low, high), (of_low, 1.0 - of_low))
