"""A database that is full, read-only or gone says so, is undamaged, and takes the same batch when it is well again."""

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from core_sync.database.engine import Database
from core_sync.errors import DatabaseUnavailable
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY, a_receipt
from tests.core_sync.ledger.laws import assert_lawful, ends, figures
from tests.databases import SERVER_VARIABLE, administer, database_name
from tests.processes import apart

BATCH = 100
KILOBYTES = 2_000
"""Room on a small disk: the empty tables, and some batches more."""

NOBODY = 65_534


def batch(number: int) -> list[Event]:
    return [a_receipt(1, event_id=f"{number}-{n}", sku=f"SKU-{n}", reason="x" * 200) for n in range(BATCH)]


def ingest_until_refused(database_url: str) -> tuple[int, str]:
    """How many batches went in, and what was said about the next one."""
    ledger = Ledger(Database(database_url))
    for number in count():
        try:
            ledger.apply(batch(number), MONDAY)
        except DatabaseUnavailable as error:
            return number, error.reason
    raise AssertionError("counting never ends")


def assert_resumes(database_url: str, batches: int) -> None:
    """Those that were said to be in are in, and the same batches told again and two more are in once each."""
    database = Database(database_url)
    with database.reading() as connection:
        if database.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert_lawful(connection)
        assert len(ends(connection)) == batches * BATCH
    ledger = Ledger(database)
    for number in range(batches + 2):
        ledger.apply(batch(number), MONDAY)
    ledger.close()
    with database.reading() as connection:
        assert_lawful(connection)
        assert {states[0] for states in figures(connection).values()} == {batches + 2}
    database.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may look into; pytest's own are for its user alone."""
    made = Path(tempfile.mkdtemp(prefix="stocktriage-unavailable-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Callable[[int], None]]:
    """A disk of its own on ``folder``; what is given is called with a new size."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs more rights")
    try:
        yield lambda size: _run("mount", "-o", f"remount,size={size}k", str(folder))
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def test_a_full_disk(sqlite_template: Path, folder: Path) -> None:
    with small_disk(folder, KILOBYTES) as resize:
        url = f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'stock.sqlite')}"
        batches, said = apart(lambda: ingest_until_refused(url))
        assert "full" in said
        resize(10 * KILOBYTES)
        assert_resumes(url, batches)


def test_a_file_that_may_not_grow(sqlite_url: str) -> None:
    def limited() -> tuple[int, str]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (KILOBYTES * 1_000, KILOBYTES * 1_000))
        return ingest_until_refused(sqlite_url)

    batches, said = apart(limited)
    assert said in ("disk I/O error", "database or disk is full")
    assert_resumes(sqlite_url, batches)


@pytest.mark.parametrize("what", ["the file", "its folder"])
def test_what_may_only_be_read(sqlite_template: Path, folder: Path, what: str) -> None:
    file = Path(shutil.copyfile(sqlite_template, folder / "stock.sqlite"))
    (file if what == "the file" else folder).chmod(0o444 if what == "the file" else 0o555)
    if what == "its folder":
        file.chmod(0o666)

    def unprivileged() -> tuple[int, str]:
        if os.geteuid() == 0:
            os.setuid(NOBODY)  # the superuser may write anywhere
        return ingest_until_refused(f"sqlite:///{file}")

    batches, said = apart(unprivileged)
    assert batches == 0
    assert "readonly" in said or "unable to open" in said
    folder.chmod(0o755)
    file.chmod(0o644)
    assert_resumes(f"sqlite:///{file}", 0)


def test_a_server_that_may_only_be_read(postgresql: Database) -> None:
    name = database_name(postgresql.url)
    with postgresql.transaction() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    postgresql.close()
    ledger = Ledger(postgresql)
    with pytest.raises(DatabaseUnavailable, match="read-only"):
        ledger.apply(batch(0), MONDAY)
    with ledger.writing() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
    ledger.close()
    postgresql.close()
    assert_resumes(postgresql.url, 0)


def test_a_server_that_ends_the_connection_takes_the_next_batch(postgresql: Database) -> None:
    ledger = Ledger(postgresql)
    ledger.apply(batch(0), MONDAY)
    with Database(postgresql.url).transaction() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    with pytest.raises(DatabaseUnavailable):
        ledger.apply(batch(1), MONDAY)
    assert ledger.apply(batch(1), MONDAY).accepted == BATCH
    ledger.close()
    assert_resumes(postgresql.url, 2)


def test_a_full_disk_of_the_server(postgresql: Database, folder: Path) -> None:
    if SERVER_VARIABLE in os.environ:
        pytest.skip("the server may be on another machine")
    name = database_name(postgresql.url)
    server = make_url(postgresql.url).set(database="postgres").render_as_string(hide_password=False)
    with postgresql.reading() as connection:
        kilobytes = connection.execute(text("SELECT pg_database_size(current_database()) / 1000")).scalar_one()
    postgresql.close()
    with small_disk(folder, kilobytes + KILOBYTES) as resize:
        shutil.chown(folder, NOBODY)
        administer(server, f"CREATE TABLESPACE small LOCATION '{folder}'")
        administer(server, f"ALTER DATABASE {name} SET TABLESPACE small")
        batches, said = apart(lambda: ingest_until_refused(postgresql.url))
        assert "No space left on device" in said
        resize(kilobytes + 20 * KILOBYTES)
        assert_resumes(postgresql.url, batches)
        administer(server, f"ALTER DATABASE {name} SET TABLESPACE pg_default")
        administer(server, "DROP TABLESPACE small")
