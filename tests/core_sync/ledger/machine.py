"""A ledger lives through any history: events, repeats, contradictions, decisions, master data that comes late."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from msgspec.structs import asdict, replace

from core_sync.ledger.events import Event, EventType
from tests.builders import MONDAY, an_event
from tests.core_sync.ledger.books import Name
from tests.core_sync.ledger.life import LATE_MASTER_DATA, Life
from tests.core_sync.ledger.worlds import World

picks = st.integers(0, 200)
writers = st.integers(0, 1)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event over few SKUs, places, documents and hours, with names that nobody knows yet now and then."""
    type = draw(st.sampled_from(list(EventType)))
    locations = st.sampled_from(["LEEDS", "LEEDS", "LEEDS", "LEEDS", "BATH", "BATH", "YORK", "MARS"])
    return an_event(
        type,
        draw(st.integers(-6 if type is EventType.ADJUST else 0, 6) | st.sampled_from([0, 1, 12, -1])),
        event_id="",
        source=draw(st.sampled_from(["wms", "wms", "wms", "wms", "shop", "shop", "depot"])),
        sku=draw(st.sampled_from(["MUG", "MUG", "MUG", "MUG", "MUG", "TRAY", "MUG-BLUE", "UFO"])),
        location=draw(locations),
        lot=draw(st.sampled_from(["", "", "", "", "L1"])),
        uom=draw(st.sampled_from(["", "", "", "", "EA", "CS", "HALF"])),
        hours=draw(st.integers(0, 24)),
        document=draw(st.sampled_from(["", "D1", "D1", "D2"])),
        line=draw(st.sampled_from(["", "", "1"])),
        reservation_id=draw(st.sampled_from(["", "", "", "R1", "allotment:ACME"])),
        account=draw(st.sampled_from(["", "", "ACME"])),
        to_location=draw(locations),
    )


class EveryHistory(RuleBasedStateMachine):
    """See the module; ``world`` makes the database, ``steps`` counts the steps taken by their kind."""

    world: ClassVar[World]
    steps: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self._keeper = type(self).world()
        self.life = Life(self._keeper.__enter__())
        self.told: list[Event] = []
        self.to_come = list(LATE_MASTER_DATA)

    def teardown(self) -> None:
        """Everything that was ever told comes again, at once: nothing changes."""
        try:
            self.life.tell(*self.told)
        finally:
            self._keeper.__exit__(None, None, None)

    @rule(batch=st.lists(events(), min_size=1, max_size=5), writer=writers)
    def something_happens(self, batch: list[Event], writer: int) -> None:
        named = [replace(event, event_id=f"e{len(self.told) + place}") for place, event in enumerate(batch)]
        self._tell(named, writer)

    @precondition(lambda self: self.told)
    @rule(again=st.lists(picks, min_size=1, max_size=5), writer=writers)
    def something_is_told_again(self, again: list[int], writer: int) -> None:
        self._tell([self.told[pick % len(self.told)] for pick in again], writer)

    @precondition(lambda self: self.told)
    @rule(event=events(), pick=picks, writer=writers)
    def another_event_comes_under_a_known_id(self, event: Event, pick: int, writer: int) -> None:
        known = self.told[pick % len(self.told)]
        self._tell([replace(event, event_id=known.event_id, source=known.source)], writer)

    @precondition(lambda self: self.told)
    @rule(pick=picks, writer=writers)
    def one_fact_comes_under_another_id(self, pick: int, writer: int) -> None:
        known = self.told[pick % len(self.told)]
        self._tell([replace(known, event_id=f"e{len(self.told)}")], writer)

    @precondition(lambda self: self.to_come)
    @rule(pick=st.integers(0, len(LATE_MASTER_DATA)), writer=writers)
    def master_data_comes_late(self, pick: int, writer: int) -> None:
        what = self.to_come.pop(pick % len(self.to_come))
        self._step("master data", f"life.learn({what!r}, writer={writer})")
        self.life.learn(what, writer)

    @precondition(lambda self: self.life.oracle.ever_held())
    @rule(verb=st.sampled_from(["apply after all", "confirm", "refuse"]), pick=picks, writer=writers)
    def a_person_decides_on_a_held_event(self, verb: str, pick: int, writer: int) -> None:
        name = _picked(self.life.oracle.ever_held(), pick)
        self._step("decisions", f"life.decide({verb!r}, {name}, writer={writer})")
        self.life.decide(verb, name, writer)

    @precondition(lambda self: self.life.oracle.accepted())
    @rule(pick=picks, writer=writers)
    def a_person_takes_an_entry_back(self, pick: int, writer: int) -> None:
        name = _picked(self.life.oracle.accepted(), pick)
        self._step("reversals", f"life.take_back({name}, writer={writer})")
        self.life.take_back(name, writer)

    def _tell(self, batch: Sequence[Event], writer: int) -> None:
        self._step("batches", f"life.tell({', '.join(map(shown, batch))}, writer={writer})")
        self.told += [event for event in batch if event not in self.told]
        self.life.tell(*batch, writer=writer)

    def _step(self, kind: str, as_code: str) -> None:
        type(self).steps[kind] += 1
        note(as_code)


def _picked(names: Sequence[Name], pick: int) -> Name:
    return names[pick % len(names)]


def shown(event: Event) -> str:
    """The event as ``tests.builders`` would make it, so that a failing history can be kept as a plain test."""
    said, usual = asdict(event), an_event(event.type, 0, event_id="")
    del said["type"], said["quantity"]
    hours = (said.pop("occurred_at") - MONDAY) / timedelta(hours=1)
    words = [f"{name}={value!r}" for name, value in said.items() if value != getattr(usual, name)]
    return f"an_event(EventType.{event.type.name}, {', '.join([str(event.quantity), f'hours={hours:g}', *words])})"
