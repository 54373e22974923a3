"""How fast positions become promises, events become pushes, and what channels show is compared.

    python -m benchmarks.publish [--positions N] [--pairs N] [--events N] [--listings N] [--json]

*Promises recomputed*: every position of a database on disk changes, and the promises of five channels are worked out
anew and kept, in batches of 10,000 positions a transaction; beside a per-SKU ORM loop over a sample of them, in turns,
medians of the pairs. *Event to push*: single events on an idle machine through the service's own loop to a simulated
shop in a process of its own, from before the event is told until the shop has its figure; beside the push alone.
*Reconcile*: as ``python -m benchmarks.reconcile``, for one size.
"""

import argparse
from collections.abc import Iterator

from benchmarks import reconcile
from benchmarks.measures.promises import promise_figures
from benchmarks.measures.pushing import pushing_figures
from benchmarks.rig.figures import Figure, show


def main() -> None:
    """Measure, and print each figure as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positions", type=int, default=100_000, help="positions that change")
    parser.add_argument("--pairs", type=int, default=3, help="turns of ours and the loop")
    parser.add_argument("--events", type=int, default=100, help="single events told")
    parser.add_argument("--listings", type=int, default=100_000, help="listings reconciled; 0 leaves them out")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    show(_figures(said.positions, said.pairs, said.events, said.listings), said.json)


def _figures(positions: int, pairs: int, events: int, listings: int) -> Iterator[Figure]:
    yield from promise_figures(positions, pairs)
    yield from pushing_figures(events)
    if listings:
        yield from (Figure(**row) for row in reconcile.measured_figures([listings]))


if __name__ == "__main__":
    main()
