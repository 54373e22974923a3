"""Throw-away databases on a real disk: one is prepared, every pair of a comparison starts from copies of it."""

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from sqlalchemy import make_url, text

from api.wiring import ROOMS
from benchmarks.rig.movements import ALIAS_EVERY, CASE, LOCATIONS, SKUS, START, sku_name
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.intake.load import load_files
from core_sync.ledger.events import Event
from core_sync.ledger.history import disagreements
from core_sync.ledger.ledger import Ledger
from tests.databases import database_name, fresh_database, postgresql_server

DISK = Path(os.environ.get("STOCKTRIAGE_BENCH_FOLDER", "/var/tmp"))  # noqa: S108 - /tmp may lie in memory
BATCH = 10_000


@dataclass(frozen=True)
class Ground:
    """A prepared database that can be copied as often as needed."""

    name: str
    prepared_url: str
    _server_url: str | None = None

    @contextmanager
    def copy(self) -> Iterator[Database]:
        """A database of its own that starts as the prepared one; gone when the block ends."""
        if self._server_url is None:
            path = _path(self.prepared_url)
            own = path.with_name(f"{uuid4().hex[:12]}.db")
            shutil.copyfile(path, own)
            os.sync()  # the copy's own writing out must not fall into what is measured
            with closing(Database(f"sqlite:///{own}")) as database:
                yield database
            for left in own.parent.glob(f"{own.name}*"):
                left.unlink()
            return
        with (
            fresh_database(self._server_url, database_name(self.prepared_url)) as url,
            closing(Database(url)) as database,
        ):
            yield database


@contextmanager
def sqlite_ground(history: Sequence[Event]) -> Iterator[Ground]:
    """Tables, master data and ``history`` in one file on disk."""
    with TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK) as folder:
        url = f"sqlite:///{folder}/prepared.db"
        _prepare(url, Path(folder), history)
        yield Ground("sqlite", url)


@contextmanager
def postgresql_ground(history: Sequence[Event]) -> Iterator[Ground]:
    """Tables, master data and ``history`` on a server whose files are on disk, with fsync and synchronous commit."""
    with (
        TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK) as folder,
        postgresql_server(in_memory=False) as server_url,
        fresh_database(server_url) as url,
    ):
        _prepare(url, Path(folder), history)
        with closing(Database(url)) as database, database.reading() as connection:
            for setting in ("fsync", "synchronous_commit"):
                value = connection.execute(text(f"SHOW {setting}")).scalar_one()
                assert value == "on", f"{setting} is {value}: such a commit promises less than ours"
        yield Ground("postgresql", url, server_url)


def proven(database: Database) -> None:
    """Fail unless replaying the ledger gives the positions."""
    with database.reading() as connection:
        found = disagreements(connection)
    assert not found, f"replay and positions disagree: {found[:3]}"


def _prepare(url: str, folder: Path, history: Sequence[Event]) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database(url)))
        upgrade(database, *ROOMS[1:])
        ledger = stack.enter_context(closing(Ledger(database)))
        for table, header, rows in _master_data():
            path = folder / f"{table}.csv"
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows])
            loaded = load_files(ledger, table, [path], START)
            assert not loaded.rejected, loaded.named[:3]
        for begin in range(0, len(history), BATCH):
            ledger.apply(history[begin : begin + BATCH], START)
        proven(database)
        settle(database)


def settle(database: Database) -> None:
    """Statistics as a database in use has them; nothing left to be written out later."""
    with database.engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        if database.is_sqlite:
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE")
        driver.autocommit = False


def _master_data() -> list[tuple[str, list[str], list[list[object]]]]:
    names = [sku_name(number) for number in range(SKUS)]
    return [
        ("skus", ["sku", "base_uom"], [[name, "EA"] for name in names]),
        ("uom", ["sku", "uom", "factor"], [[name, "CASE", CASE] for name in names]),
        (
            "aliases",
            ["system", "external_sku", "sku"],
            [["shop", f"shop-{name}", name] for name in names[::ALIAS_EVERY]],
        ),
        ("locations", ["location", "stock_control"], [[name, "strict"] for name in LOCATIONS]),
    ]


def _path(url: str) -> Path:
    name = make_url(url).database
    assert name is not None
    return Path(name)
