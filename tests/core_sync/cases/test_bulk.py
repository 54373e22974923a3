"""One verb to many cases: what a preview says is what happens, and the whole can be undone."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core_sync.cases import verbs
from core_sync.cases.bulk import BULK_MAX, BulkOutcome, do_to_many, fitting_cases, past_bulks, undo_bulk
from core_sync.cases.deeds import DEEDS, Deed
from core_sync.cases.feed import FeedCase
from core_sync.cases.narrow import Filter
from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_case

ACKNOWLEDGE = Deed(verb="acknowledge")


def numbers(outcome: BulkOutcome) -> tuple[list[int], dict[int, str | None]]:
    return [one.case for one in outcome.done], {one.case: one.refused for one in outcome.refused}


@pytest.fixture
def four(database: Database) -> list[int]:
    """Four cases; the second is resolved."""
    cases = [a_case(database, sku, loss) for sku, loss in (("A", "40"), ("B", "30"), ("C", "20"), ("D", "10"))]
    with database.transaction() as connection:
        verbs.resolve(connection, cases[1], "restarted", "ana", MORNING)
    return cases


def all_of(database: Database, cases: list[int]) -> list[FeedCase]:
    return [the_case(database, case) for case in cases]


def test_a_preview_says_what_would_happen_and_why_some_refuse_and_changes_nothing(
    database: Database, four: list[int]
) -> None:
    before = all_of(database, four)
    told = do_to_many(database, ACKNOWLEDGE, [*four, 999], "ana", after(hours=1), dry_run=True)
    assert numbers(told) == ([four[0], *four[2:]], {four[1]: "it is resolved", 999: "there is no case 999"})
    assert {(one.status, one.status_then) for one in told.done} == {("new", "acknowledged")}
    assert {currency: float(amount) for currency, amount in told.expected_loss.items()} == {"EUR": 70.0}
    assert told.bulk is None
    assert all_of(database, four) == before
    with database.reading() as connection:
        assert past_bulks(connection) == []


def test_what_was_previewed_is_what_is_done_and_undone_as_a_whole(database: Database, four: list[int]) -> None:
    deed = Deed(verb="assign", owner="bo", note="the morning's")
    preview = do_to_many(database, deed, four, "ana", after(hours=1), dry_run=True)
    done = do_to_many(database, deed, four, "ana", after(hours=1))
    assert (done.done, done.refused) == (preview.done, preview.refused)
    assert [case.owner for case in all_of(database, four)] == ["bo", None, "bo", "bo"]
    with database.reading() as connection:
        (past,) = past_bulks(connection)
    assert (past.bulk, past.verb, past.actor, past.cases, past.undone_at) == (done.bulk, "assign", "ana", 3, None)
    undone = undo_bulk(database, past.bulk, "ana", after(hours=2))
    assert numbers(undone) == ([four[0], *four[2:]], {})
    assert [case.owner for case in all_of(database, four)] == [None] * 4


def test_undoing_leaves_alone_what_somebody_changed_since_and_names_it(database: Database, four: list[int]) -> None:
    done = do_to_many(database, ACKNOWLEDGE, four, "ana", MORNING)
    assert done.bulk is not None
    with database.transaction() as connection:
        verbs.begin(connection, four[2], "ben", after(minutes=5))
    foreseen = undo_bulk(database, done.bulk, "ana", after(hours=1), dry_run=True)
    undone = undo_bulk(database, done.bulk, "ana", after(hours=1))
    assert numbers(foreseen) == numbers(undone)
    assert numbers(undone)[1] == {four[2]: "status changed since; undo that first"}
    assert [case.status for case in all_of(database, four)] == ["new", "resolved", "in_progress", "new"]


def test_many_are_merged_into_one_and_parted_again(database: Database, four: list[int]) -> None:
    first, _, third, fourth = four
    done = do_to_many(database, Deed(verb="merge", into=first), [first, third, fourth], "ana", MORNING)
    assert numbers(done) == ([third, fourth], {first: "a case cannot be merged into itself"})
    assert the_case(database, first).signals == 3
    assert done.bulk is not None
    undo_bulk(database, done.bulk, "ana", after(minutes=1))
    assert [the_case(database, case).signals for case in (first, third, fourth)] == [1, 1, 1]


def test_cases_are_taken_by_what_the_list_shows(database: Database, four: list[int]) -> None:
    with database.reading() as connection:
        assert fitting_cases(connection, Filter()) == [four[0], *four[2:]]
        assert fitting_cases(connection, Filter(sku="C")) == [four[2]]


@pytest.mark.parametrize(
    ("deed", "cases", "why"),
    [
        (Deed(verb="fly"), [1], "there is no such verb; there are acknowledge"),
        (ACKNOWLEDGE, [], "say which cases"),
        (ACKNOWLEDGE, range(BULK_MAX + 1), "narrow them"),
    ],
    ids=["unknown verb", "no case", "too many"],
)
def test_nonsense_is_refused_as_a_whole(database: Database, deed: Deed, cases: list[int], why: str) -> None:
    with pytest.raises(VerbRefused, match=why):
        do_to_many(database, deed, cases, "ana", MORNING)
    with pytest.raises(NotFound, match="bulk deed 7"):
        undo_bulk(database, 7, "ana", MORNING)


_worlds = count(1)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_done_the_preview_foretold_it_and_undo_brings_it_back(
    data: st.DataObject, database: Database
) -> None:
    world = next(_worlds)  # one database for all examples, in which each has cases of its own
    cases = [a_case(database, f"{world}-{sku}") for sku in "ABCD"]
    deed = Deed(
        verb=data.draw(st.sampled_from(sorted(DEEDS))), note=data.draw(st.sampled_from([None, "seen"])),
        owner=data.draw(st.sampled_from([None, "bo"])), until=after(days=1), resolution="done", reason="asked",
        root_cause="duplicate", into=data.draw(st.sampled_from([None, *cases])),
    )  # fmt: skip
    for first in data.draw(st.lists(st.tuples(st.sampled_from(cases), st.sampled_from(["resolve", "wait"])))):
        do_to_many(database, Deed(verb=first[1], resolution="over"), [first[0]], "ben", MORNING)
    before = all_of(database, cases)
    foretold = do_to_many(database, deed, cases, "ana", after(hours=1), dry_run=True)
    assert all_of(database, cases) == before
    done = do_to_many(database, deed, cases, "ana", after(hours=1))
    assert (done.done, done.refused) == (foretold.done, foretold.refused)
    if done.bulk is not None:
        undone = undo_bulk(database, done.bulk, "ana", after(hours=2))
        assert undone.refused == []
        names = ("status", "owner", "root_cause", "signals", "snoozed_until", "resolution", "merged_into")
        shown = [[getattr(case, name) for name in names] for case in all_of(database, cases)]
        assert shown == [[getattr(case, name) for name in names] for case in before]
