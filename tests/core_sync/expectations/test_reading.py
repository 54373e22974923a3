"""What events do to open expectations: what is met is never open, whatever else the document says."""

from hypothesis import given
from hypothesis import strategies as st

from core_sync.expectations.kinds import BEGUN_BY, EVENT_TYPES, MET_BY
from core_sync.expectations.reading import Entry, Open, Reading
from core_sync.ledger.effects import Flag

lines = st.sampled_from(["", "1", "2"])


def an_entry(type_: str, quantity: int = 1, document: str = "D", line: str = "1", **said: object) -> Entry:
    told: dict[str, object] = {"to_location": None, "flags": 0, "location": "LEEDS", "occurred_at": 0, **said}
    return Entry(
        entry_id=0, type=type_, source_id=1, sku="MUG", quantity=quantity, document=document, line=line,
        recorded_at=0, **told,  # type: ignore[arg-type]  # the test's own words
    )  # fmt: skip


def read(*entries: Entry) -> Reading:
    reading = Reading([])
    for entry in entries:
        reading.take(entry)
    return reading


def open_kinds(*entries: Entry) -> list[str]:
    return [one.kind for one in read(*entries).begun]


entries = st.builds(
    an_entry, st.sampled_from(EVENT_TYPES), st.integers(1, 5), st.sampled_from("DE"), lines,
    to_location=st.sampled_from([None, "HULL"]),
)  # fmt: skip


@given(st.lists(entries, max_size=30), lines)
def test_a_shipment_leaves_nothing_open_of_what_was_picked_for_its_line(told: list[Entry], line: str) -> None:
    reading = read(*told, an_entry("ship", line=line))
    assert not [one for one in reading.begun if (one.kind, one.document, one.line) == ("pick_to_ship", "D", line)]


@given(st.lists(entries, max_size=40))
def test_everything_begun_is_open_or_met_or_ended_and_never_two_of_these(told: list[Entry]) -> None:
    reading = read(*told)
    states = [id(one) for one in reading.begun]
    states += [id(met.open) for met in reading.met] + [id(one) for one in reading.ended]
    assert len(states) == len(set(states))
    assert all(
        met.by.type in {t for t in MET_BY if met.open.kind in {k.kind for k in MET_BY[t]}} for met in reading.met
    )


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.lists(st.integers(1, 6), max_size=6))
def test_a_return_is_open_until_all_its_units_are_decided(came: list[int], decided: list[int]) -> None:
    told = [an_entry("return_received", units) for units in came] + [an_entry("restock", units) for units in decided]
    left = sum(one.quantity for one in read(*told).begun)
    assert left == max(0, sum(came) - sum(decided))


def test_a_transfer_is_expected_where_it_goes() -> None:
    out = an_entry("transfer_out", 3, to_location="HULL")
    assert read(out).begun[0].location == "HULL"
    assert open_kinds(out, an_entry("transfer_in", 3, location="HULL")) == []
    assert open_kinds(out, an_entry("transfer_in", 3, location="LEEDS")) == ["transfer_to_arrival"]


def test_a_cancelled_order_is_not_expected_to_leave() -> None:
    assert open_kinds(an_entry("pick"), an_entry("order_cancelled", line="")) == []


def test_another_line_does_not_meet_it_but_one_without_a_line_does() -> None:
    assert open_kinds(an_entry("pick", line="1"), an_entry("ship", line="2")) == ["pick_to_ship"]
    assert open_kinds(an_entry("pick", line="1"), an_entry("ship", line="")) == []


def test_what_is_taken_back_is_not_expected_and_a_shipment_taken_back_meets_nothing() -> None:
    assert open_kinds(an_entry("pick"), an_entry("pick", flags=Flag.REVERSAL)) == []
    assert open_kinds(an_entry("pick"), an_entry("ship", flags=Flag.REVERSAL)) == ["pick_to_ship"]


def test_each_type_that_begins_something_has_types_that_meet_it() -> None:
    begun = {kind.kind for kinds in BEGUN_BY.values() for kind in kinds}
    assert begun | {"order_to_reserve"} == {kind.kind for kinds in MET_BY.values() for kind in kinds}


def test_part_of_the_units_changes_what_is_stored() -> None:
    known = Open("return_to_decision", "D", "1", "MUG", "LEEDS", 1, 5, 0, row=7)
    reading = Reading([known])
    reading.take(an_entry("restock", 2))
    assert [(one.row, one.quantity) for one in reading.changed] == [(7, 3)]
