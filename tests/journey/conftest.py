"""A service whose shop is a simulated peer over HTTP on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.wiring import World, build_world
from core_sync.settings import read_settings
from tests.core_sync.channels.peers import Peer, a_shop
from tests.core_sync.stocked import Clock, a_channel, a_location, a_sku


@dataclass
class Service:
    """The doors of one service, its clock, and the shop it publishes to."""

    world: World
    clock: Clock
    client: TestClient
    shop: Peer


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    clock = Clock()
    with a_shop(MUG=0) as shop:
        world = build_world(read_settings(home=tmp_path, database_url=sqlite_url), clock)
        a_sku(world.database, "MUG")
        a_location(world.database, "LEEDS")
        a_channel(world.database, "shop", endpoint=shop.url)
        client = TestClient(create_app(world), base_url="http://127.0.0.1:8765", follow_redirects=False)
        yield Service(world, clock, client, shop)
        world.close()
