"""Set-wise reading and writing at driver level, one way for SQLite and PostgreSQL.

SQLAlchemy's own ``executemany`` of dictionaries costs about half again the CPU of the driver's; the
ledger's hot path therefore speaks to the driver, inside the transaction that SQLAlchemy began.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, LargeBinary, Table
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

Row = tuple[Any, ...]

_KEYS_A_STATEMENT = 128
"""Keys of several columns in one SQLite statement: beyond this, compiling it costs more than it saves."""

_FEW = 20
"""Up to this many rows PostgreSQL is faster with one INSERT than with the start and end of a COPY."""


@dataclass(frozen=True, slots=True)
class Question:
    """One read: the rows of ``statement``, in which ``{keys}`` stands for a relation k(k0, k1, …) of ``keys``.

    Args:
        statement: SQL with ``{keys}`` once, and a ``?`` after it for each of ``bound``.
        types: PostgreSQL types of the key columns; on SQLite every key is bound as it is.
        keys: a sequence of values for each key row; the bare values where there is one column. Sorted keys
            find neighbours in the index, which is about twice as quick.
        bound: further values, for the ``?`` after ``{keys}``.
        bytes_at: which column holds bytes, if one does.
        first: it must have its answer before the others are looked at: a lock.
    """

    statement: str
    types: tuple[str, ...]
    keys: Collection[Any]
    bound: tuple[Any, ...] = ()
    bytes_at: int | None = None
    first: bool = False


class Bulk:
    """Bulk statements on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        dialect = connection.dialect
        self.is_sqlite = dialect.name == "sqlite"
        driver = connection.connection.dbapi_connection
        assert driver is not None
        self.driver: Any = driver
        """The driver's own connection, in the same transaction."""
        self.cursor: Any = self.driver.cursor()
        self._dialect = dialect
        self._error: type[Exception] = dialect.loaded_dbapi.Error

    def ask(self, *questions: Question) -> list[list[Row]]:
        """The rows of each question, in the order given; PostgreSQL is asked all of them in one round trip.

        The columns of a statement have names of their own.
        """
        try:
            if self.is_sqlite:
                return [self._rows_of_sqlite(question) for question in questions]
            return self._rows_of_postgresql(questions)
        except self._error as error:
            raise self._as_sqlalchemy_says(error) from error

    def rows(self, statement: str, types: tuple[str, ...], keys: Collection[Any], *bound: Any) -> list[Row]:
        """The rows of one question; none without keys."""
        return self.ask(Question(statement, types, keys, bound))[0] if keys else []

    def insert(self, table: type[SQLModel], columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Insert ``rows`` in their order: executemany on SQLite, binary COPY on PostgreSQL."""
        if not rows:
            return
        named = ", ".join(columns)
        if self.is_sqlite:
            marks = ", ".join("?" * len(columns))
            self.execute(f"INSERT INTO {table.__tablename__} ({named}) VALUES ({marks})||", table, columns, rows)
            return
        if len(rows) <= _FEW:
            self.execute(
                f"||INSERT INTO {table.__tablename__} ({named}) SELECT {named} FROM {{rows}}", table, columns, rows
            )
            return
        statement = f"COPY {table.__tablename__} ({named}) FROM STDIN (FORMAT BINARY)"
        try:
            with self.cursor.copy(statement) as copy:
                copy.set_types(_types(table, columns))
                write = copy.write_row
                for row in rows:
                    write(row)
        except self._error as error:
            raise self._as_sqlalchemy_says(error) from error

    def execute(self, statement: str, table: type[SQLModel], columns: tuple[str, ...], rows: Sequence[Row]) -> None:
        """Run ``statement`` for each of ``rows``.

        On SQLite the text before ``||`` is used, with a ``?`` for each value; on PostgreSQL the text after it, in
        which the rows are one relation r(column, …) that it reads from through ``{rows}``.
        """
        if not rows:
            return
        for_sqlite, for_postgresql = statement.split("||")
        try:
            if self.is_sqlite:
                self.cursor.executemany(for_sqlite, rows)
                return
            relation = f"{_unnest(tuple(_types(table, columns)))} AS r({', '.join(columns)})"
            # A cursor of its own: in a pipeline the answers come later.
            self.driver.cursor().execute(
                for_postgresql.replace("{rows}", relation),
                [
                    _array(kind, column)
                    for kind, column in zip(_types(table, columns), zip(*rows, strict=True), strict=True)
                ],
            )
        except self._error as error:
            raise self._as_sqlalchemy_says(error) from error

    @contextmanager
    def together(self, rows: int) -> Iterator[None]:
        """Send the block's statements without waiting for each answer, where they write few ``rows``: no COPY."""
        if self.is_sqlite or rows > _FEW:
            yield
            return
        try:
            with self.driver.pipeline():
                yield
        except self._error as error:
            raise self._as_sqlalchemy_says(error) from error

    def _rows_of_sqlite(self, question: Question) -> list[Row]:
        if not question.keys:
            return []
        if len(question.types) == 1:
            statement = _for_sqlite(question.statement, 1, 1)
            self.cursor.execute(statement, (msgspec.json.encode(question.keys).decode(), *question.bound))
            return self.cursor.fetchall()  # type: ignore[no-any-return]  # the drivers' cursors are untyped here
        found: list[Row] = []
        keys, width = list(question.keys), len(question.types)
        for start in range(0, len(keys), _KEYS_A_STATEMENT):
            chunk = keys[start : start + _KEYS_A_STATEMENT]
            # Few shapes of statement, so that SQLite's compiled ones are used again; NULL equals nothing.
            size = 1 << (len(chunk) - 1).bit_length()
            values = [value for key in chunk for value in key] + [None] * (width * (size - len(chunk)))
            self.cursor.execute(_for_sqlite(question.statement, width, size), (*values, *question.bound))
            found += self.cursor.fetchall()
        return found

    def _rows_of_postgresql(self, questions: Sequence[Question]) -> list[list[Row]]:
        asked = [(number, question) for number, question in enumerate(questions) if question.keys]
        answers: list[list[Row]] = [[] for _ in questions]
        few = sum(len(question.keys) for _, question in asked) <= _FEW
        together = [pair for pair in asked if not pair[1].first] if few else []
        alone = [pair for pair in asked if pair[1].first or not few]
        with self.driver.pipeline() if len(alone) + bool(together) > 1 else nullcontext():
            cursors = [(number, self._sent(question)) for number, question in alone]
            joined = self._sent_together(together) if together else None
        for number, cursor in cursors:
            answers[number] = cursor.fetchall()
        for number, row in joined.fetchall() if joined is not None else ():
            answers[number].append(_row_of_json(row, questions[number].bytes_at))
        return answers

    def _sent(self, question: Question) -> Any:
        cursor = self.driver.cursor()
        cursor.execute(_for_postgresql(question.statement, question.types), _parameters(question))
        return cursor

    def _sent_together(self, asked: Sequence[tuple[int, Question]]) -> Any:
        """Few keys cost less than statements: all questions in one, rows as JSON with the question's number."""
        statement = " UNION ALL ".join(
            f"SELECT {number}, row_to_json(t)::text FROM ({_for_postgresql(question.statement, question.types)}) t"
            for number, question in asked
        )
        cursor = self.driver.cursor()
        cursor.execute(statement, [value for _, question in asked for value in _parameters(question)])
        return cursor

    def _as_sqlalchemy_says(self, error: Exception) -> DBAPIError:
        """The driver's error under SQLAlchemy's name, which is what those above us know."""
        # typed as any error at all; of a driver's error it makes one of its own
        return DBAPIError.instance(None, None, error, self._error, dialect=self._dialect)  # type: ignore[return-value]


def _row_of_json(row: str, bytes_at: int | None) -> Row:
    values = list(msgspec.json.decode(row, type=dict[str, Any]).values())
    if bytes_at is not None:
        values[bytes_at] = bytes.fromhex(values[bytes_at][2:])
    return tuple(values)


def _parameters(question: Question) -> list[Any]:
    several = len(question.types) > 1
    columns = zip(*question.keys, strict=True) if several else (question.keys,)
    arrays = (_array(kind, column) for kind, column in zip(question.types, columns, strict=True))
    return [*arrays, *question.bound]


def _array(kind: str, column: Collection[Any]) -> Any:
    """A PostgreSQL array of ``column``: the driver looks at every value of a list, JSON is written at once.

    Between braces JSON is an array's own text (PostgreSQL manual, "Array Input and Output Syntax"), but for bytes,
    for floats that are no number and for what is escaped; of those the driver takes care.
    """
    values = list(column)
    if kind not in ("bytea", "float8") and b"\\" not in (written := msgspec.json.encode(values)):
        return f"{{{written[1:-1].decode()}}}"
    return values


@lru_cache(maxsize=64)
def _for_postgresql(statement: str, types: tuple[str, ...]) -> str:
    names = ", ".join(f"k{n}" for n in range(len(types)))
    return statement.replace("?", "%s").replace("{keys}", f"{_unnest(types)} AS k({names})")


@lru_cache(maxsize=256)
def _for_sqlite(statement: str, width: int, size: int) -> str:
    """One column of keys comes as a JSON array, several as ``size`` rows of values."""
    if width == 1:
        return statement.replace("{keys}", "(SELECT value AS k0 FROM json_each(?)) k")
    row = f"({', '.join('?' * width)})"
    names = ", ".join(f"column{n + 1} AS k{n}" for n in range(width))
    return statement.replace("{keys}", f"(SELECT {names} FROM (VALUES {', '.join([row] * size)})) k")


@lru_cache(maxsize=64)
def _unnest(types: tuple[str, ...]) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in types)})"


@lru_cache(maxsize=64)
def _types(model: type[SQLModel], columns: tuple[str, ...]) -> list[str]:
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
