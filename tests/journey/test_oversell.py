"""Twenty buyers at once for the last units over three channels: what is oversold, and what is not sold, by policy.

The naive way sets the same stock on every channel, as fast as it can. Ours shows it on all, holds a buffer back on
each, or promises each unit once. A unit is oversold when it was ordered and is not there; the ledger ships none such.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import text

from api.wiring import ROOMS
from core_sync.channels.connect import Connections
from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from simulation.peers.fleet import Fleet
from tests.journey.trading import LOCATION, NaiveSync, Orders, connect, names, repeatedly
from tests.proof import counted, keep_result

CHECKOUT = Path(__file__).resolve().parents[2]
KINDS = ("shopify", "amazon", "edi")
ROUNDS = counted(1_000, 10)
AT_ONCE = 5
"""Rounds side by side, each with a SKU of its own; they share the channels' request budgets, whatever the policy."""
BUYERS = 20
WITHIN_S = 1.0
LAST_UNITS = (1, 8)
LISTED_WITHIN_S = 30.0
QUIET_S = 0.4
"""How long after the last buyer an order may still be under way."""

POLICIES: Mapping[str, Mapping[str, int]] = {
    "shown on every channel": {"shortage_below": 0},
    "a buffer of 1 on each": {"shortage_below": 0, "buffer": 1},
    "each unit once": {"shortage_below": LAST_UNITS[1] + 1},
}


@contextmanager
def publishing(database: Database) -> Iterator[None]:
    """The service's role, in a process of its own."""
    command = [sys.executable, "-m", "api.cli.main", "worker", "publish", "--database", database.url]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield
        finally:
            running.kill()


def buyers_come(fleet: Fleet, skus: Sequence[str], chance: random.Random) -> None:
    """Twenty for each SKU within a second, each on a channel of their own liking."""
    comers = sorted((chance.uniform(0, WITHIN_S), sku, chance.choice(KINDS)) for sku in skus for _ in range(BUYERS))
    began = time.monotonic()

    def comes(comer: tuple[float, str, str]) -> None:
        moment, sku, kind = comer
        time.sleep(max(0.0, began + moment - time.monotonic()))
        fleet[kind].buy(sku)

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(comes, comers))
    time.sleep(QUIET_S)


def batches(chance: random.Random) -> Iterator[dict[str, int]]:
    """The last units of the SKUs of each batch of rounds."""
    for start in range(0, ROUNDS, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, ROUNDS))
        yield {f"SKU-{number:04d}": chance.randint(*LAST_UNITS) for number in numbers}


def result(stock: Mapping[str, int], sold: Mapping[str, int]) -> dict[str, int]:
    """Units oversold and units left, and in how many rounds anything was oversold."""
    over = [max(0, sold.get(sku, 0) - units) for sku, units in stock.items()]
    left = [max(0, units - sold.get(sku, 0)) for sku, units in stock.items()]
    return {"oversold units": sum(over), "rounds oversold": sum(1 for units in over if units), "units left": sum(left)}


def naively(folder: Path) -> dict[str, int]:
    database = Database(f"sqlite:///{folder / 'naive.db'}")
    upgrade(database, *ROOMS[1:])
    chance, found = random.Random(3), Counter[str]()
    with Fleet.start(KINDS, generous=True) as fleet:
        connect(database, fleet, {})
        with closing(Connections(database)) as connections:
            for stock in batches(chance):
                for peer in fleet.values():
                    peer.lists(stock)
                before = sold_on(fleet)
                with repeatedly(NaiveSync(fleet, connections, stock).once):
                    buyers_come(fleet, list(stock), chance)
                found.update(result(stock, sold_on(fleet) - before))
    database.close()
    return dict(found)


def by_us(folder: Path, policy: str) -> dict[str, int]:
    database = Database(f"sqlite:///{folder / policy.replace(' ', '-')}.db")
    upgrade(database, *ROOMS[1:])
    chance, found = random.Random(3), Counter[str]()
    with Fleet.start(KINDS, generous=True) as fleet, closing(Ledger(database)) as ledger:
        connect(database, fleet, POLICIES[policy])
        orders = Orders(ledger, fleet, now)
        with publishing(database):
            for stock in batches(chance):
                names(database, stock)
                for peer in fleet.values():
                    peer.lists(dict.fromkeys(stock, 0))
                arrive(ledger, stock)
                wait_until_shown(database, fleet, stock)
                before = sold_on(fleet)
                with repeatedly(orders.fetch):
                    buyers_come(fleet, list(stock), chance)
                sold = sold_on(fleet) - before
                assert {sku: orders.units[sku] for sku in sold} == dict(sold)  # each order told once
                orders.ship()
                found.update(result(stock, sold))
        found["oversold inside the ledger"] = shipped_beyond_stock(database)
    database.close()
    return dict(found)


def sold_on(fleet: Fleet) -> Counter[str]:
    total: Counter[str] = Counter()
    for peer in fleet.values():
        total.update(peer.sold())
    return total


def arrive(ledger: Ledger, stock: Mapping[str, int]) -> None:
    ledger.apply(
        [
            Event(event_id=f"r-{sku}", type=EventType.RECEIPT, occurred_at=now(), sku=sku, quantity=units,
                  source="wms", location=LOCATION)
            for sku, units in stock.items()
        ],
        now(),
    )  # fmt: skip


def wait_until_shown(database: Database, fleet: Fleet, stock: Mapping[str, int]) -> None:
    """Until every channel shows what it may promise."""
    until = time.monotonic() + LISTED_WITHIN_S
    while time.monotonic() < until:
        with database.reading() as connection:
            rows = connection.execute(text("SELECT channel, sku, quantity FROM push_intent")).all()
        shown = {kind: peer.shown() for kind, peer in fleet.items()}
        wanted = {(channel, sku): quantity for channel, sku, quantity in rows if sku in stock}
        if len(wanted) == len(stock) * len(fleet) and all(shown[c].get(s) == q for (c, s), q in wanted.items()):
            return
        time.sleep(0.05)
    raise TimeoutError("the channels do not show their promises")


def shipped_beyond_stock(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM position WHERE on_hand < 0")).scalar_one())


@pytest.mark.proof
@pytest.mark.timeout(0)
def test_each_unit_once_is_never_oversold_and_nothing_is_inside_the_ledger(tmp_path: Path) -> None:
    # Side by side, each with channels of its own.
    with ProcessPoolExecutor(1 + len(POLICIES), mp_context=get_context("spawn")) as pool:
        naive = pool.submit(naively, tmp_path)
        ours = {policy: pool.submit(by_us, tmp_path, policy) for policy in POLICIES}
        found = {"naive absolute sync": naive.result(), **{policy: run.result() for policy, run in ours.items()}}
    assert [found[policy]["oversold inside the ledger"] for policy in POLICIES] == [0, 0, 0]
    assert found["naive absolute sync"]["oversold units"] > found["shown on every channel"]["oversold units"]
    assert found["shown on every channel"]["oversold units"] > found["a buffer of 1 on each"]["oversold units"]
    assert found["each unit once"]["oversold units"] == 0
    keep_result(
        "oversell",
        "tests/journey/test_oversell.py",
        {"rounds": ROUNDS, "buyers a round": BUYERS, "channels": len(KINDS), "last units": list(LAST_UNITS), **found},
    )
