"""The tests' own PostgreSQL is real, durable, reachable from this machine only, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from tests.databases import SERVER_VARIABLE, PostgresqlUnavailable, fresh_database, postgresql_server

CHECKOUT = Path(__file__).parents[2]

USE_AND_WAIT = """
import time
from tests.databases import temporary_postgresql
with temporary_postgresql() as url:
    print(url, flush=True)
    time.sleep(600)
"""


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def test_it_keeps_what_it_confirms(postgresql_url: str) -> None:
    with _connected(postgresql_url) as connection:
        assert connection.execute(text("SHOW fsync")).scalar_one() == "on"
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"


def test_a_server_started_for_tests_listens_on_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    with postgresql_server() as url, _connected(url) as connection:
        assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""


def test_each_database_is_empty_of_what_another_holds_and_gone_afterwards(postgresql_url: str) -> None:
    with fresh_database(postgresql_url) as one, fresh_database(postgresql_url) as other:
        with _connected(one) as connection:
            connection.execute(text("CREATE TABLE stock (sku TEXT)"))
            connection.commit()
        with _connected(other) as connection:
            assert connection.execute(text("SELECT to_regclass('stock')")).scalar_one() is None
    with pytest.raises(OperationalError, match="does not exist"), _connected(one):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_no_server_and_no_files(how: signal.Signals) -> None:
    variables = {name: value for name, value in os.environ.items() if name != SERVER_VARIABLE}
    with subprocess.Popen(
        [sys.executable, "-c", USE_AND_WAIT],
        cwd=CHECKOUT, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        directory = Path(str(make_url(program.stdout.readline().strip()).query["host"]))
        server = int((directory / "data" / "postmaster.pid").read_text().splitlines()[0])
        program.send_signal(how)
    give_up_at = time.monotonic() + 20
    while (directory.exists() or _runs(server)) and time.monotonic() < give_up_at:
        time.sleep(0.1)
    assert not directory.exists()
    assert not _runs(server)


def test_a_server_out_of_reach_is_told_as_unavailable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, f"postgresql://postgres@/postgres?host={tmp_path}")
    with (
        pytest.raises(PostgresqlUnavailable, match="No such file"),
        postgresql_server() as url,
        fresh_database(url),
    ):
        pass


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
