"""A service of its own for each test: a database with every room's tables, a clock that stands still, a client."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from api.app import create_app
from api.wiring import World, build_world
from core_sync.settings import Settings, read_settings
from tests.core_sync.stocked import Clock, a_channel, a_location, a_sku, happened, movement


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path, database_url=sqlite_url)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    world = build_world(settings, Clock())
    yield world
    world.close()


@pytest.fixture
def client(world: World) -> TestClient:
    """A client on loopback, as a browser or a script on the same machine is."""
    return TestClient(create_app(world), base_url="http://127.0.0.1:8765", follow_redirects=False)


@pytest.fixture
def stocked(world: World) -> World:
    """A world that knows MUG and PLATE, the warehouse LEEDS, and a shop."""
    a_sku(world.database, "MUG", "PLATE")
    a_location(world.database, "LEEDS")
    a_channel(world.database, "shop", mode="shadow")
    return world


@pytest.fixture
def scarce(stocked: World) -> World:
    """A few mugs left after two weeks of sales, of which the shop sells many."""
    now = stocked.clock()
    movements = [movement("receipt", "MUG", 1_000, now - timedelta(days=20), location="LEEDS")]
    for day in range(1, 15):
        for hour in range(4):
            at = now - timedelta(days=day, hours=hour)
            movements.append(movement("ship", "MUG", 6 + hour, at, location="LEEDS"))
            movements.append(movement("ship", "MUG", 8, at, location="LEEDS", channel="shop"))
    happened(stocked.database, movements)
    with stocked.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET oversell_penalty = 0"))
    return stocked


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def stocktriage(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Run one command of the command line on the test's own database."""
    from api.cli.main import main

    monkeypatch.setenv("STOCKTRIAGE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("STOCKTRIAGE_HOME", str(tmp_path))

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["stocktriage", *(str(argument) for argument in arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run
