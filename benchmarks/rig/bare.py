"""The ceiling: the ledger's own table with nothing around it, written as fast as the driver can.

The table is the ledger's, column for column, with its indexes; triggers and foreign keys are taken away. Rows go in
by ``executemany`` on SQLite and by binary COPY on PostgreSQL, a transaction a batch, with the ledger's own settings of
durability.
"""

from collections.abc import Sequence
from typing import Any

from core_sync.database.engine import Database

TABLE = "ledger_entry"
Row = tuple[Any, ...]


def columns(driver: Any, is_sqlite: bool) -> list[str]:
    """The table's columns but the number that the database gives each row itself."""
    return [name for name, _ in _typed_columns(driver, is_sqlite)]


def rows_after(database: Database, entry_id: int, without: Sequence[str] = ()) -> tuple[list[Row], int]:
    """The rows after ``entry_id``, in order, without their number and some other columns; and the newest number."""
    with database.reading() as connection:
        driver: Any = connection.connection.dbapi_connection
        named = ", ".join(name for name in columns(driver, database.is_sqlite) if name not in without)
        found = (
            driver.cursor()
            .execute(f"SELECT entry_id, {named} FROM {TABLE} WHERE entry_id > {entry_id} ORDER BY entry_id")
            .fetchall()
        )
    return [tuple(row[1:]) for row in found], int(found[-1][0]) if found else entry_id


class BareTable:
    """The ledger's table alone, on a database that is given up to it."""

    def __init__(self, database: Database, identity_only: bool = False) -> None:
        """Strip the table; ``identity_only`` drops every index but the one that keeps ids unique."""
        self._is_sqlite = database.is_sqlite
        self._connection = database.engine.connect()  # held, so that the driver's connection stays ours
        self.driver: Any = self._connection.connection.dbapi_connection
        typed = _typed_columns(self.driver, self._is_sqlite)
        self._types = [kind for _, kind in typed]
        named = ", ".join(name for name, _ in typed)
        mark = "?" if self._is_sqlite else "%s"
        self._insert = f"INSERT INTO {TABLE} ({named}) VALUES ({', '.join([mark] * len(typed))})"
        self._copy = f"COPY {TABLE} ({named}) FROM STDIN (FORMAT BINARY)"
        self._strip(identity_only)

    def write(self, rows: Sequence[Row]) -> None:
        """One transaction of many rows."""
        if self._is_sqlite:
            self.driver.execute("BEGIN IMMEDIATE")
            self.driver.executemany(self._insert, rows)
            self.driver.execute("COMMIT")
            return
        with self.driver.cursor() as cursor, cursor.copy(self._copy) as copy:
            copy.set_types(self._types)
            for row in rows:
                copy.write_row(row)
        self.driver.commit()

    def write_one(self, row: Row) -> None:
        """One transaction of one row."""
        if self._is_sqlite:
            self.driver.execute("BEGIN IMMEDIATE")
            self.driver.execute(self._insert, row)
            self.driver.execute("COMMIT")
            return
        self.driver.execute(self._insert, row)
        self.driver.commit()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _strip(self, identity_only: bool) -> None:
        if self._is_sqlite:
            self.driver.execute("PRAGMA foreign_keys=OFF")
        for statement in self._stripping(identity_only):
            self.driver.execute(statement)
        if not self._is_sqlite:
            self.driver.commit()

    def _stripping(self, identity_only: bool) -> list[str]:
        if self._is_sqlite:
            triggers = self._names("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            indexes = self._names(f"SELECT name FROM pragma_index_list('{TABLE}') WHERE NOT \"unique\"")
            drops = [f"DROP TRIGGER {name}" for name in triggers]
        else:
            triggers = self._names(
                f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal"
            )
            foreign = self._names(
                f"SELECT conname FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype = 'f'"
            )
            indexes = self._names(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                f"WHERE i.indrelid = '{TABLE}'::regclass AND NOT i.indisunique"
            )
            drops = [f"DROP TRIGGER {name} ON {TABLE}" for name in triggers]
            drops += [f"ALTER TABLE {TABLE} DROP CONSTRAINT {name}" for name in foreign]
        return drops + ([f"DROP INDEX {name}" for name in indexes] if identity_only else [])

    def _names(self, statement: str) -> list[str]:
        return [row[0] for row in self.driver.execute(statement).fetchall()]


def _typed_columns(driver: Any, is_sqlite: bool) -> list[tuple[str, str]]:
    if is_sqlite:
        statement = f"SELECT name, type FROM pragma_table_info('{TABLE}')"
    else:
        statement = (
            "SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            f"WHERE a.attrelid = '{TABLE}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
    found = driver.cursor().execute(statement).fetchall()
    return [(name, kind) for name, kind in found if name != "entry_id"]
