"""Writers in parallel on PostgreSQL: each a process with a ledger of its own and a share of the SKUs."""

from collections.abc import Iterator
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median
from time import perf_counter
from zlib import crc32

from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import BATCH, Ground, proven
from benchmarks.rig.movements import START, history_and_events
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger

WRITERS = (1, 2, 4)
_SPAWN = get_context("spawn")
_STARTED_WITHIN_S = 120


def writers_figures(ground: Ground, seed: int, events_count: int, pairs: int) -> Iterator[Figure]:
    """Events a second of all writers together, beside one writer with the same events."""
    rates: dict[int, list[float]] = {count: [] for count in WRITERS}
    for pair in range(pairs):
        for count in WRITERS if pair % 2 else reversed(WRITERS):
            rates[count].append(_rate(ground, seed, events_count, count))
    for count in WRITERS:
        ratios = [many / one for many, one in zip(rates[count], rates[1], strict=True)]
        measure = f"{ground.name} batch {BATCH}, {count} writer{'s' if count > 1 else ''}"
        yield Figure(measure, median(rates[count]), "events/s", "one writer", median(rates[1]), median(ratios))


def _rate(ground: Ground, seed: int, events_count: int, count: int) -> float:
    ready = _SPAWN.Barrier(count + 1)
    with ground.copy() as database:
        writers = [
            _SPAWN.Process(target=_write, args=(database.url, seed, events_count, share, count, ready))
            for share in range(count)
        ]
        for writer in writers:
            writer.start()
        ready.wait(_STARTED_WITHIN_S)
        started = perf_counter()
        for writer in writers:
            writer.join()
        took = perf_counter() - started
        assert not any(writer.exitcode for writer in writers), "a writer failed"
        proven(database)
    return events_count / took


def _write(url: str, seed: int, events_count: int, share: int, count: int, ready: Barrier) -> None:
    _, made = history_and_events(seed, events_count)
    events = [event for event in made if crc32(event.sku.removeprefix("shop-").encode()) % count == share]
    with closing(Database(url)) as database, closing(Ledger(database)) as ledger:
        ledger.apply(events[:1], START)
        ready.wait(_STARTED_WITHIN_S)
        for begin in range(0, len(events), BATCH):
            ledger.apply(events[begin : begin + BATCH], START)
