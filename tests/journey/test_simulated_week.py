"""A week of movements, sales and everything that goes wrong at three channels, in quick time.

In the end every listing shows its promise or has an open case, every order of a channel is in the ledger once, and no
figure was applied twice. Counted at the channels, which are processes of their own.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from api.jobs.publishing import push_turn, read_turn
from api.jobs.triage import triage
from api.wiring import World, build_world
from core_sync.availability.promises import promised_quantities
from core_sync.channels.connect import Connections
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.history import disagreements
from core_sync.ledger.ledger import Ledger
from core_sync.outbox.dispatch import Dispatcher
from core_sync.settings import read_settings
from simulation.peers.fleet import Fleet
from tests.journey.quick_time import QuickTime
from tests.journey.trading import LOCATION, Orders, connect, names, repeatedly
from tests.proof import counted, keep_result

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
KINDS = ("shopify", "amazon", "edi")
DAY_S = 86_400.0
LASTS_S = counted(7.0, 0.1) * DAY_S
SPEED = counted(100.0, 600.0)
"""Times as fast as ours: a hundred for the whole week; the sample, a tenth of a day, is to be over in half a minute."""
SKUS = [f"SKU-{number:02d}" for number in range(30)]
EVERY_S = 120.0
"""A movement or a sale comes about this often."""
ANSWER_S = 1.0
DRAINS_WITHIN_S = 90.0


def plan() -> list[Mapping[str, object]]:
    """What goes wrong at a channel: now and then anything, and each day it is out for ten minutes."""
    rules: list[Mapping[str, object]] = [
        {"fault": "outage", "on": "both", "from_s": day * DAY_S + 3_600, "to_s": day * DAY_S + 4_200}
        for day in range(7)
    ]
    often = {"timeout": 0.005, "timeout_applied": 0.005, "cut": 0.01, "cut_applied": 0.01, "429": 0.01, "400": 0.003,
             "429_without_retry_after": 0.005, "500": 0.01, "503": 0.01, "throttled": 0.01, "garbage": 0.01,
             "accepted_not_applied": 0.01}  # fmt: skip
    rules += [{"fault": name, "probability": chance} for name, chance in often.items()]
    rules.append({"fault": "latency", "seconds": 0.03, "probability": 0.1, "on": "both"})
    rules += [{"fault": name, "probability": 0.01, "on": "reads"} for name in ("503", "cut", "stale_read", "garbage")]
    return rules


@contextmanager
def lanes(world: World, time_: QuickTime) -> Iterator[None]:
    """Each channel pushed to and read back without a pause."""
    stop = threading.Event()

    def keep(turn: Callable[[], object]) -> None:
        while not stop.is_set():
            turn()
            time.sleep(0.01)

    def lane(kind: str) -> list[Callable[[], object]]:
        who = Dispatcher(f"lane-{kind}", pace=time_.pace)
        return [lambda: push_turn(world, kind, who), lambda: read_turn(world, kind)]

    threads = [threading.Thread(target=keep, args=(turn,)) for kind in KINDS for turn in lane(kind)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def one_thing(ledger: Ledger, fleet: Fleet, number: int, at: datetime, chance: random.Random) -> str:
    """A receipt, a count, a sale in the warehouse, or a buyer on a channel."""
    sku = chance.choice(SKUS)
    what = chance.choices(("buyer", "ship", "receipt", "count"), (6, 2, 2, 1))[0]
    if what == "buyer":
        fleet[chance.choice(KINDS)].buy(sku, chance.randint(1, 3))
        return what
    units = {"ship": chance.randint(1, 4), "receipt": chance.randint(5, 25), "count": chance.choice([0, 3, 12, 40])}
    event = Event(
        event_id=f"w{number}", type=EventType(what), occurred_at=at, sku=sku, quantity=units[what], source="wms",
        location=LOCATION,
    )  # fmt: skip
    ledger.apply([event], at)
    return what


def wrong_listings(world: World, fleet: Fleet) -> dict[tuple[str, str], tuple[int, int | None, str]]:
    """Listings that show something else than their promise: what, what they show, and their state."""
    shown = {kind: peer.shown() for kind, peer in fleet.items()}
    with world.database.reading() as connection:
        states = {(channel, sku): state for channel, sku, state in connection.execute(text(_STATES))}
        return {
            (channel, sku): (quantity, shown[channel].get(sku), states.get((channel, sku), "never intended"))
            for channel, sku, quantity in promised_quantities(connection, SKUS, world.clock())
            if shown[channel].get(sku) != quantity
        }


def with_open_failures(world: World) -> set[tuple[str, str]]:
    """Listings, as (channel, SKU), of which a failure is told and not over."""
    with world.database.reading() as connection:
        return {(channel, sku) for channel, sku in connection.execute(text(_IN_OPEN_FAILURES))}


def with_open_cases(world: World) -> set[tuple[str, str]]:
    """Listings, as (channel, SKU), that an open case is about."""
    with world.database.reading() as connection:
        rows = connection.execute(text(_IN_OPEN_CASES))
        return {(channel, sku) for channel, sku in rows}


@dataclass
class Trade:
    """The service, its channels, and what has happened so far."""

    world: World
    fleet: Fleet
    ledger: Ledger
    orders: Orders
    time: QuickTime
    happened: Counter[str] = field(default_factory=Counter)


@contextmanager
def a_trade(folder: Path) -> Iterator[Trade]:
    """Three channels in quick time, each with a plan of faults, and SKUs that none of them shows yet."""
    with ExitStack() as up:
        fleet = up.enter_context(Fleet.start(KINDS, listings=dict.fromkeys(SKUS, 0), speed=SPEED, starts_at=MONDAY))
        time_ = QuickTime(MONDAY, SPEED)
        world = build_world(read_settings(home=folder, sample=False), time_)
        up.callback(world.close)
        ledger = up.enter_context(closing(Ledger(world.database)))
        orders_ledger = up.enter_context(closing(Ledger(world.database)))  # orders come in a thread of their own
        connect(world.database, fleet, {"buffer": 1})
        names(world.database, dict.fromkeys(SKUS))
        world.__dict__["channels"] = Connections(world.database, answer_s=ANSWER_S, pace=time_.pace)
        for place, kind in enumerate(KINDS):
            fleet[kind].follows_plan(*plan(), seed=place)
        yield Trade(world, fleet, ledger, Orders(orders_ledger, fleet, time_), time_)


def a_week_passes(trade: Trade) -> dict[str, dict[str, int]]:
    """Everything goes on until the week is over, then until nothing is left to do; the faults met by channel."""
    chance = random.Random(5)
    with lanes(trade.world, trade.time):
        with repeatedly(trade.orders.fetch):
            while trade.time.passed() < LASTS_S:
                number = trade.happened.total()
                trade.happened[one_thing(trade.ledger, trade.fleet, number, trade.time(), chance)] += 1
                trade.time.wait(chance.expovariate(1 / EVERY_S))
        faults = {kind: peer.counters()["faults"] for kind, peer in trade.fleet.items()}
        for peer in trade.fleet.values():
            peer.behaves()
        until = time.monotonic() + DRAINS_WITHIN_S
        while time.monotonic() < until:
            if not wrong_listings(trade.world, trade.fleet).keys() - with_open_failures(trade.world):
                break
            time.sleep(0.2)
    triage(trade.world)
    return faults


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_after_a_week_of_faults_every_listing_is_right_or_has_an_open_case(tmp_path: Path) -> None:
    with a_trade(tmp_path) as trade:
        faults = a_week_passes(trade)
        wrong = wrong_listings(trade.world, trade.fleet)
        explained = with_open_cases(trade.world)
        assert {listing: told for listing, told in wrong.items() if listing not in explained} == {}
        counters = {kind: peer.counters() for kind, peer in trade.fleet.items()}
        sold = {kind: sum(one["sold"].values()) for kind, one in counters.items()}
        with trade.world.database.reading() as connection:
            assert disagreements(connection) == []
            told: dict[str, int] = dict(connection.execute(text(_RESERVED)).all())
            tries: dict[str, int] = dict(connection.execute(text(_TRIES)).all())
            failures = connection.execute(text(_FAILURES)).one()
            heard = connection.execute(text(_HEARD)).scalar_one()
    assert {kind: one["applied_twice"] for kind, one in counters.items()} == dict.fromkeys(KINDS, 0)
    assert told == {kind: units for kind, units in sold.items() if units}
    assert heard == trade.happened.total() - trade.happened["buyer"]
    figures = {
        "days": LASTS_S / DAY_S,
        "times as fast as ours": SPEED,
        "what happened": dict(trade.happened),
        "listings": len(SKUS) * len(KINDS),
        "listings right in the end": len(SKUS) * len(KINDS) - len(wrong),
        "listings wrong with an open case": dict(Counter(state for _, _, state in wrong.values())),
        "listings wrong without one": 0,
        "units ordered on channels": sold,
        "the same in the ledger": told,
        "figures received": {kind: one["figures_received"] for kind, one in counters.items()},
        "figures applied twice": 0,
        "refused by the channel's own limit": {kind: one["refused_by_limit"] for kind, one in counters.items()},
        "faults met": faults,
        "answers to pushes": tries,
        "failures told": failures.told,
        "of them outages of a channel": failures.outages,
    }
    keep_result("simulated_week", "tests/journey/test_simulated_week.py", figures)


_STATES = "SELECT channel, sku, state FROM push_intent"

_IN_OPEN_FAILURES = "SELECT channel, sku FROM failure WHERE resolved_at IS NULL AND sku IS NOT NULL"

_IN_OPEN_CASES = """
SELECT f.channel, f.sku FROM failure f JOIN case_signal s ON s.kind = 'failure' AND s.signal_id = f.failure_id
JOIN exception_case c ON c.case_id = s.case_id
WHERE f.resolved_at IS NULL AND c.status <> 'resolved' AND f.channel IS NOT NULL AND f.sku IS NOT NULL
"""

_RESERVED = """
SELECT s.name, sum(l.quantity) FROM ledger_entry l JOIN source s ON s.source_id = l.source_id
WHERE l.type = 'reserve' GROUP BY s.name
"""

_TRIES = "SELECT answer, count(*) FROM push_attempt GROUP BY answer"

_HEARD = """
SELECT (SELECT count(*) FROM ledger_entry l JOIN source s ON s.source_id = l.source_id WHERE s.name = 'wms')
     + (SELECT count(*) FROM held_event h JOIN source s ON s.source_id = h.source_id
        WHERE s.name = 'wms' AND h.status = 'parked')
"""

_FAILURES = """
SELECT count(*) AS told, sum(CASE WHEN kind = 'channel' THEN 1 ELSE 0 END) AS outages FROM failure
"""
