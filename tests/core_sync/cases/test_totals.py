"""What is on the list in sum: facets count what the filter shows, and the first cases cover what they stand for."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from core_sync.cases.narrow import Filter
from core_sync.cases.rules import Status
from core_sync.cases.totals import read_coverage, read_facets
from core_sync.cases.verbs import assign, note, override, reopen, resolve, snooze
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import MORNING, a_case, the_case, the_list


@pytest.fixture
def worked(database: Database) -> Database:
    """Eight cases: one of each place resolved, one asleep, some owned, one overridden."""
    losses = {"A": "90", "B": "60", "C": "30", "D": "10", "E": "5", "F": "3", "G": "1", "H": "1"}
    cases = {
        sku: a_case(
            database, sku, loss, root_cause="timeout" if sku in "ABC" else "duplicate", abstained=sku in "EF",
            locations=["LEEDS", "YORK"] if sku in "ABH" else ["YORK"],
        )
        for sku, loss in losses.items()
    }  # fmt: skip
    with database.transaction() as connection:
        resolve(connection, cases["G"], "a repeat", "ana", MORNING)
        snooze(connection, cases["H"], MORNING + timedelta(hours=1), "ana", MORNING)
        assign(connection, cases["A"], "ana", "ana", MORNING)
        override(connection, cases["D"], "ana", MORNING, "the carrier said so", root_cause="posting_delay")
        note(connection, cases["C"], "Zoë waits for the café", "ana", MORNING)
    return database


@pytest.mark.parametrize(
    "shown",
    [
        Filter(),
        Filter(abstained=False),
        Filter(root_cause="timeout"),
        Filter(location="LEEDS"),
        Filter(channel="shop", abstained=True),
        Filter(owner="ana"),
        Filter(search="zoe"),
        Filter(statuses=(Status.SNOOZED,)),
        Filter(statuses=(Status.RESOLVED,)),
        Filter(statuses=()),
    ],
    ids=str,
)
def test_facets_count_the_cases_that_the_list_shows(worked: Database, shown: Filter) -> None:
    listed = [the_case(worked, case_id) for case_id in the_list(worked, shown)]
    with worked.reading() as connection:
        facets = read_facets(connection, shown)
    assert facets.totals.cases == len(listed)
    expected = {
        "status": Counter(case.status for case in listed),
        "root_cause": Counter(case.root_cause for case in listed),
        "owner": Counter(case.owner or "(none)" for case in listed),
        "channel": Counter(channel for case in listed for channel in case.channels),
        "location": Counter(location for case in listed for location in case.locations),
    }
    assert {facet: facets.counts[facet] for facet in expected} == expected


def test_what_is_resolved_is_counted_again_once_it_is_open_again(worked: Database) -> None:
    (gone,) = the_list(worked, Filter(statuses=(Status.RESOLVED,)))
    with worked.reading() as connection:
        before = read_facets(connection).counts["location"]["YORK"]
    with worked.transaction() as connection:
        reopen(connection, gone, "ana", MORNING)
    with worked.reading() as connection:
        assert read_facets(connection).counts["location"]["YORK"] == before + 1


def test_the_first_cases_cover_their_part_and_the_rest_is_left(worked: Database) -> None:
    with worked.reading() as connection:
        one, five, *more = read_coverage(connection)
    assert (one.cases, one.covered, one.left) == (1, Decimal(90), Decimal(108))
    assert five.share == pytest.approx(195 / 198)
    assert [(step.cases, step.left) for step in more] == [(6, Decimal(0))]


@pytest.mark.parametrize("said", ["zoe", "ZOË café", "waits caf"])
def test_a_search_finds_words_by_their_beginning_whatever_their_case_and_accents(worked: Database, said: str) -> None:
    found = {sku for case in the_list(worked, Filter(search=said)) for sku in the_case(worked, case).skus}
    assert found == {"C"}


def test_a_search_asks_for_all_of_its_words(worked: Database) -> None:
    assert the_list(worked, Filter(search="zoe carrier")) == []


@pytest.mark.parametrize("said", ["", "-", "!?", 'zo" OR "a', "nothing has this"])
def test_a_search_that_says_nothing_or_no_known_word_is_no_error(worked: Database, said: str) -> None:
    assert the_list(worked, Filter(search=said)) == (the_list(worked) if not said else [])
