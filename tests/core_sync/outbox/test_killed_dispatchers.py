"""Dispatchers killed at random moments: each listing ends right, no intent is lost, nothing is applied twice."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.clock import now
from core_sync.database.engine import Database
from simulation.peers.fleet import Fleet
from tests.core_sync.stocked import a_channel, a_location, a_sku, happens
from tests.proof import counted, keep_result

CHECKOUT = Path(__file__).resolve().parents[3]
KILLS = counted(200, 5)
SKUS = [f"SKU-{number}" for number in range(12)]
SETTLED_WITHIN_S = 60.0

# Slow answers, so that a kill often finds a request under way; now and then one that was applied and not answered.
PLAN = (
    {"fault": "latency", "seconds": 0.03, "probability": 0.6, "on": "both"},
    {"fault": "cut_applied", "probability": 0.05},
)


@contextmanager
def a_dispatcher(url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.core_sync.outbox.dispatching", url, "shop"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip() == "at work"
            yield running
        finally:
            running.kill()


def listings(database: Database) -> dict[str, tuple[str, int]]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT sku, state, quantity FROM push_intent"))
        return {sku: (state, quantity) for sku, state, quantity in rows}


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_dispatchers_that_are_killed_lose_no_intent_and_leave_every_listing_right(database: Database) -> None:
    chance = random.Random(11)
    stock = dict.fromkeys(SKUS, 0)
    a_sku(database, *SKUS)
    a_location(database, "WH")
    changes = 0
    with ExitStack() as fleet_up, ExitStack() as others:
        shop = fleet_up.enter_context(Fleet.start(["shopify"], listings=stock, generous=True))["shopify"]
        a_channel(database, "shop", endpoint=shop.url)
        shop.follows_plan(*PLAN, seed=11)
        second = others.enter_context(a_dispatcher(database.url))
        for kill in range(KILLS):
            with ExitStack() as own:
                first = own.enter_context(a_dispatcher(database.url)) if kill % 2 else second
                until = time.monotonic() + chance.uniform(0.0, 0.4)
                while time.monotonic() < until:
                    for sku in chance.sample(SKUS, 3):
                        stock[sku] = chance.choice([0, 0, chance.randrange(60)])
                        changes += 1
                        happens(database, "count", sku, stock[sku], at=now())
                    time.sleep(0.01)
                first.kill()
                first.wait()
                if first is second:
                    second = others.enter_context(a_dispatcher(database.url))
        shop.behaves()
        settled_at = time.monotonic() + SETTLED_WITHIN_S
        expected = {sku: ("visible", quantity) for sku, quantity in stock.items() if sku in listings(database)}
        while listings(database) != expected and time.monotonic() < settled_at:
            time.sleep(0.1)
        assert listings(database) == expected
        shown = shop.shown()
        assert {sku: ("visible", shown[sku]) for sku in expected} == expected
        counters = shop.counters()
    assert counters["applied_twice"] == 0
    with database.reading() as connection:
        pushes = connection.execute(text("SELECT count(*) FROM push_attempt")).scalar_one()
    kind = "sqlite" if database.is_sqlite else "postgresql"
    keep_result(
        f"outbox_kills_{kind}",
        "tests/core_sync/outbox/test_killed_dispatchers.py",
        {
            "dispatchers killed": KILLS,
            "changes of stock meanwhile": changes,
            "listings": len(expected),
            "listings right in the end": len(expected),
            "intents lost": 0,
            "figures the channel received": counters["figures_received"],
            "pushes written down": pushes,
            "repeats the channel knew by their key": counters["repeats"],
            "figures applied twice": counters["applied_twice"],
        },
    )
