"""What is on the list in sum: facets count what the filter shows, and the first cases cover what they stand for."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text, update

from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.rows import CASES
from core_sync.cases.rules import Status
from core_sync.cases.scope import keep_scope
from core_sync.cases.tally import fold
from core_sync.cases.totals import Totals, read_coverage, read_facets, read_totals
from core_sync.cases.verbs import assign, note, override, reopen, resolve, snooze
from core_sync.database.engine import Database
from core_sync.money import from_ten_thousandths
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


def test_facets_count_the_cases_that_the_list_shows(worked: Database) -> None:
    for shown in (
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
    ):
        listed = [the_case(worked, case_id) for case_id in the_list(worked, shown)]
        with worked.reading() as connection:
            facets = read_facets(connection, shown)
        assert facets.totals.cases == len(listed), shown
        expected = {
            "status": Counter(case.status for case in listed),
            "root_cause": Counter(case.root_cause for case in listed),
            "owner": Counter(case.owner or "(none)" for case in listed),
            "channel": Counter(channel for case in listed for channel in case.channels),
            "location": Counter(location for case in listed for location in case.locations),
        }
        assert {facet: facets.counts[facet] for facet in expected} == expected, shown


NAMES = st.sampled_from(["", "LEEDS", "YORK", 'Bay "3"', "Zoë's"])


class Worked(NamedTuple):
    """One thing that happens to one of a few cases."""

    case: int
    status: str
    cause: str
    replaced: str | None
    owner: str | None
    abstained: bool
    loss: int | None
    locations: tuple[str, ...]


WORKED = st.builds(
    Worked,
    case=st.integers(1, 4),
    status=st.sampled_from([str(status) for status in Status]),
    cause=st.sampled_from(["timeout", "duplicate"]),
    replaced=st.sampled_from([None, "timeout"]),
    owner=st.sampled_from([None, "ana"]),
    abstained=st.booleans(),
    loss=st.sampled_from([None, 0, 5]),
    locations=st.lists(NAMES, max_size=2, unique=True).map(tuple) | st.just(("L" * 500,)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.lists(WORKED, max_size=8), location=NAMES, folded=st.booleans())
def test_counts_are_those_of_the_cases_whatever_happened_to_them(
    database: Database, done: list[Worked], location: str, folded: bool
) -> None:
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM case_scope"))
        connection.execute(text("DELETE FROM exception_case"))
        opened = {"status": "new", "title": "", "fingerprint": "", "opened_at": 0, "updated_at": 0}
        connection.execute(insert(CASES), [opened | {"case_id": n, "fingerprint": str(n)} for n in range(1, 5)])
    for one in done:
        with database.transaction() as connection:
            happened(connection, one)
        if folded:
            fold(database, at_least=1)
    shows = [Filter(statuses=()), Filter(), Filter(location=location), Filter(root_cause="timeout", owner="ana")]
    with database.reading() as connection:
        for shown in shows:
            told, counted = read_facets(connection, shown), read_totals(connection, shown)
            assert (told.totals, told.counts) == walked(connection, shown), shown
            assert counted == told.totals


def happened(connection: Connection, one: Worked) -> None:
    listed = msgspec.json.encode(one.locations).decode()
    before = connection.execute(select(CASES).where(CASES.c.case_id == one.case)).one()._asdict()
    connection.execute(
        update(CASES).where(CASES.c.case_id == one.case).values(
            status=one.status, root_cause=one.cause, override_root_cause=one.replaced, owner=one.owner, currency="EUR",
            abstained=one.abstained, expected_loss=one.loss, locations=listed,
        )
    )  # fmt: skip
    keep_scope(connection, one.case, before, {**before, "locations": listed})


def walked(connection: Connection, shown: Filter) -> tuple[Totals, dict[str, dict[str, int]]]:
    """The same, case by case of those that the list shows."""
    numbers = [case.case for case in read_feed(connection, MORNING, shown).cases]
    rows = connection.execute(select(CASES).where(CASES.c.case_id.in_(numbers))).all()
    losses = [from_ten_thousandths(row.expected_loss) for row in rows if row.expected_loss is not None]
    facets: dict[str, dict[str, int]] = {
        "status": Counter(row.status for row in rows),
        "root_cause": Counter(row.override_root_cause or row.root_cause for row in rows),
        "owner": Counter(row.owner or "(none)" for row in rows),
        "abstained": Counter("yes" if row.abstained else "no" for row in rows),
        "channel": Counter(channel for row in rows for channel in msgspec.json.decode(row.channels)),
        "location": Counter(place for row in rows for place in msgspec.json.decode(row.locations)),
    }
    return Totals(len(rows), {"EUR": sum(losses, Decimal(0))} if losses else {}), facets


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


def test_a_search_finds_words_by_their_beginning_whatever_their_case_and_accents(worked: Database) -> None:
    for said in ("zoe", "ZOË café", "waits caf"):
        found = {sku for case in the_list(worked, Filter(search=said)) for sku in the_case(worked, case).skus}
        assert found == {"C"}, said


def test_a_search_asks_for_all_of_its_words(worked: Database) -> None:
    assert the_list(worked, Filter(search="zoe carrier")) == []


def test_a_search_that_says_nothing_or_no_known_word_is_no_error(worked: Database) -> None:
    assert the_list(worked, Filter(search="")) == the_list(worked)
    for said in ("-", "!?", 'zo" OR "a', "nothing has this"):
        assert the_list(worked, Filter(search=said)) == [], said
