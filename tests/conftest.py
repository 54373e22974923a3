"""What every test stands on: no network, a bounded search, a database of its own."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from core_sync.database.engine import Database
from tests.databases import (
    PostgresqlUnavailable,
    database_name,
    fresh_database,
    memory,
    migrate,
    postgresql_server,
)
from tests.isolation.outside import watch

ON_CI = os.environ.get("CI") == "true"

# Nearly all that importing and collecting make stays: the garbage collector need not look through it all the while.
gc.set_threshold(20_000)

# The tests run a process on each core; threads that spin for the same cores cost several times what they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOMS_ABOVE = tuple(Path(__file__).parents[1] / room / "migrations" for room in ("ml", "remediation"))

# Deadlines punish the machine that is busy, not the code that is slow; the search's own size bounds the time.
settings.register_profile("default", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), max_examples=50, print_blob=True, derandomize=True)
settings.register_profile("proof", settings.get_profile("default"), max_examples=2_000, print_blob=True)
PROFILE = os.environ.get("STOCKTRIAGE_TEST_PROFILE", "ci" if ON_CI else "default")
settings.load_profile(PROFILE)

# Every commit to SQLite waits for the disk, and a fifth of what it costs the processor is that; what the slow checks
# write at full count has no room in memory.
in_memory = memory() if PROFILE != "proof" else None
if in_memory is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(in_memory))

_attempts: list[str] = []
_end_of_watch = watch(_attempts.append)


def pytest_xdist_auto_num_workers() -> int:
    """A process more than there are cores: some tests wait for servers, browsers and other processes to start."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """From here on the garbage collector looks at what tests make, and at nothing that was there before them."""
    gc.freeze()


@pytest.fixture(autouse=True)
def outside_attempts() -> Iterator[list[str]]:
    """Attempts to leave loopback during this test; it fails for any that is left here."""
    _attempts.clear()
    yield _attempts
    if _attempts:
        pytest.fail(f"left the loopback interface: {_attempts}")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The maintenance database of a PostgreSQL server; without one the test is skipped, and fails on CI."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgresql_server(in_memory=True))
        except PostgresqlUnavailable as error:
            if ON_CI:
                pytest.fail(f"PostgreSQL must be there on CI: {error}", pytrace=False)
            pytest.skip(f"no PostgreSQL: {error}")
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> Iterator[str]:
    """The name of a database with every room's tables, to be copied."""
    with fresh_database(postgresql_url) as url:
        migrate(url, *ROOMS_ABOVE)
        yield database_name(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every room's tables, to be copied."""
    file = tmp_path_factory.mktemp("template") / "stock.sqlite"
    migrate(f"sqlite:///{file}", *ROOMS_ABOVE)
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A SQLite database of the test's own, with the tables of its template."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'stock.sqlite')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own with its template's tables, empty: the test runs once on each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server, template = request.getfixturevalue("postgresql_url"), request.getfixturevalue("postgresql_template")
    with fresh_database(server, template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database at ``database_url``."""
    database = Database(database_url)
    yield database
    database.close()
