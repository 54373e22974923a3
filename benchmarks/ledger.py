"""How fast the ledger is: against bare rows, against an ORM event by event, against an event-sourced application.

    python -m benchmarks.ledger [--json] [--events N] [--pairs N] [--seed N] [--only MEASURE] [--write docs]

The load is a seeded distributor's (``benchmarks.rig.movements``); both sides of a comparison run in one process, turn
by turn, on copies of one prepared database (master data, 100,000 opening receipts, 10,000 events of trade) on a real
disk with full durability. Printed are medians over the pairs. Every pair proves at its end that both sides hold the
same rows and that replaying the ledger gives the positions. ``--write`` puts the table into that folder's
``performance.md``.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.measures.batches import batch_figures
from benchmarks.measures.grouping import grouping_figures
from benchmarks.measures.http import http_figures
from benchmarks.measures.processor_time import processor_time_figures
from benchmarks.measures.single import single_event_figures
from benchmarks.measures.writers import writers_figures
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.grounds import BATCH, Ground, postgresql_ground, sqlite_ground
from benchmarks.rig.movements import history_and_events
from benchmarks.rig.page import as_table, put
from core_sync.ledger.events import Event


@dataclass
class Bench:
    """What the measures share: the load and the prepared databases, made when first needed."""

    events_count: int
    pairs: int
    seed: int
    _stack: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.history, self.events = history_and_events(self.seed, self.events_count)

    @cached_property
    def sqlite(self) -> Ground:
        """The prepared SQLite database."""
        return self._stack.enter_context(sqlite_ground(self.history))

    @cached_property
    def postgresql(self) -> Ground:
        """The prepared PostgreSQL database."""
        return self._stack.enter_context(postgresql_ground(self.history))

    def ordered(self) -> list[Event]:
        """As many events from sources whose ids ascend, after the same history."""
        return history_and_events(self.seed, self.events_count, ordered_ids=True)[1]

    def close(self) -> None:
        """Remove every database."""
        self._stack.close()


MEASURES: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "sqlite batch": lambda bench: batch_figures(bench.sqlite, bench.events, bench.pairs),
    "sqlite batch ordered": lambda bench: batch_figures(bench.sqlite, bench.ordered(), bench.pairs, ", ordered ids"),
    "postgresql batch": lambda bench: batch_figures(bench.postgresql, bench.events, bench.pairs),
    "sqlite cpu": lambda bench: processor_time_figures(bench.sqlite, bench.history, bench.events, bench.pairs),
    "postgresql cpu": lambda bench: processor_time_figures(bench.postgresql, bench.history, bench.events, bench.pairs),
    "sqlite one event": lambda bench: single_event_figures(bench.sqlite, bench.events, bench.pairs),
    "postgresql one event": lambda bench: single_event_figures(bench.postgresql, bench.events, bench.pairs),
    "sqlite http": lambda bench: http_figures(bench.sqlite, bench.events, bench.pairs),
    "postgresql http": lambda bench: http_figures(bench.postgresql, bench.events, bench.pairs),
    "sqlite grouped": lambda bench: grouping_figures(bench.sqlite, bench.events, bench.pairs),
    "postgresql grouped": lambda bench: grouping_figures(bench.postgresql, bench.events, bench.pairs),
    "postgresql writers": lambda bench: writers_figures(bench.postgresql, bench.seed, bench.events_count, bench.pairs),
}


def main() -> None:
    """Run the measures that were asked for, each figure printed when it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--events", type=int, default=5 * BATCH, help="events a pair")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--only", help=f"measures whose name holds this, of: {', '.join(MEASURES)}")
    parser.add_argument("--write", type=Path, help="folder of performance.md")
    told = parser.parse_args()
    shown: list[Figure] = []
    bench = Bench(told.events, told.pairs, told.seed)
    try:
        for name, measure in MEASURES.items():
            if not told.only or told.only in name:
                shown += show(measure(bench), told.json)
    finally:
        bench.close()
    if told.write is not None:
        put(told.write, "python -m benchmarks.ledger --write docs", as_table(shown))


if __name__ == "__main__":
    main()
