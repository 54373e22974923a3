"""Batches through the ledger, all rules on, against the very rows it wrote going bare into the same table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from benchmarks.rig.bare import BareTable, Row, rows_after
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import BATCH, Ground, proven
from benchmarks.rig.movements import START
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome

BARE = {"sqlite": "bare rows by executemany", "postgresql": "bare rows by binary COPY"}


@dataclass
class _Rates:
    """Rows a second of every pair, by side."""

    ledger: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    identity: list[float] = field(default_factory=list)


def batch_figures(ground: Ground, events: Sequence[Event], pairs: int, variant: str = "") -> Iterator[Figure]:
    """The ledger's rate and its ratio to the bare table, with all its indexes and with the id key alone.

    Both rates count rows written: events that come twice or are held are worked for by the ledger's side alone.
    """
    batches = [events[begin : begin + BATCH] for begin in range(0, len(events), BATCH)]
    outcome, written = _rehearse(ground, batches)
    rates = _Rates()
    for pair in range(pairs):
        _run_pair(ground, batches, written, pair, rates)
    measure = f"{ground.name} batch {BATCH}{variant}"
    for bare, against in ((rates.bare, BARE[ground.name]), (rates.identity, "the same with the id key alone")):
        ratios = [ours / theirs for ours, theirs in zip(rates.ledger, bare, strict=True)]
        yield Figure(measure, median(rates.ledger), "rows/s", against, median(bare), median(ratios))
        measure = f"{ground.name} batch {BATCH}{variant}, id key alone"
    if not variant:
        yield from _composition(ground.name, len(events), outcome)


def _rehearse(ground: Ground, batches: Sequence[Sequence[Event]]) -> tuple[BatchOutcome, list[list[Row]]]:
    """What the ledger makes of each batch: the rows that the bare side writes."""
    outcome, written = BatchOutcome(), []
    with ExitStack() as stack:
        database = stack.enter_context(ground.copy())
        ledger = stack.enter_context(closing(Ledger(database)))
        _, newest = rows_after(database, 0)
        for batch in batches:
            outcome.add(ledger.apply(batch, START))
            rows, newest = rows_after(database, newest)
            written.append(rows)
    return outcome, written


def _run_pair(
    ground: Ground, batches: Sequence[Sequence[Event]], written: Sequence[list[Row]], pair: int, rates: _Rates
) -> None:
    with ExitStack() as stack:
        ours, bare, identity = (stack.enter_context(ground.copy()) for _ in range(3))
        _, before = rows_after(ours, 0)
        ledger = stack.enter_context(closing(Ledger(ours)))
        bare_table, identity_table = BareTable(bare), BareTable(identity, identity_only=True)
        stack.callback(bare_table.close)
        stack.callback(identity_table.close)
        ledger.apply([], START)
        spent = [0.0, 0.0, 0.0]
        with undisturbed():
            for number, (batch, rows) in enumerate(zip(batches, written, strict=True)):
                sides: list[Callable[[], object]] = [
                    partial(ledger.apply, batch, START),
                    partial(bare_table.write, rows),
                    partial(identity_table.write, rows),
                ]
                for turn in range(3):
                    side = (turn + number + pair) % 3
                    spent[side] += seconds(sides[side])
        told = [row for rows in written for row in rows]
        for database in (ours, bare, identity):
            assert rows_after(database, before)[0] == told, "the sides do not hold the same rows"
        proven(ours)
    for took, side_rates in zip(spent, (rates.ledger, rates.bare, rates.identity), strict=True):
        side_rates.append(len(told) / took)


def _composition(name: str, events: int, outcome: BatchOutcome) -> Iterator[Figure]:
    held = outcome.parked + outcome.refused + outcome.suspected_duplicates
    for what, count in (
        ("accepted", outcome.accepted),
        ("duplicates", outcome.duplicates),
        ("held", held),
    ):
        yield Figure(f"{name} batch {BATCH}: {what}", count / events, "share of events")
