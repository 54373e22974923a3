"""Set-wise reading and writing at driver level, one way for SQLite and PostgreSQL.

SQLAlchemy's own ``executemany`` of dictionaries costs about half again the CPU of the driver's; the
ledger's hot path therefore speaks to the driver, inside the transaction that SQLAlchemy began.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, LargeBinary, Table
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

Row = tuple[Any, ...]


class Bulk:
    """Bulk statements on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self.is_sqlite = connection.dialect.name == "sqlite"
        self._connection = connection

    @cached_property
    def cursor(self) -> Any:
        """The driver's own cursor, in the same transaction."""
        driver = self._connection.connection.driver_connection
        assert driver is not None
        return driver.cursor()

    def rows(self, statement: str, types: Sequence[str], keys: Iterable[Sequence[Any]], *bound: Any) -> list[Row]:
        """The rows of ``statement``, in which ``{keys}`` stands for a relation k(k0, k1, …) of ``keys``.

        Args:
            statement: SQL with ``{keys}`` once and ``?`` for each of ``bound``, before or after it.
            types: PostgreSQL types of the key columns; on SQLite every key is bound as it is.
            keys: one sequence of values for each key row.
            bound: further values, for the ``?`` after ``{keys}``.
        """
        key_rows = list(keys)
        if not key_rows:
            return []
        if self.is_sqlite:
            shown = ", ".join(f"json_extract(value, '$[{n}]') AS k{n}" for n in range(len(types)))
            relation = f"(SELECT {shown} FROM json_each(?)) k"
            values: list[Any] = [json.dumps(key_rows, ensure_ascii=False)]
        else:
            arrays = ", ".join(f"%s::{kind}[]" for kind in types)
            names = ", ".join(f"k{n}" for n in range(len(types)))
            relation = f"unnest({arrays}) AS k({names})"
            values = [list(column) for column in zip(*key_rows, strict=True)]
            statement = statement.replace("?", "%s")
        with self._as_sqlalchemy_says():
            self.cursor.execute(statement.replace("{keys}", relation), [*values, *bound])
            return self.cursor.fetchall()  # type: ignore[no-any-return]  # the drivers' cursors are untyped here

    def insert(self, table: type[SQLModel], columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert ``rows``: executemany on SQLite, binary COPY on PostgreSQL."""
        if not rows:
            return
        named = ", ".join(columns)
        if self.is_sqlite:
            marks = ", ".join("?" * len(columns))
            with self._as_sqlalchemy_says():
                self.cursor.executemany(f"INSERT INTO {table.__tablename__} ({named}) VALUES ({marks})", rows)
            return
        with (
            self._as_sqlalchemy_says(),
            self.cursor.copy(f"COPY {table.__tablename__} ({named}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(_types(table, columns))
            for row in rows:
                copy.write_row(row)

    def execute(self, statement: str, table: type[SQLModel], columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Run ``statement`` for each of ``rows``, whose values are named ``:column`` in it.

        On PostgreSQL the rows become one relation r(column, …) that the statement reads from through
        ``{rows}``; on SQLite the text before ``||`` is used, on PostgreSQL the text after it.
        """
        if not rows:
            return
        for_sqlite, for_postgresql = statement.split("||")
        if self.is_sqlite:
            with self._as_sqlalchemy_says():
                self.cursor.executemany(for_sqlite, rows)
            return
        arrays = ", ".join(f"%s::{kind}[]" for kind in _types(table, columns))
        relation = f"unnest({arrays}) AS r({', '.join(columns)})"
        with self._as_sqlalchemy_says():
            self.cursor.execute(
                for_postgresql.replace("{rows}", relation), [list(column) for column in zip(*rows, strict=True)]
            )

    @contextmanager
    def _as_sqlalchemy_says(self) -> Iterator[None]:
        """The driver's errors under SQLAlchemy's names, which is what those above us know."""
        driver = self._connection.dialect.loaded_dbapi
        try:
            yield
        except driver.Error as error:
            raise DBAPIError.instance(None, None, error, driver.Error, dialect=self._connection.dialect) from error


def _types(model: type[SQLModel], columns: Sequence[str]) -> list[str]:
    """PostgreSQL's names for the types of ``columns``."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table models
    return [_type(table.c[column].type) for column in columns]


def _type(kind: Any) -> str:
    for shape, name in (
        (BigInteger, "int8"),
        (Integer, "int4"),
        (Boolean, "bool"),
        (Float, "float8"),
        (LargeBinary, "bytea"),
    ):
        if isinstance(kind, shape):
            return name
    return "text"
