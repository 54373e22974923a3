"""Group commit: callers that come together are written together, and each hears of its own."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from time import perf_counter

import pytest

from core_sync.database.engine import Database
from core_sync.errors import DatabaseUnavailable
from core_sync.intake.gathering import EVENTS_MAX, Gathering, together, worth_waiting
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.history import disagreements
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome, Origin
from core_sync.ledger.shares import Share

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
HERE = Origin("message", 1)
CALLERS = 12


def an_event(
    event_id: str, type_: EventType = EventType.RECEIPT, quantity: int = 1, sku: str = "MUG", document: str = ""
) -> Event:
    return Event(event_id, "wms", type_, MORNING, sku, "LEEDS", quantity, document=document)


def a_share(*events: Event, actor: str | None = None) -> Share:
    return Share(events, MORNING, [HERE] * len(events), actor)


def many(event_id: str, count: int) -> Share:
    return a_share(*(an_event(f"{event_id}-{number}") for number in range(count)))


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with closing(Database(database_url)) as database, closing(Ledger(database)) as ledger:
        yield ledger


def apply(gathering: Gathering, share: Share) -> BatchOutcome:
    return gathering.apply(share.events, share.recorded_at, share.actor, share.origins)


class Door:
    """Lets transactions through once it is opened, and keeps count of what went into each."""

    def __init__(self, write: Callable[[Sequence[Share]], Sequence[BatchOutcome]], is_open: bool = True) -> None:
        self._write = write
        self._open = threading.Event()
        self.reached = threading.Event()
        self.transactions: list[list[str]] = []
        if is_open:
            self.open()

    def open(self) -> None:
        self._open.set()

    def __call__(self, shares: Sequence[Share]) -> Sequence[BatchOutcome]:
        self.transactions.append([share.events[0].event_id for share in shares])
        self.reached.set()
        assert self._open.wait(20)
        return self._write(shares)


def all_at_once(gathering: Gathering, shares: Sequence[Share]) -> list[BatchOutcome]:
    """Every share brought by a thread of its own, at the same moment."""
    ready = threading.Barrier(len(shares))

    def bring(share: Share) -> BatchOutcome:
        ready.wait(20)
        return apply(gathering, share)

    with ThreadPoolExecutor(len(shares)) as threads:
        return list(threads.map(bring, shares))


@pytest.mark.parametrize(
    ("waiting", "count"),
    [
        ([1], 1),
        ([1, 1, 1], 3),
        ([EVENTS_MAX, 1], 1),
        ([EVENTS_MAX - 1, 1, 1], 2),
        ([10 * EVENTS_MAX, 1], 1),
        ([1, 10 * EVENTS_MAX], 1),
    ],
)
def test_small_arrivals_are_taken_together_up_to_a_bound(waiting: list[int], count: int) -> None:
    assert together([many("e", size) for size in waiting]) == count


def test_what_two_actors_bring_is_not_taken_together() -> None:
    ann, bob = a_share(an_event("a"), actor="ann"), a_share(an_event("b"), actor="bob")
    assert together([ann, ann, bob, ann]) == 2


def test_a_leader_waits_for_as_many_as_came_last_time_and_while_there_is_room() -> None:
    one, full = many("e", 1), many("e", EVENTS_MAX)
    assert not worth_waiting([one], last_callers=1)
    assert worth_waiting([one], last_callers=2)
    assert not worth_waiting([one, one], last_callers=2)
    assert not worth_waiting([full], last_callers=2)


def test_each_caller_hears_what_became_of_its_own_events(ledger: Ledger) -> None:
    gathering = Gathering(ledger.apply_shares)
    apply(gathering, a_share(an_event("known"), an_event("changed")))
    for moment in range(3):  # different threads are first each time
        shares = [
            a_share(an_event("known")),
            a_share(an_event("changed", quantity=2)),
            a_share(an_event(f"short-{moment}", EventType.SHIP, 500)),
            a_share(an_event(f"less-{moment}", EventType.SHIP, -1)),
            *(a_share(an_event(f"new-{moment}-{n}"), an_event(f"more-{moment}-{n}")) for n in range(CALLERS)),
        ]
        known, changed, short, nonsense, *new = all_at_once(gathering, shares)
        assert (known.duplicates, known.accepted) == (1, 0)
        assert (changed.conflicts, [one.event.event_id for one in changed.conflicting]) == (1, ["changed"])
        assert (short.parked, [held.arrival.event.event_id for held in short.held]) == (1, [f"short-{moment}"])
        assert (nonsense.refused, nonsense.parked) == (1, 0)
        assert [(one.accepted, one.duplicates, one.held) for one in new] == [(2, 0, [])] * CALLERS
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []


def test_the_same_event_of_two_callers_applies_once(ledger: Ledger) -> None:
    outcomes = all_at_once(Gathering(ledger.apply_shares), [a_share(an_event("same"))] * CALLERS)
    assert sum(one.accepted for one in outcomes) == 1
    assert sum(one.duplicates for one in outcomes) == CALLERS - 1


def test_what_a_caller_frees_is_told_to_it(ledger: Ledger) -> None:
    gathering = Gathering(ledger.apply_shares)
    apply(gathering, a_share(an_event("waits", EventType.SHIP, 50)))
    door = Door(ledger.apply_shares, is_open=False)
    gathering = Gathering(door)
    with ThreadPoolExecutor(3) as threads:
        blocking = threads.submit(apply, gathering, a_share(an_event("first", sku="CUP")))
        assert door.reached.wait(20)
        other = threads.submit(apply, gathering, a_share(an_event("other", sku="BOWL")))
        frees = threads.submit(apply, gathering, a_share(an_event("frees", quantity=60)))
        door.open()
        assert [(one.result().accepted, one.result().freed) for one in (blocking, other, frees)] == [
            (1, 0), (1, 0), (2, 1)
        ]  # fmt: skip


def test_callers_that_come_while_others_write_share_one_transaction_in_their_order(ledger: Ledger) -> None:
    door = Door(ledger.apply_shares, is_open=False)
    gathering = Gathering(door)
    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(apply, gathering, a_share(an_event("first")))]
        assert door.reached.wait(20)
        for number in range(1, CALLERS):
            asked.append(threads.submit(apply, gathering, a_share(an_event(f"e{number}"))))
            while gathering.waiting < number:
                pass
        door.open()
        assert [one.result().accepted for one in asked] == [1] * CALLERS
    assert door.transactions == [["first"], [f"e{number}" for number in range(1, CALLERS)]]


def test_a_lone_caller_waits_for_nobody(ledger: Ledger) -> None:
    gathering = Gathering(ledger.apply_shares, wait_s=30)
    started = perf_counter()
    for number in range(5):
        apply(gathering, a_share(an_event(f"e{number}")))
    assert perf_counter() - started < 20


def test_a_leader_waits_no_longer_than_its_bound_for_callers_that_do_not_come_back(ledger: Ledger) -> None:
    gathering = Gathering(ledger.apply_shares, wait_s=0.05)
    all_at_once(gathering, [a_share(an_event(f"e{number}")) for number in range(CALLERS)])
    started = perf_counter()
    apply(gathering, a_share(an_event("alone")))
    apply(gathering, a_share(an_event("alone again")))
    assert perf_counter() - started < 20


def test_a_caller_whose_events_cannot_be_written_harms_nobody_else(ledger: Ledger) -> None:
    door = Door(ledger.apply_shares, is_open=False)
    gathering = Gathering(door)
    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(apply, gathering, a_share(an_event("first")))]
        assert door.reached.wait(20)
        bad = threads.submit(apply, gathering, a_share(an_event("bad", document="\udcff")))
        asked += [threads.submit(apply, gathering, a_share(an_event(f"e{number}"))) for number in range(CALLERS - 2)]
        door.open()
        assert [one.result().accepted for one in asked] == [1] * (CALLERS - 1)
        with pytest.raises(UnicodeEncodeError):
            bad.result()


def test_a_database_that_is_gone_is_told_to_everybody_at_once() -> None:
    with closing(Database("postgresql+psycopg://nobody@/nothing?host=/nowhere")) as database:
        door = Door(Ledger(database).apply_shares)
        gathering = Gathering(door)
        with ThreadPoolExecutor(CALLERS) as threads:
            asked = [threads.submit(apply, gathering, a_share(an_event(f"e{number}"))) for number in range(CALLERS)]
            for one in asked:
                with pytest.raises(DatabaseUnavailable):
                    one.result()
        told = [event for transaction in door.transactions for event in transaction]
        assert sorted(told) == sorted(f"e{number}" for number in range(CALLERS))  # nobody's was tried twice


def test_as_many_write_at_once_as_there_are_writers(ledger: Ledger) -> None:
    door = Door(lambda shares: [BatchOutcome() for _ in shares], is_open=False)
    gathering = Gathering(door, writers=2)
    with ThreadPoolExecutor(3) as threads:
        asked = []
        for number in range(2):
            asked.append(threads.submit(apply, gathering, a_share(an_event(f"e{number}"))))
            assert door.reached.wait(20)
            door.reached.clear()
        asked.append(threads.submit(apply, gathering, a_share(an_event("third"))))
        assert not door.reached.wait(0.1)
        door.open()
        for one in asked:
            one.result()
    assert door.transactions == [["e0"], ["e1"], ["third"]]
