"""How fast buffers are recommended: many at once, flat in their number, and one through the API.

    python -m benchmarks.buffer_speed [--rows N] [--json]

Many: made-up listings in arrays, through ``ml.buffers.bulk.buffers`` with every figure it gives; the peer is the same
rule listing by listing. Beside the time it took stands the processor time shared by the cores, which other work on the
machine does not lengthen. Flat: processor time a row of all of them beside a tenth. One: ``GET /v1/buffers`` for one
SKU on one channel in process, against a book with a hundred SKUs sold for two weeks, by the clock and by the processor
time of the whole process; its peer is a request that reads nothing.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from os import cpu_count
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.wiring import build_world
from benchmarks.rig.figures import Figure, show
from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from core_sync.settings import read_settings
from ml.buffers.bulk import Listings, buffers
from ml.buffers.race import LATE_PARTS, PARTS

ASKED_S, ASKED_ROWS, ASKED_P99_S = 60.0, 1_000_000, 0.020
ALONE = 200
REQUESTS = 300
SKUS, DAYS = 100, 14


def listings(rows: int) -> Listings:
    """Rates, spreads, windows, costs and stock as a distributor has them; every other SKU awaits a receipt."""
    chance = np.random.default_rng(0)
    one, none = np.ones(rows), np.zeros(rows)
    own, others = chance.lognormal(0.5, 1.3, rows), chance.lognormal(1.5, 1.3, rows)
    spreads, lots = (chance.uniform(1, 6, (2, rows)), chance.uniform(1, 3, (2, rows)))
    due = np.sort(chance.uniform(0, 1, (rows, len(PARTS) + len(LATE_PARTS))), axis=1)
    return Listings(
        others_rate=others, others_dispersion=spreads[0], others_lot=lots[0], big_rate=none, big_units=none,
        big_dispersion=one, own_rate=own, own_dispersion=spreads[1], own_lot=lots[1],
        window_h=chance.choice([0.25, 1.0, 4.0, 12.0], rows) + 1.5, late_share=0.03 * one, late_times=6 * one,
        shared=0.05 * one, lost_cost=chance.uniform(1, 10, rows), oversell_cost=chance.uniform(2, 40, rows),
        weight=one, available=np.ceil((own + others) * chance.uniform(0, 8, rows)), current=none,
        receipts=due * chance.integers(0, 2, (rows, 1)),
    )  # fmt: skip


def seconds(work: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    """What ``work`` takes by ``clock``."""
    begun = clock()
    work()
    return clock() - begun


def processor_seconds(work: Callable[[], object]) -> float:
    """What ``work`` takes of all cores, shared by them."""
    begun = process_time()
    work()
    return (process_time() - begun) / (cpu_count() or 1)


def many(rows: int) -> Iterator[Figure]:
    """All at once, a tenth, and one by one."""
    every = listings(rows)
    tenth = every.only(np.arange(rows // 10))
    buffers(every.only(np.arange(1_000)))
    small = float(np.median([processor_seconds(lambda: buffers(tenth)) for _ in range(3)]))
    begun = process_time()
    taken = seconds(lambda: buffers(every))
    whole = (process_time() - begun) / (cpu_count() or 1)
    asked = ASKED_S * rows / ASKED_ROWS
    yield Figure(f"{rows:,} listings", taken, "s", "asked", asked, taken / asked)
    yield Figure("processor time, shared by the cores", whole, "s", "asked", asked, whole / asked)
    yield Figure("processor time a row, all", whole / rows * 1e6, "µs", "a tenth of them", small / (rows // 10) * 1e6,
                 whole / rows / (small / (rows // 10)))  # fmt: skip
    alone = processor_seconds(lambda: [buffers(every.only(np.array([row]))) for row in range(ALONE)]) / ALONE
    yield Figure("listings a processor second", rows / whole, "1/s", "one by one", 1 / alone, alone * rows / whole)


def one_by_api(folder: Path) -> Iterator[Figure]:
    """The 99th percentile of requests for one SKU on one channel."""
    world = build_world(read_settings(home=folder, database_url=f"sqlite:///{folder / 'stock.db'}"))
    try:
        sell(world.database, world.clock())
        with TestClient(create_app(world), base_url="http://127.0.0.1:8765") as client:

            def asked(address: str, clock: Callable[[], float] = perf_counter) -> float:
                taken = [seconds(lambda: client.get(address), clock) for _ in range(REQUESTS)]
                return float(np.quantile(taken, 0.99))

            address = "/v1/buffers?sku=SKU-7&channel=shop"
            if not client.get(address).json()["items"]:
                raise RuntimeError(f"{address} tells nothing")
            worked, found, bare = asked(address, process_time), asked(address), asked("/v1/openapi.json")
        yield Figure("one by API, processor time p99", worked * 1e3, "ms", "asked", ASKED_P99_S * 1e3,
                     worked / ASKED_P99_S)  # fmt: skip
        yield Figure("one by API, p99", found * 1e3, "ms", "asked", ASKED_P99_S * 1e3, found / ASKED_P99_S)
        yield Figure("one by API, p99", found * 1e3, "ms", "a request that reads nothing", bare * 1e3, found / bare)
    finally:
        world.close()


def sell(database: Database, now: datetime) -> None:
    """A hundred SKUs, two channels, two weeks of orders."""
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO location (location, stock_control) VALUES ('WH', 'strict')"))
        for name in ("shop", "market"):
            connection.execute(
                text("INSERT INTO channel (channel, kind, priority, mode) VALUES (:n, 'shop', 1, 'shadow')"),
                {"n": name},
            )
        skus = [{"s": f"SKU-{number}"} for number in range(SKUS)]
        connection.execute(
            text(
                "INSERT INTO sku (sku, base_uom, unit_price, currency, lot_controlled) "
                "VALUES (:s, 'EA', 120000, 'EUR', false)"
            ),
            skus,
        )
        connection.execute(text("UPDATE master_data_version SET version = version + 1"))
    begin = (now - timedelta(days=DAYS)).astimezone(UTC)
    events = [_event("receipt", sku["s"], 1_000, begin, "") for sku in skus]
    for day in range(DAYS):
        for channel, units in (("shop", 2), ("market", 5)):
            at = begin + timedelta(days=day, hours=1)
            events += [_event("ship", sku["s"], units, at, channel) for sku in skus]
    Ledger(database).apply(events, now)


def _event(kind: str, sku: str, units: int, at: datetime, channel: str) -> Event:
    return Event(
        source="wms", event_id=f"{kind} {sku} {channel} {at.isoformat()}", type=EventType(kind), occurred_at=at,
        sku=sku, location="WH", quantity=units, channel=channel,
    )  # fmt: skip


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show([*many(said.rows), *one_by_api(Path(folder))], said.json)


if __name__ == "__main__":
    main()
