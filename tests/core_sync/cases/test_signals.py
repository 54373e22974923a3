"""Which case a signal belongs to."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.cases.detail import read_case
from core_sync.cases.grouping import merge, split
from core_sync.cases.signals import Signal, open_or_join, open_or_join_all
from core_sync.cases.undo import undo
from core_sync.cases.verbs import override, resolve
from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from tests.core_sync.cases.worklist import MORNING, after, the_case


def joins(database: Database, fingerprint: str, signal: int, at: datetime = MORNING, kind: str = "failure") -> int:
    with database.transaction() as connection:
        return open_or_join(connection, fingerprint, kind, signal, at)


def signals_of(database: Database, case_id: int) -> list[tuple[int, int]]:
    """(case_signal_id, signal_id) of everything in the case."""
    with database.reading() as connection:
        detail = read_case(connection, case_id, MORNING)
    return sorted((signal.signal, signal.signal_id) for signal in detail.signals)


def test_signals_with_one_fingerprint_are_one_case(database: Database) -> None:
    first = joins(database, "outage:shop", 1)
    assert joins(database, "outage:shop", 2) == first
    assert joins(database, "outage:other", 3) != first
    assert the_case(database, first).signals == 2


def test_the_same_signal_twice_is_one_signal(database: Database) -> None:
    case = joins(database, "outage:shop", 1)
    assert joins(database, "outage:shop", 1) == case
    assert the_case(database, case).signals == 1


def test_a_signal_with_a_new_fingerprint_moves_and_the_emptied_case_says_so(database: Database) -> None:
    old = joins(database, "timeout:shop", 1)
    new = joins(database, "mapping:shop", 1)
    assert new != old
    assert the_case(database, new).signals == 1
    emptied = the_case(database, old)
    assert (emptied.status, emptied.signals, emptied.resolution) == (
        "resolved", 0, "its signals belong to other cases",
    )  # fmt: skip


def test_a_signal_stays_where_a_person_said_what_the_root_cause_is(database: Database) -> None:
    case = joins(database, "timeout:shop", 1)
    with database.transaction() as connection:
        override(connection, case, "ana", MORNING, "I asked them", root_cause="sku_mapping")
    assert joins(database, "duplicate:shop", 1) == case


def test_a_case_that_comes_back_within_fourteen_days_is_regressed(database: Database) -> None:
    case = joins(database, "outage:shop", 1)
    with database.transaction() as connection:
        resolve(connection, case, "restarted", "ana", MORNING)
    assert joins(database, "outage:shop", 2, after(days=13)) == case
    assert the_case(database, case).status == "regressed"


def test_a_case_that_comes_back_after_fourteen_days_is_a_new_one(database: Database) -> None:
    case = joins(database, "outage:shop", 1)
    with database.transaction() as connection:
        resolve(connection, case, "restarted", "ana", MORNING)
    assert joins(database, "outage:shop", 2, after(days=14, seconds=1)) != case
    assert the_case(database, case).status == "resolved"


def test_what_comes_with_the_fingerprint_of_a_merged_case_goes_where_it_was_merged(database: Database) -> None:
    one, other = joins(database, "a", 1), joins(database, "b", 2)
    with database.transaction() as connection:
        merge(connection, one, other, "ana", MORNING)
    assert joins(database, "a", 3) == other
    assert joins(database, "a", 1) == other, "a signal placed by hand stays"
    assert the_case(database, other).signals == 3
    assert the_case(database, one).resolution == f"merged into case {other}"


def test_a_merge_can_be_undone(database: Database) -> None:
    one, other = joins(database, "a", 1), joins(database, "b", 2)
    with database.transaction() as connection:
        entry = merge(connection, one, other, "ana", MORNING)
    with database.transaction() as connection:
        undo(connection, one, entry, "ana", MORNING)
    assert (the_case(database, one).status, the_case(database, one).signals) == ("new", 1)
    assert the_case(database, other).signals == 1
    assert joins(database, "a", 3) == one


def test_split_signals_stay_in_their_new_case(database: Database) -> None:
    case = joins(database, "a", 1)
    joins(database, "a", 2)
    taken = signals_of(database, case)[0][0]
    with database.transaction() as connection:
        new, entry = split(connection, case, [taken], "ana", MORNING)
    assert [signal for _, signal in signals_of(database, new)] == [1]
    assert joins(database, "a", 1) == new
    assert joins(database, "a", 3) == case
    with database.transaction() as connection:
        undo(connection, case, entry, "ana", MORNING)
    assert the_case(database, case).signals == 3
    assert the_case(database, new).status == "resolved"


def test_a_split_that_leaves_nothing_behind_is_refused(database: Database) -> None:
    case = joins(database, "a", 1)
    with pytest.raises(VerbRefused, match="left behind"), database.transaction() as connection:
        split(connection, case, [signals_of(database, case)[0][0]], "ana", MORNING)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("signals"), st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 6)), min_size=1)),
        st.tuples(st.just("merge"), st.tuples(st.integers(0, 5), st.integers(0, 5))),
        st.tuples(st.just("split"), st.tuples(st.integers(0, 5), st.integers(0, 5))),
        st.tuples(st.just("resolve"), st.integers(0, 5)),
    ),
    max_size=12,
)


_worlds = count(1)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_each_signal_is_in_exactly_one_case_whatever_people_do(
    steps: list[tuple[str, Any]], database: Database
) -> None:
    world = next(_worlds)  # one database for all examples, in which each has names of its own
    told: set[int] = set()
    at = MORNING
    for step, said in steps:
        at += timedelta(hours=1)
        cases = cases_of(database, world)
        try:
            with database.transaction() as connection:
                if step == "signals":
                    signals = [Signal(f"{world}:{print_}", "failure", world * 100 + number) for print_, number in said]
                    told |= {signal.signal_id for signal in signals}
                    open_or_join_all(connection, signals, at)
                elif cases and step == "merge":
                    merge(connection, cases[said[0] % len(cases)], cases[said[1] % len(cases)], "ana", at)
                elif cases and step == "split":
                    case = cases[said[0] % len(cases)]
                    there = [signal.signal for signal in read_case(connection, case, MORNING).signals]
                    split(connection, case, there[: said[1]], "ana", at)
                elif cases and step == "resolve":
                    resolve(connection, cases[said % len(cases)], "done", "ana", at)
        except VerbRefused:
            continue
    placed = [signal for case in cases_of(database, world) for _, signal in signals_of(database, case)]
    assert sorted(placed) == sorted(told)
    assert sum(the_case(database, case).signals for case in cases_of(database, world)) == len(told)


def cases_of(database: Database, world: int) -> list[int]:
    statement = text("SELECT case_id FROM exception_case WHERE fingerprint LIKE :world ORDER BY case_id")
    with database.reading() as connection:
        return list(connection.execute(statement, {"world": f"{world}:%"}).scalars())
