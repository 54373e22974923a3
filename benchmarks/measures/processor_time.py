"""Processor time of the client for one event: batches of the ledger against two peers that go event by event."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rig.aggregate_peer import stock_in
from benchmarks.rig.clocks import processor_seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import BATCH, DISK, Ground
from benchmarks.rig.movements import START
from benchmarks.rig.orm_peer import apply_each
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger

PEER_EVENTS = 600


def processor_time_figures(
    ground: Ground, history: Sequence[Event], events: Sequence[Event], pairs: int
) -> Iterator[Figure]:
    """Microseconds of processor time an event; ratios say how many times less the ledger takes."""
    spent = [_run_pair(ground, history, events) for _ in range(pairs)]
    ours, orm, aggregates = (list(side) for side in zip(*spent, strict=True))
    peers = [("SQLModel ORM per event", orm)]
    if ground.name == "sqlite":  # its PostgreSQL module wants a pool that the lock does not hold
        peers.append(("eventsourcing, an aggregate a position", aggregates))
    for against, theirs in peers:
        ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
        yield Figure(f"{ground.name} batch {BATCH} cpu", median(ours), "us/event", against, median(theirs), ratio)


def _run_pair(ground: Ground, history: Sequence[Event], events: Sequence[Event]) -> tuple[float, float, float]:
    """Microseconds an event: ledger, ORM, aggregates."""
    few = events[:PEER_EVENTS]
    with ExitStack() as stack:
        ours, orm = (stack.enter_context(ground.copy()) for _ in range(2))
        stock = stock_in(Path(stack.enter_context(TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK))))
        stack.callback(stock.close)
        touched = {(event.sku, event.location) for event in few}
        stock.apply_each(event for event in history if (event.sku, event.location) in touched)
        ledger = stack.enter_context(closing(Ledger(ours)))
        ledger.apply([], START)
        with undisturbed():
            batched = sum(
                processor_seconds(partial(ledger.apply, events[begin : begin + BATCH], START))
                for begin in range(0, len(events), BATCH)
            )
            by_orm = processor_seconds(partial(apply_each, orm, few, START))
            by_aggregates = processor_seconds(partial(stock.apply_each, few))
    return batched / len(events) * 1e6, by_orm / len(few) * 1e6, by_aggregates / len(few) * 1e6
