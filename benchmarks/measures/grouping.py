"""Callers that bring one event each at the same time, written together, against the same events one by one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from statistics import median

from benchmarks.rig.bare import rows_after
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import Ground, proven
from benchmarks.rig.movements import START
from core_sync.intake.gathering import Gathering
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger

CALLERS = 16
EVENTS = 1_600
WARM = 100


def grouping_figures(ground: Ground, events: Sequence[Event], pairs: int) -> Iterator[Figure]:
    """Events a second of sixteen threads, each of which brings its next event when the last one is answered."""
    rates = [_run_pair(ground, events[: WARM + EVENTS], pair) for pair in range(pairs)]
    grouped, single = zip(*rates, strict=True)
    ratio = median(one / other for one, other in rates)
    measure = f"{ground.name} grouped single events, {CALLERS} callers"
    yield Figure(measure, median(grouped), "events/s", "one by one", median(single), ratio)


def _run_pair(ground: Ground, events: Sequence[Event], pair: int) -> tuple[float, float]:
    with ExitStack() as stack:
        together, apart = (stack.enter_context(ground.copy()) for _ in range(2))
        gathered = stack.enter_context(closing(Ledger(together)))
        ledger = stack.enter_context(closing(Ledger(apart)))
        gathering = Gathering(gathered.apply_shares)
        for one in (gathered, ledger):
            one.apply(events[:WARM], START)
        measured = events[WARM:]
        sides = (partial(_bring_together, gathering, measured), partial(_bring_apart, ledger, measured))
        spent = [0.0, 0.0]
        with undisturbed():
            for turn in range(2):
                side = (turn + pair) % 2
                spent[side] = seconds(sides[side])
        for database in (together, apart):
            proven(database)
        ids = [{(row[0], row[1]) for row in rows_after(database, 0)[0]} for database in (together, apart)]
        # Threads overtake each other, so a shipment may wait on one side only; duplicates and refusals are the same.
        assert len(ids[0] ^ ids[1]) < len(measured) / 100, "the sides do not hold the same events"
    return len(measured) / spent[0], len(measured) / spent[1]


def _bring_together(gathering: Gathering, events: Sequence[Event]) -> None:
    def caller(number: int) -> None:
        for event in events[number::CALLERS]:
            gathering.apply([event], START)

    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(caller, range(CALLERS)))


def _bring_apart(ledger: Ledger, events: Sequence[Event]) -> None:
    for event in events:
        ledger.apply([event], START)
