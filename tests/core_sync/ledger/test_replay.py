"""Whatever the history, replaying the ledger gives the positions, and each event counts once."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core_sync.ledger.events import Event, EventType
from core_sync.ledger.history import Clock, disagreements, positions, positions_at
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, an_event
from tests.core_sync.ledger.worlds import a_database_in_memory

SIGNED = {EventType.ADJUST}


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event over two SKUs, two places, few documents; ids repeat now and then, times are late as they come."""
    type = draw(st.sampled_from(list(EventType)))
    quantity = draw(st.integers(-9 if type in SIGNED else 0, 9))
    location = draw(st.sampled_from(["LEEDS", "BATH"]))
    return an_event(
        type,
        quantity,
        event_id=str(draw(st.integers(0, 40))),
        sku=draw(st.sampled_from(["MUG", "TRAY"])),
        location=location,
        lot=draw(st.sampled_from(["", "L1"])),
        hours=draw(st.integers(0, 48)),
        document=draw(st.sampled_from(["", "D1", "D2"])),
        line=draw(st.sampled_from(["", "1"])),
        to_location="BATH" if location == "LEEDS" else "LEEDS",
    )


def play(history: list[Event], size: int) -> Ledger:
    """A fresh ledger in memory that has seen ``history`` in batches of ``size``."""
    ledger = Ledger(a_database_in_memory())
    for start in range(0, len(history), size):
        ledger.apply(history[start : start + size], MONDAY + timedelta(days=3))
    return ledger


def figures(ledger: Ledger) -> list[tuple[str, str, str, int, int, int, int]]:
    with ledger.database.reading() as connection:
        return [
            (p.sku, p.location, p.lot, p.on_hand, p.allocated, p.quality_hold, p.in_transit)
            for p in positions(connection)
        ]


@given(st.lists(events(), max_size=40))
def test_replay_equals_positions_and_no_strict_state_is_negative(history: list[Event]) -> None:
    ledger = play(history, 7)
    with ledger.database.reading() as connection:
        assert disagreements(connection) == []
    assert all(min(states[3:]) >= 0 for states in figures(ledger))


@given(st.lists(events(), max_size=30))
def test_twice_is_once(history: list[Event]) -> None:
    assert figures(play(history + history, 100)) == figures(play(history, 100))


@given(st.lists(events(), max_size=30), st.integers(1, 30))
def test_a_batch_split_anywhere_gives_the_same_as_whole(history: list[Event], size: int) -> None:
    assert figures(play(history, size)) == figures(play(history, 30))


@given(st.lists(events(), max_size=30))
def test_as_of_the_end_is_now_on_either_clock(history: list[Event]) -> None:
    ledger = play(history, 10)
    with ledger.database.reading() as connection:
        now = {(p.sku, p.location, p.lot): p for p in positions(connection)}
        for clock in Clock:
            for then in positions_at(connection, MONDAY + timedelta(days=9), clock):
                assert then.available == now[then.sku, then.location, then.lot].available
