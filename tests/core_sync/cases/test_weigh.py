"""When a case that is weighed has others weighed again: where its money moved, not where time alone moved it."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from core_sync.cases.weigh import Opinion, write_opinion
from core_sync.database.engine import Database
from tests.core_sync.cases.worklist import a_case, after


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def moved(database: Database, case: int, exposure: str, **span: float) -> float:
    opinion = Opinion(title="timeout: MUG", root_cause="timeout", exposure=Decimal(exposure), currency="EUR")
    with database.transaction() as connection:
        return write_opinion(connection, case, opinion, after(**span))


@pytest.mark.parametrize(
    ("exposure", "minutes", "told"),
    [
        ("1000.05", 1, False),  # a stock day longer
        ("1000.05", 0, True),  # at the same moment it is another case that moved it
        ("1005", 1, True),
        ("1005", 600, False),
        ("1020", 600, True),
        ("0", 6000, True),
    ],
)
def test_what_passing_time_alone_moves_asks_for_no_other_case(
    database: Database, exposure: str, minutes: int, told: bool
) -> None:
    case = a_case(database, "MUG", "10")
    moved(database, case, "1000", hours=1)
    assert (moved(database, case, exposure, hours=1, minutes=minutes) > 0) is told
