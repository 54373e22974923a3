"""Weigh cases: root cause from their signals, money at stake, expected loss, and why."""

from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime
from decimal import Decimal

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
from core_sync.master_data.cut_offs import read_cut_offs
from core_sync.outbox.listing import Listing
from core_sync.outbox.stakes import tell_stakes
from ml.exposure.time_to_fix import lasting
from ml.registry.service_models import ServiceModels
from ml.triage.cause import cause_of
from ml.triage.charges import tiers_of_orders
from ml.triage.held_back import outages
from ml.triage.market import read_market
from ml.triage.opinion import opinion_of
from ml.triage.pricing import Around, Books, PricedSignals, key_of, priced_signals
from ml.triage.stakes import UNSERVED
from ml.triage.told import names_of, read_signals, signals_on

Recommend = Callable[[Connection, str], tuple[str, str]]
"""For a root cause: the action that removes it, and its rung on the autonomy ladder."""

CLOSED_READ = 2_000
"""Resolved cases that tell how long a cause lasts; older ones tell of another time."""
SHARED_SKUS_MAX = 500
"""A case about more SKUs is weighed by its own signals alone: reading everything about all of them takes too long."""


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
        priced = priced_signals(around, books)
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
        mine = [pair for row in told.rows for pair in priced.get(key_of(row), ())]
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
    chances = {key_of(row): Decimal(str(row.get("fault_probability", 1.0))) for row in around.rows}
    losses: dict[Listing, Decimal] = {}
    for signal, pairs in priced.items():
        for claim, exposure in pairs:
            listing = Listing(claim.stake.channel, claim.stake.sku)
            part = chances.get(signal, Decimal(1)) * (exposure.amount or Decimal(0))
            losses[listing] = losses.get(listing, Decimal(0)) + part
    return losses


def _closed(connection: Connection) -> list[tuple[str, float]]:
    """Root cause and hours from opening to resolution of the cases resolved last."""
    rows = connection.execute(text(_CLOSED), {"most": CLOSED_READ})
    return [(cause, max(0.0, microseconds / 3.6e9)) for cause, microseconds in rows]


_CLOSED = """
SELECT root_cause, resolved_at - opened_at FROM exception_case WHERE resolved_at IS NOT NULL
ORDER BY resolved_at DESC LIMIT :most
"""
