"""How long it takes to reconcile many listings, and whether a row costs the same however many there are.

    python -m benchmarks.reconcile [--sizes 10000,100000,1000000] [--database URL] [--json]

For each size a database is filled with as many SKUs at one location, two entries each, a twentieth of them moved in
the last hour; a channel and a WMS then report every one of them as of one moment, one in a hundred wrongly and a
few behind. What is timed is ``reconcile`` of the channel's listings and the WMS's figures together, in a process
of its own whose memory is measured too. Beside it, in the same process, a loop that asks for one listing at a time.
``--database`` names an empty database to use in place of a throw-away SQLite file (one size then).
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import explain
from core_sync.clock import to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.ledger.tables import LedgerEntry, Position
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures

AS_OF = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCATION, CHANNEL, WMS = "LEEDS", "shop", "wms"
OPENING, MOVED_EVERY, WRONG_EVERY = 1_000, 20, 100
LOOP_ROWS = 1_000
FILL_ROWS = 50_000


def main() -> None:
    """Measure each size in a process of its own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="listings, by comma")
    parser.add_argument("--database", help="an empty database to use; its size is the first of --sizes")
    parser.add_argument("--step", choices=("fill", "measure"), help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.step:
        (fill if said.step == "fill" else measure)(Database(said.database), int(said.sizes))
        return
    sizes = [int(size) for size in said.sizes.split(",")][: 1 if said.database else None]
    for row in figures([_apart(size, said.database) for size in sizes]):
        print(json.dumps(row) if said.json else _as_text(row))


def measure(database: Database, listings: int) -> None:
    """Reconcile what a database was filled with; prints seconds, rows and megabytes as JSON."""
    with database.reading() as connection:
        _one_at_a_time(connection, "SKU-0000000")  # what is imported and connected once is not counted
    before = _megabytes()
    started = perf_counter()
    summary = reconcile(database, AS_OF)
    seconds = perf_counter() - started
    megabytes = _megabytes() - before
    asked = range(0, listings, max(1, listings // LOOP_ROWS))
    started = perf_counter()
    with database.reading() as connection:
        for number in asked:
            _one_at_a_time(connection, f"SKU-{number:07d}")
    loop_s = (perf_counter() - started) / len(asked)
    measured = {"listings": listings, "rows": summary.compared, "seconds": seconds, "loop_s": loop_s}
    print(json.dumps(measured | {"megabytes": megabytes}))


def fill(database: Database, listings: int) -> None:
    """An empty database with positions, their entries, and what two systems report of them."""
    upgrade(database)
    opened, moved = to_microseconds(AS_OF - timedelta(days=30)), to_microseconds(AS_OF - timedelta(minutes=40))
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO source (source_id, name, opening, winner, tolerance) "
                                "VALUES (1, 'wms', 'zero', 'wms', 1)"))  # fmt: skip
        connection.execute(text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'x', 1, 'live')"))
        connection.execute(
            text(
                "INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, valid_from) "
                "VALUES ('shop', '', 8000, 2, 0)"
            )
        )
    for start in range(0, listings, FILL_ROWS):
        numbers = range(start, min(start + FILL_ROWS, listings))
        with database.transaction() as connection:
            bulk = Bulk(connection)
            bulk.insert(Position, _POSITION, [
                (n + 1, f"SKU-{n:07d}", LOCATION, "", stock(n), 0, 0, 0, False) for n in numbers
            ])  # fmt: skip
            bulk.insert(LedgerEntry, _ENTRY, [row for n in numbers for row in entries(n, opened, moved)])
            store_figures(connection, list(reports(numbers)), AS_OF)


def stock(number: int) -> int:
    """Units on hand of one SKU in the end."""
    return OPENING - 3 if number % MOVED_EVERY == 0 else OPENING


def entries(number: int, opened: int, moved: int) -> Iterator[tuple[Any, ...]]:
    """The opening receipt of a SKU, and for some a shipment in the last hour, else one long ago."""
    told = (("receipt", opened, OPENING), ("ship", moved, -3)) if number % MOVED_EVERY == 0 else (
        ("receipt", opened, OPENING + 5), ("ship", opened + 1, -5))  # fmt: skip
    for kind, at, change in told:
        yield 1, f"{kind}-{number}", kind, at, at, number + 1, abs(change), change, 0, 0, 0, 0, 0, b""


def reports(numbers: Sequence[int]) -> Iterator[Figure]:
    """What the channel and the WMS say: mostly right, a few wrong, some not told of the last shipment yet."""
    for number in numbers:
        wrong = 7 if number % WRONG_EVERY == 1 else 0
        behind = 3 if number % (2 * MOVED_EVERY) == 0 else 0
        there = stock(number) + behind
        yield Figure(CHANNEL, f"SKU-{number:07d}", "", "available", there * 8 // 10 - 2 + wrong, AS_OF)
        yield Figure(WMS, f"SKU-{number:07d}", LOCATION, "on_hand", there + wrong, AS_OF)


def measured_figures(sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The printed lines of each size, filled and measured in processes of their own."""
    yield from figures([_apart(size, None) for size in sizes])


def figures(measured: Sequence[dict[str, float]]) -> Iterator[dict[str, Any]]:
    """The printed lines: times of each size, and how a row's cost and the memory change from the first to the last."""
    first = measured[0]
    for one in measured:
        size, a_row = f"{int(one['listings']):,} listings", one["seconds"] / one["rows"] * 1e6
        yield _line(f"reconcile {size}", round(one["seconds"], 2), "s", "one listing at a time",
                    round(one["loop_s"] * one["listings"], 2))  # fmt: skip
        yield _line(f"cost of a row, {size}", round(a_row, 2), "µs/row", f"{int(first['listings']):,} listings",
                    round(first["seconds"] / first["rows"] * 1e6, 2))  # fmt: skip
        yield _line(f"memory beyond the start, {size}", round(one["megabytes"], 1), "MB",
                    f"{int(first['listings']):,} listings", round(first["megabytes"], 1))  # fmt: skip


def _line(measure: str, value: float, unit: str, against: str, against_value: float) -> dict[str, Any]:
    ratio = round(value / against_value, 3) if against_value else None
    return {"measure": measure, "value": value, "unit": unit, "against": against,
            "against_value": against_value, "ratio": ratio}  # fmt: skip


def _as_text(row: dict[str, Any]) -> str:
    against = f"{row['against']} {row['against_value']} (ratio {row['ratio']})"
    return f"{row['measure']:42} {row['value']:>10} {row['unit']:8} {against}"


def _apart(size: int, url: str | None) -> dict[str, float]:
    """Fill in one process, measure in another: what filling held in memory is not counted."""
    with TemporaryDirectory() as folder:
        for step in ("fill", "measure"):
            told = subprocess.run(
                [sys.executable, "-m", "benchmarks.reconcile", "--step", step, "--sizes", str(size), "--database",
                 url or f"sqlite:///{folder}/stock.db"],
                check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
            ).stdout  # fmt: skip
    measured: dict[str, float] = json.loads(told)
    return measured


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _one_at_a_time(connection: Connection, sku: str) -> int:
    """What a plain loop does for one listing: its promise, and its report, each asked for by itself."""
    promised = explain(connection, sku, CHANNEL, AS_OF).quantity
    statement = text("SELECT quantity FROM snapshot WHERE system = 'shop' AND as_of = :as_of AND sku = :sku")
    reported: int = connection.execute(statement, {"as_of": to_microseconds(AS_OF), "sku": sku}).scalar_one()
    return reported - promised


_POSITION = ("position_id", "sku", "location", "lot", "on_hand", "allocated", "quality_hold", "in_transit", "relative")
_ENTRY = (
    "source_id", "event_id", "type", "occurred_at", "recorded_at", "position_id", "quantity", "on_hand_delta",
    "allocated_delta", "quality_hold_delta", "in_transit_delta", "flags", "map_version", "content",
)  # fmt: skip

if __name__ == "__main__":
    main()
