"""What entries refer to stays: neither a source nor a position is taken away or renumbered."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    with closing(Database(database_url)) as database, closing(Ledger(database)) as ledger:
        upgrade(database)
        ledger.apply([a_receipt(3)], MONDAY)
        yield ledger


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM source",
        "DELETE FROM position",
        "UPDATE source SET source_id = source_id + 1000",
        "UPDATE position SET position_id = position_id + 1000",
    ],
)
def test_neither_a_source_nor_a_position_of_an_entry_goes(ledger: Ledger, statement: str) -> None:
    with pytest.raises(DBAPIError), ledger.database.transaction() as connection:
        connection.execute(text(statement))
