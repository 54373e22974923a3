"""Movements that do not build on each other give the same positions in whatever order they are told."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core_sync.database.engine import Database
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, an_event
from tests.core_sync.ledger.books import Place
from tests.core_sync.ledger.laws import Figures, assert_lawful, ends, figures
from tests.core_sync.ledger.worlds import World, in_memory, on_server

T = EventType
PLACES = ("LEEDS", "BATH")
PLENTY = 1_000
COMMUTING = [type for type in T if type not in (T.RELEASE_RESERVATION, T.ORDER_CANCELLED, T.RESTOCK)]
"""What the others do depends on what is reserved or held for their reference when they come."""


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Movements each with a document of its own, counts at different moments, and enough of everything in the end."""
    drawn = draw(
        st.lists(
            st.tuples(st.sampled_from(COMMUTING), st.integers(0, 9), st.integers(0, 48), st.sampled_from(PLACES)),
            max_size=25,
            unique_by=lambda told: told[2:] if told[0] is T.COUNT else object(),
        )
    )
    told = [
        an_event(type, quantity, hours=hours, location=place, to_location=PLACES[place == "LEEDS"])
        for type, quantity, hours, place in drawn
    ]
    told += [an_event(type, PLENTY, hours=72, location=place) for type in (T.RECEIPT, T.HOLD) for place in PLACES]
    return [replace(event, event_id=f"e{number}", document=f"D{number}") for number, event in enumerate(told)]


def outcome(database: Database, history: Sequence[Event], size: int) -> dict[Place, Figures]:
    """The positions after ``history`` in batches of ``size``; every event is in the ledger in the end."""
    ledger = Ledger(database)
    for start in range(0, len(history), size):
        ledger.apply(history[start : start + size], MONDAY + timedelta(days=9))
    ledger.close()
    with database.reading() as connection:
        assert_lawful(connection)
        assert set(ends(connection).values()) == {"accepted"}
        return figures(connection)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "sqlite":
        return in_memory
    return on_server(request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_template"))


def test_any_order_gives_the_same_positions(world: World) -> None:
    @settings(max_examples=settings().max_examples if world is in_memory else 5)
    @given(histories(), st.randoms(use_true_random=False), st.integers(1, 30))
    def holds(history: list[Event], chance: Random, size: int) -> None:
        with world() as one, world() as other:
            expected = outcome(one, history, 30)
            chance.shuffle(history)
            assert outcome(other, history, size) == expected

    holds()
