"""A database of its own for each test, on both kinds."""

from collections.abc import Iterator

import pytest

from core_sync.database.engine import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()
