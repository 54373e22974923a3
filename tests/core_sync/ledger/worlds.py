"""Fresh databases by the hundred, for searches that need one a history."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from sqlalchemy import Connection

from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from tests.databases import fresh_database

World = Callable[[], AbstractContextManager[Database]]
"""Makes a database with core_sync's tables that is gone when its block ends."""


def a_database_in_memory() -> Database:
    """A SQLite database in memory: a copy of a migrated one, which costs a hundredth of migrating."""
    database = Database("sqlite://")
    with database.reading() as connection:
        connection.rollback()
        _sqlite(connection).deserialize(_migrated())
    return database


@contextmanager
def in_memory() -> Iterator[Database]:
    """A database in memory that is gone when the block ends."""
    database = a_database_in_memory()
    try:
        yield database
    finally:
        database.close()


def on_server(server_url: str, template: str) -> World:
    """Databases on a PostgreSQL server, copied from ``template``."""

    @contextmanager
    def world() -> Iterator[Database]:
        with fresh_database(server_url, template) as url:
            database = Database(url)
            try:
                yield database
            finally:
                database.close()

    return world


@cache
def _migrated() -> bytes:
    database = Database("sqlite://")
    upgrade(database)
    with database.reading() as connection:
        connection.rollback()
        return _sqlite(connection).serialize()


def _sqlite(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
