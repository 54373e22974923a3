"""Fill large tables quickly: without their indexes, made anew afterwards, and without a look at other tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, bindparam, text

from core_sync.database.engine import Database

CACHE_KIB = 1_000_000
"""Of SQLite's pages in memory while a table is filled."""


@contextmanager
def unchecked(database: Database) -> Iterator[Connection]:
    """A transaction in which no reference is looked up; on PostgreSQL no trigger fires either."""
    with database.engine.connect() as connection:
        if database.is_sqlite:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            for pragma in ("foreign_keys = OFF", "synchronous = OFF", f"cache_size = {-CACHE_KIB}"):
                driver.execute(f"PRAGMA {pragma}")
        with connection.begin():
            if not database.is_sqlite:
                for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'"):
                    connection.execute(text(f"SET LOCAL {setting}"))
            yield connection
        connection.invalidate()  # its settings are for nobody else


@contextmanager
def without_indexes(database: Database, tables: Sequence[str]) -> Iterator[None]:
    """While the block lasts ``tables`` have no indexes but those of their constraints."""
    asked = text(_INDEXES["sqlite" if database.is_sqlite else "postgresql"])
    with database.transaction() as connection:
        found = connection.execute(asked.bindparams(bindparam("tables", list(tables), expanding=True))).all()
        for name, _ in found:
            connection.execute(text(f"DROP INDEX {name}"))
    yield
    for _, made in found:
        with unchecked(database) as connection:
            connection.exec_driver_sql(made)


_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN :tables",
    "postgresql": """
        SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename IN :tables
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)
    """,
}
