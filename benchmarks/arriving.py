"""An arriving movement to its verdict in the database: read, described, scored and written down.

    python -m benchmarks.arriving [--events N] [--json]

The movements of a small simulated distributor are in a database and a warm scorer has seen them; then further ones come
one at a time. Timed is what happens after the ledger has committed each: reading it back, its features, its score, the
day's counts, the audit's lot, the mark, the commit. Beside it the same with a scorer that is not warm.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
from msgspec import structs

from api.jobs.told_world import MASTER_DATA
from api.wiring import ROOMS
from benchmarks.expectations import recorded_at
from benchmarks.rig.figures import Figure, show
from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.intake.load import load_files
from core_sync.interchange.events import read_events
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from ml.registry.service_models import shipped_models
from ml.triage.detect import detect
from ml.triage.warm import WarmScorers
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT
from simulation.write import write_world

LIMIT_MS = 20.0
MOVES = frozenset({"receipt", "ship", "adjust", "transfer_out", "transfer_in", "return_received", "restock", "scrap"})
WORLD = replace(HELD_OUT, days=7, skus=80)


def figures(events: int) -> Iterator[Figure]:
    """Every line."""
    world, models = simulate(WORLD), shipped_models()
    with TemporaryDirectory() as name:
        write_world(world, Path(name), ".parquet")
        told = [one for one in read_events(Path(name) / "events.parquet") if isinstance(one, Event)]
        database = Database(f"sqlite:///{name}/stock.db")
        upgrade(database, *ROOMS[1:])
        ledger = Ledger(database)
        for table in MASTER_DATA:
            load_files(ledger, table, [Path(name) / f"{table}.parquet"], now())
        moves = [place for place, event in enumerate(told) if str(event.type) in MOVES]
        first = moves[-events]
        ledger.apply(told[:first], [recorded_at(event) for event in told[:first]])
        at, warm = WORLD.end, WarmScorers()
        detect(database, models, at, warm=warm, kinds=("movement",))
        taken, worked = [], []
        for event in told[first:]:
            ledger.apply([event], [recorded_at(event)])
            started, busy = perf_counter(), process_time()
            detect(database, models, at, warm=warm, kinds=("movement",))
            if str(event.type) in MOVES:
                worked.append((process_time() - busy) * 1e3)
                taken.append((perf_counter() - started) * 1e3)
        cold = []
        for event in told[-3:]:
            started = perf_counter()
            fresh = WarmScorers()
            again = structs.replace(event, event_id=f"{event.event_id}-again", document=f"{event.document}-again")
            ledger.apply([again], [recorded_at(event)])
            detect(database, models, at, warm=fresh, kinds=("movement",))
            cold.append((perf_counter() - started) * 1e3)
        database.close()
    yield Figure("arriving movements timed", float(len(taken)), "events")
    for share, label in ((0.5, "p50"), (0.99, "p99")):
        value = float(np.quantile(taken, share))
        yield Figure(f"arriving movement to its verdict in the database, {label}", value, "ms", "allowed", LIMIT_MS,
                     value / LIMIT_MS)  # fmt: skip
        busy_ms = float(np.quantile(worked, share))
        yield Figure(f"the same, processor time, {label}", busy_ms, "ms", "allowed", LIMIT_MS, busy_ms / LIMIT_MS)
    slow, quick = float(np.median(cold)), float(np.median(taken))
    yield Figure("the same, by a scorer that is not warm, median", slow, "ms", "warm", quick, slow / quick)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=500, help="movements that arrive one at a time")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    show(figures(told.events), told.json)


if __name__ == "__main__":
    main()
