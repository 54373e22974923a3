"""A PostgreSQL database of the test's own, for what only several writers at once can do."""

from collections.abc import Iterator

import pytest

from core_sync.database.engine import Database
from tests.databases import fresh_database


@pytest.fixture
def postgresql(postgresql_url: str, postgresql_template: str) -> Iterator[Database]:
    """Empty, with core_sync's tables."""
    with fresh_database(postgresql_url, postgresql_template) as url:
        database = Database(url)
        yield database
        database.close()
