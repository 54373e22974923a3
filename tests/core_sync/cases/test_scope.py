"""A case that touches more SKUs than are written at once, or than words of which a database takes."""

import pytest

from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.scope import TOUCHED_AT_ONCE, touch_ahead
from core_sync.cases.weigh import Opinion, write_opinion
from core_sync.cases.words import LETTERS_MAX
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import MORNING, a_case


def found(database: Database, shown: Filter) -> list[int]:
    with database.reading() as connection:
        return [case.case for case in read_feed(connection, MORNING, shown).cases]


def weighed(database: Database, case: int, skus: list[str]) -> None:
    touch_ahead(database, case, skus)
    with database.transaction() as connection:
        write_opinion(connection, case, Opinion(title="outage: many", root_cause="timeout", skus=skus), MORNING)


def test_an_outage_of_very_many_skus_is_found_by_each_and_no_longer_by_those_that_are_over(database: Database) -> None:
    case = a_case(database)
    skus = [f"SKU-{number}" for number in range(TOUCHED_AT_ONCE + 2)]
    weighed(database, case, skus)
    assert all(found(database, Filter(sku=sku)) == [case] for sku in (skus[0], skus[-1]))
    weighed(database, case, skus[1:])
    assert found(database, Filter(sku=skus[0])) == []
    assert found(database, Filter(sku=skus[1])) == [case]


@pytest.mark.parametrize("left", [1, TOUCHED_AT_ONCE + 1])
def test_what_was_written_ahead_of_a_weighing_that_never_ended_goes_with_the_next(
    database: Database, left: int
) -> None:
    case = a_case(database)
    skus = [f"SKU-{number}" for number in range(2 * TOUCHED_AT_ONCE + 1)]
    touch_ahead(database, case, skus)
    weighed(database, case, skus[-left:])
    assert found(database, Filter(sku=skus[0])) == []
    assert found(database, Filter(sku=skus[-1])) == [case]


def test_what_was_told_of_a_case_is_found_however_many_long_names_it_touches(database: Database) -> None:
    case = a_case(database)
    weighed(database, case, [f"{number:06d}{'x' * 500}" for number in range(LETTERS_MAX // 500)])
    assert found(database, Filter(search="outage many")) == [case]
    assert found(database, Filter(search="000001x")) == [case]
