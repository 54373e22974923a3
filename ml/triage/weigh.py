"""Weigh cases: root cause from their signals, money at stake, expected loss, and why."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from core_sync.cases.recurrence import RECURS_WITHIN, known_troubles, most_at, times_at, times_back
from core_sync.cases.rows import in_parts
from core_sync.cases.scope import TOUCHED_AT_ONCE, touch_ahead
from core_sync.cases.tally import fold
from core_sync.cases.weigh import (
    NOTICEABLE,
    Opinion,
    ask_for_review,
    close_at_next_look,
    narrow_among,
    take_up,
    write_opinion,
)
from core_sync.cases.words import words_touched
from core_sync.database.engine import Database
from core_sync.master_data.cut_offs import CutOffTime, next_cut_off, read_cut_offs
from core_sync.outbox.listing import Listing
from core_sync.outbox.stakes import tell_stakes
from ml.exposure.belief import Belief, certain
from ml.exposure.penalties import NO_PENALTIES, Penalties
from ml.exposure.situation import ChannelDemand, Situation, taken
from ml.exposure.terms import Basis, Term
from ml.exposure.time_to_fix import Lasting, lasting, spread_of_fix, time_to_fix
from ml.exposure.value import Exposure, exposures_of, part_of
from ml.registry.service_models import ServiceModels
from ml.triage.attribution import Claim, SignalKey, shared, standing
from ml.triage.cancel_rates import passed_together
from ml.triage.cause import cause_of
from ml.triage.charges import tiers_of_orders
from ml.triage.facts import effects_of_unknown, facts_of
from ml.triage.frozen import NO_ARRIVALS, sellable
from ml.triage.grouping import Scope, anomaly_fingerprint, failure_fingerprint
from ml.triage.held_back import Outage, outages
from ml.triage.market import Market, read_market
from ml.triage.opinion import Priced, opinion_of
from ml.triage.precedence import giving_way
from ml.triage.priority import by_priority
from ml.triage.stakes import UNSERVED, Stake, stakes_of
from ml.triage.told import Signals, names_of, read_signals, signals_on

Recommend = Callable[[Connection, str], tuple[str, str]]
"""For a root cause: the action that removes it, and its rung on the autonomy ladder."""

PricedSignals = dict[SignalKey, list[Priced]]
"""What each signal claims, listing by listing, priced and shared."""

CLOSED_READ = 2_000
"""Resolved cases that tell how long a cause lasts; older ones tell of another time."""
SHARED_SKUS_MAX = 500
"""A case about more SKUs is weighed by its own signals alone: reading everything about all of them takes too long."""
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


def weigh_cases(
    database: Database,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
    case_ids: Sequence[int],
) -> None:
    """Weigh ``case_ids``. Nobody who writes waits while they are read and priced.

    Cases about one SKU share what its listings lose. Where the money of one moves, the others are asked to be weighed
    again; they move nothing more unless they move themselves. What happens to a case meanwhile asks for it again.
    The outbox is told what is expected to be lost on each listing: of two pushes of a class the dearer goes first.
    """
    with database.transaction() as connection:
        seen = take_up(connection, case_ids)
    with database.reading() as connection:
        around = _around(connection, case_ids)
        books = _books(connection, around, reporting, at)
        priced = _priced(around, books)
        opinions = _opinions(connection, around, priced, models, recommend, reporting, at)
    losses = _expected_losses(around, priced)
    for case_id, opinion in opinions.items():
        touch_ahead(database, case_id, set(opinion.skus))
    words = _words_ahead(database, opinions)
    with database.transaction() as connection:
        moved = {
            case_id: write_opinion(connection, case_id, opinion, at, seen.get(case_id), words.get(case_id))
            for case_id, opinion in opinions.items()
        }
        little = {sku for case_id, by in moved.items() if by > 0 for sku in opinions[case_id].skus}
        much = {sku for case_id, by in moved.items() if by > NOTICEABLE for sku in opinions[case_id].skus}
        ask_for_review(connection, narrow_among(connection, _beside(around, little)))
        ask_for_review(connection, _beside(around, much))
        close_at_next_look(connection, [case_id for case_id in case_ids if case_id not in opinions], at)
    for part in in_parts(sorted(around.skus)):
        with database.transaction() as connection:
            tell_stakes(connection, part, losses)
    fold(database)


def _words_ahead(database: Database, opinions: Mapping[int, Opinion]) -> dict[int, list[str]]:
    """Of cases that touch very many SKUs the words of these, gathered before anybody who writes has to wait."""
    wide = {case_id: one for case_id, one in opinions.items() if len(set(one.skus)) > TOUCHED_AT_ONCE}
    with database.reading() as connection:
        return {
            case_id: words_touched(connection, set(one.skus), [*one.locations, *one.channels])
            for case_id, one in wide.items()
        }


def _books(connection: Connection, around: Around, reporting: str, at: datetime) -> Books:
    market = read_market(connection, sorted(around.skus), reporting, at)
    orders = {row["document"] for row in around.rows if row.get("subclass") == UNSERVED and row.get("document")}
    customers = tiers_of_orders(connection, orders) if market.charges.tiers and orders else {}
    return Books(market, lasting(_closed(connection)), read_cut_offs(connection), at, customers)


def _opinions(
    connection: Connection,
    around: Around,
    priced: PricedSignals,
    models: ServiceModels,
    recommend: Recommend,
    reporting: str,
    at: datetime,
) -> dict[int, Opinion]:
    came_back = times_back(connection, list(around.weighed), at - RECURS_WITHIN)
    before, known = times_at(connection, at - RECURS_WITHIN), known_troubles(connection, around.weighed, at)
    found: dict[int, Opinion] = {}
    for case_id, told in around.weighed.items():
        cause = cause_of(told, models)
        mine = [pair for row in told.rows for pair in priced.get(_key(row), ())]
        action = recommend(connection, cause["root_cause"])
        named_cause = known[case_id].said_cause or cause["root_cause"]
        places = {row["location"] for row in told.rows if row["location"]}
        there = most_at(before, named_cause, places, known[case_id].fingerprint)
        found[case_id] = opinion_of(told, cause, mine, came_back.get(case_id, 0), there, models, action, reporting)
    return found


def _around(connection: Connection, wanted: Sequence[int]) -> Around:
    weighed, out = read_signals(connection, wanted), outages(connection)
    shared_skus = {sku for told in weighed.values() if len(told.skus) <= SHARED_SKUS_MAX for sku in told.skus}
    held = {one.sku for outage in out if outage.failure["case_id"] in weighed for one in outage.listings}
    beside = signals_on(connection, shared_skus | held)
    return Around(weighed, [row for row in beside if row["case_id"] not in weighed], out)


def _beside(around: Around, skus: Set[str]) -> set[int]:
    """The cases that stay as they are and share a listing of ``skus``."""
    return {row["case_id"] for row in around.others if not skus.isdisjoint(names_of(row))}


def _expected_losses(around: Around, priced: PricedSignals) -> dict[Listing, Decimal]:
    """What is expected to be lost on each listing: over its signals, the chance of a fault times its part."""
    chances = {_key(row): Decimal(str(row.get("fault_probability", 1.0))) for row in around.rows}
    losses: dict[Listing, Decimal] = {}
    for signal, pairs in priced.items():
        for claim, exposure in pairs:
            listing = Listing(claim.stake.channel, claim.stake.sku)
            part = chances.get(signal, Decimal(1)) * (exposure.amount or Decimal(0))
            losses[listing] = losses.get(listing, Decimal(0)) + part
    return losses


def _priced(around: Around, books: Books) -> PricedSignals:
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
    return Claim(_key(row), _trouble(row), row.get("root_cause") or UNTOLD_CAUSE, stake, row["location"] or "")


def _key(row: Mapping[str, Any]) -> SignalKey:
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


def _closed(connection: Connection) -> list[tuple[str, float]]:
    """Root cause and hours from opening to resolution of the cases resolved last."""
    rows = connection.execute(text(_CLOSED), {"most": CLOSED_READ})
    return [(cause, max(0.0, microseconds / 3.6e9)) for cause, microseconds in rows]


_CLOSED = """
SELECT root_cause, resolved_at - opened_at FROM exception_case WHERE resolved_at IS NOT NULL
ORDER BY resolved_at DESC LIMIT :most
"""
