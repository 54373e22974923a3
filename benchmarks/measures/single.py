"""One event a call: against a bare one-row insert and commit, and against the ORM doing it event by event."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from statistics import median

from benchmarks.rig.bare import BareTable, rows_after
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import Ground, proven
from benchmarks.rig.movements import START
from benchmarks.rig.orm_peer import apply_each
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger

EVENTS = 300
WARM = 100
ORM_EVERY = 3
"""The ORM is asked for a third of the events: it is much the slowest, and its rate steady."""


def single_event_figures(ground: Ground, events: Sequence[Event], pairs: int) -> Iterator[Figure]:
    """p50 of one event, in microseconds, and the rate of one event after the other."""
    singles = events[: WARM + EVENTS]
    middles: list[tuple[float, float]] = []
    rates: list[tuple[float, float]] = []
    for pair in range(pairs):
        ours, bare, orm = _run_pair(ground, singles, pair)
        middles.append((median(ours) * 1e6, median(bare) * 1e6))
        rates.append((len(ours) / sum(ours), len(orm) / sum(orm)))
    yield _figure(f"{ground.name} one event p50", "us", "bare one-row insert and commit", middles)
    yield _figure(f"{ground.name} one event rate", "events/s", "SQLModel ORM per event", rates)


def _figure(measure: str, unit: str, against: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    return Figure(measure, ours, unit, against, theirs, median(a / b for a, b in pairs))


def _run_pair(ground: Ground, events: Sequence[Event], pair: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each event on each side, side after side in turn."""
    ours: list[float] = []
    bare: list[float] = []
    orm: list[float] = []
    with ExitStack() as stack:
        ledger_database, bare_database, orm_database = (stack.enter_context(ground.copy()) for _ in range(3))
        ledger = stack.enter_context(closing(Ledger(ledger_database)))
        table = stack.enter_context(closing(BareTable(bare_database)))
        filler = rows_after(ledger_database, 0)[0][-len(events) :]
        rows = [_with_new_id(row, f"bare-{number}") for number, row in enumerate(filler)]
        with undisturbed():
            for number, (event, row) in enumerate(zip(events, rows, strict=True)):
                turns: list[tuple[list[float], Callable[[], object]]] = [
                    (ours, partial(ledger.apply, [event], START)),
                    (bare, partial(table.write_one, row)),
                ]
                for kept, work in turns if (number + pair) % 2 else reversed(turns):
                    kept.append(seconds(work))
                if number % ORM_EVERY == 0:
                    orm.append(seconds(partial(apply_each, orm_database, [event], START)))
        proven(ledger_database)
    return ours[WARM:], bare[WARM:], orm[WARM // ORM_EVERY :]


def _with_new_id(row: tuple[object, ...], event_id: str) -> tuple[object, ...]:
    """The row under another id; source and id are the first two columns."""
    return (row[0], event_id, *row[2:])
