"""Engines and transactions, alike on SQLite and PostgreSQL.

SQLite runs in WAL mode with synchronous FULL, and every transaction begins IMMEDIATE: a transaction
that reads first and writes later would otherwise fail with "database is locked" beyond any time-out.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from core_sync.errors import DatabaseUnavailable, WritersCollided

_SQLITE_BUSY_MILLISECONDS = 60_000

_COLLISIONS = frozenset({"40001", "40P01"})
"""PostgreSQL's codes of a serialisation failure and of a deadlock."""

_BY_KEYS = (
    "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; "
    "SET plan_cache_mode = force_generic_plan"
)
"""Few keys against a large table, always: PostgreSQL would rather read a table of 100,000 rows whole, for 2,000 keys,
or a table of 100 rows once for each of 8,000, and think about it anew each time."""

_COLLISIONS_MAX = 10
"""Times that a transaction is tried which another one was in the way of."""

_READ_ONLY = "25006"
"""PostgreSQL's code of a write in a transaction that may only read, which it calls an internal error."""


T = TypeVar("T")


@dataclass(frozen=True)
class Database:
    """One database for stock, by its SQLAlchemy URL (``sqlite:///…`` or ``postgresql+psycopg://…``)."""

    url: str
    _kept: "WeakSet[Connection]" = field(default_factory=WeakSet, init=False, compare=False, repr=False)

    @cached_property
    def engine(self) -> Engine:
        """The engine; connecting is put off until the first use."""
        if self.is_sqlite:
            return _sqlite_engine(self.url)
        # Whatever the server's default: who waited for a partition must see what its holder wrote.
        return create_engine(self.url, pool_pre_ping=True, isolation_level="READ COMMITTED")

    @property
    def is_sqlite(self) -> bool:
        """True on the embedded database."""
        return make_url(self.url).get_backend_name() == "sqlite"

    @property
    def shown_url(self) -> str:
        """The URL with its password hidden."""
        return make_url(self.url).render_as_string(hide_password=True)

    def connect(self) -> Connection:
        """A connection to keep, for who writes again and again; ``transaction`` takes it.

        Raises:
            DatabaseUnavailable: the database cannot be reached.
        """
        try:
            kept = self.engine.connect()
            if not self.is_sqlite:
                kept.detach()  # never back into the pool: its settings suit who asks by keys alone
                with kept.begin():
                    kept.exec_driver_sql(_BY_KEYS)
        except OperationalError as error:
            raise DatabaseUnavailable(self.shown_url, str(error.orig)) from error
        self._kept.add(kept)
        return kept

    @contextmanager
    def transaction(self, kept: Connection | None = None) -> Iterator[Connection]:
        """A transaction that commits when the block ends and rolls back when it raises.

        Args:
            kept: a connection of ``connect`` to use, instead of one for this transaction alone.

        Raises:
            DatabaseUnavailable: the database cannot be reached, is full or is read-only.
            WritersCollided: the database ended it in favour of another transaction; the same may be tried again.
        """
        try:
            if kept is None:
                with self.engine.begin() as connection:
                    yield connection
            else:
                with kept.begin():
                    yield kept
        except (OperationalError, InternalError) as error:
            sqlstate = getattr(error.orig, "sqlstate", None)
            if sqlstate in _COLLISIONS:
                raise WritersCollided(str(error.orig)) from error
            if isinstance(error, InternalError) and sqlstate != _READ_ONLY:
                raise
            raise DatabaseUnavailable(self.shown_url, str(error.orig)) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` makes of a transaction; it runs anew where another transaction was in its way.

        Raises:
            DatabaseUnavailable: the database cannot be reached, is full or is read-only.
            WritersCollided: others were in the way every time; nothing was written.
        """
        return again_after_collisions(lambda: self._write_once(work))

    def _write_once(self, work: Callable[[Connection], T]) -> T:
        with self.transaction() as connection:
            return work(connection)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session in one transaction: commits when the block ends, rolls back when it raises."""
        with self.transaction() as connection, Session(bind=connection, expire_on_commit=False) as session:
            yield session
            session.flush()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading one consistent state; it takes no write lock."""
        # PostgreSQL would otherwise show each statement a newer state than the one before it saw.
        one_state = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        try:
            with self.engine.connect().execution_options(read_only=True, **one_state) as connection:
                yield connection
        except OperationalError as error:
            raise DatabaseUnavailable(self.shown_url, str(error.orig)) from error

    def close(self) -> None:
        """Give back every connection, those that somebody keeps too."""
        for kept in list(self._kept):
            kept.close()
        self._kept.clear()
        self.engine.dispose()


def again_after_collisions(write: Callable[[], T], collisions: tuple[type[Exception], ...] = (WritersCollided,)) -> T:
    """What ``write`` returns, which is called anew after each of ``collisions``, until they are too many to be chance.

    Raises:
        WritersCollided: or another of ``collisions``, at the last attempt.
    """
    for _ in range(_COLLISIONS_MAX - 1):
        try:
            return write()
        except collisions:
            continue
    return write()


def _sqlite_engine(url: str) -> Engine:
    file = make_url(url).database
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _SQLITE_BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin event below says how a transaction starts
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "recursive_triggers=ON",  # else INSERT OR REPLACE would pass by the triggers of append-only tables
            f"busy_timeout={_SQLITE_BUSY_MILLISECONDS}",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reads_only = connection.get_execution_options().get("read_only", False)
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.execute("BEGIN" if reads_only else "BEGIN IMMEDIATE")  # SQLAlchemy's own execution costs ten times this

    return engine
