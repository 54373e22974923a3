"""The core is tested as it must work alone: without the model libraries, the rooms above it and their tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import database_name, fresh_database, migrate
from tests.isolation.without_models import without_models


@pytest.fixture(autouse=True)
def _the_core_alone() -> Iterator[None]:
    with without_models():
        yield


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> Iterator[str]:
    """The name of a database with core_sync's tables alone, to be copied."""
    with fresh_database(postgresql_url) as url:
        migrate(url)
        yield database_name(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with core_sync's tables alone, to be copied."""
    file = tmp_path_factory.mktemp("template") / "stock.sqlite"
    migrate(f"sqlite:///{file}")
    return file
