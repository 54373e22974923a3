"""What a growing ledger costs: its ratio to bare rows at each size, and the memory it takes.

    python -m benchmarks.ledger_scale [--sizes 100000,1000000,10000000] [--batches N] [--seed N] [--write docs] [--json]

One SQLite ledger grows through ``Ledger.apply``. At each size its file is copied, the copy is stripped to the bare
table, and both go on from there, batch by batch in turn: the same rows into the same trees. Ten million events need
about 12 GB below ``STOCKTRIAGE_BENCH_FOLDER`` (default ``/var/tmp``), which are given back. ``--write`` draws the plot
into that folder and puts the table into its ``performance.md``.
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from benchmarks.rig.bare import BareTable, rows_after
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.grounds import BATCH, Ground, proven, settle, sqlite_ground
from benchmarks.rig.movements import START, Distributor
from benchmarks.rig.page import put
from benchmarks.rig.plot import line_plot
from core_sync.database.engine import Database
from core_sync.ledger.ledger import Ledger

PLOT = "ledger-scale.svg"


@dataclass(frozen=True, slots=True)
class AtSize:
    """Medians at one size: rows a second of both sides, the median ratio, resident memory."""

    entries: int
    ledger: float
    bare: float
    ratio: float
    megabytes: float


def main() -> None:
    """Grow, measure, print; draw where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="100000,1000000,10000000", help="entries at which to measure, by comma")
    parser.add_argument("--batches", type=int, default=8, help="batches measured at each size")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--write", type=Path, help="folder of the plot and of performance.md")
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    found: list[AtSize] = []
    for at in measured([int(size) for size in told.sizes.split(",")], told.batches, told.seed):
        found.append(at)
        measure = f"sqlite batch {BATCH} at {at.entries:.0e} entries"
        show([Figure(measure, at.ledger, "rows/s", "bare rows at that size", at.bare, at.ratio)], told.json)
        show([Figure(f"memory at {at.entries:.0e} entries", at.megabytes, "MB")], told.json)
    show(_closing(found), told.json)
    if told.write is not None:
        write_page(found, told.write)


def measured(sizes: list[int], batches: int, seed: int) -> Iterator[AtSize]:
    """Grow one ledger through ``sizes`` and compare at each."""
    distributor = Distributor(seed)
    with ExitStack() as stack:
        ground = stack.enter_context(sqlite_ground(distributor.opening()))
        database = stack.enter_context(ground.copy())
        ledger = stack.enter_context(closing(Ledger(database)))
        process = psutil.Process()
        for size in sizes:
            while (entries := _entries(database)) < size:
                for _ in range(max((size - entries) // BATCH, 1)):
                    ledger.apply(distributor.batch(BATCH), START)
            rates = compare(database, ledger, distributor, batches)
            megabytes = process.memory_info().rss / 1e6
            ours, bare = (median(side) for side in zip(*rates, strict=True))
            yield AtSize(size, ours, bare, median(one / other for one, other in rates), megabytes)
        proven(database)


def compare(database: Database, ledger: Ledger, distributor: Distributor, batches: int) -> list[tuple[float, float]]:
    """Rows a second of the ledger and of the bare table for each batch; a first one warms both and is not counted."""
    settle(database)
    rates: list[tuple[float, float]] = []
    with Ground("sqlite", database.url).copy() as copied:
        table = BareTable(copied)
        newest = _entries(database)
        with undisturbed():
            for _ in range(batches + 1):
                batch = distributor.batch(BATCH)
                ours = seconds(partial(ledger.apply, batch, START))
                rows, newest = rows_after(database, newest)
                bare = seconds(partial(table.write, rows))
                rates.append((len(rows) / ours, len(rows) / bare))
        table.close()
        assert _entries(copied) == _entries(database), "the sides do not hold the same rows"
    return rates[1:]


def write_page(found: list[AtSize], folder: Path) -> None:
    """The plot, and the table in its place on the page."""
    points = [(float(at.entries), at.ratio) for at in found]
    plot = line_plot({"ledger / bare rows": points}, "The ledger beside bare rows as it grows", "entries", "ratio")
    (folder / PLOT).write_text(plot, encoding="utf-8")
    lines = ["| entries | ledger, rows/s | bare rows/s | ratio | memory, MB |", "|---|---|---|---|---|"]
    lines += [
        f"| {at.entries:,} | {at.ledger:,.0f} | {at.bare:,.0f} | {at.ratio:.2f} | {at.megabytes:,.0f} |" for at in found
    ]
    table = "\n".join([f"![ratio to bare rows by size]({PLOT})", "", *lines])
    put(folder, "python -m benchmarks.ledger_scale --write docs", table)


def _closing(found: list[AtSize]) -> Iterator[Figure]:
    ratios = [at.ratio for at in found]
    spread = max(ratios) / min(ratios)
    yield Figure("spread of the ratio over sizes", spread, "times", "asked", 1.5, spread / 1.5)
    grown = found[-1].megabytes - found[0].megabytes
    yield Figure("memory grown from first to last size", grown, "MB")


def _entries(database: Database) -> int:
    """How many there are: they are numbered without gaps and never deleted."""
    with database.reading() as connection:
        return int(connection.exec_driver_sql("SELECT MAX(entry_id) FROM ledger_entry").scalar_one())


if __name__ == "__main__":
    main()
