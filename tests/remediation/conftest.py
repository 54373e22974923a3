"""A database with both rooms' tables, and a world around it, for each test."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from core_sync.channels.connect import Connections
from core_sync.database.engine import Database
from remediation.runs.inline import InlineRunner
from remediation.warehouses import ConfiguredWarehouses
from remediation.world import World
from tests.core_sync.channels.peers import IMPATIENT_S, Peer, a_market, a_shop, a_warehouse
from tests.core_sync.stocked import Clock, a_channel, a_location, a_sku


@dataclass
class Trade:
    """A shop, a marketplace and a warehouse system, each over real HTTP on loopback.

    ``impatient`` are connectors that miss an answer which is withheld; those of ``world`` wait for any that comes,
    however busy the machine is.
    """

    database: Database
    clock: Clock
    world: World
    shop: Peer
    market: Peer
    wms: Peer
    impatient: Connections


@pytest.fixture
def trade(database: Database) -> Iterator[Trade]:
    clock = Clock()
    with a_shop(MUG=0) as shop, a_market(MUG=0) as market, a_warehouse() as wms:
        a_sku(database, "MUG", "MUG-BLUE", "PLATE")
        a_location(database, "WH", endpoint=wms.url)
        a_channel(database, "shop", endpoint=shop.url)
        a_channel(database, "market", kind="amazon", endpoint=market.url)
        channels, warehouses = Connections(database), ConfiguredWarehouses(database)
        impatient = Connections(database, answer_s=IMPATIENT_S)
        world = World(database, channels, warehouses, clock, InlineRunner())
        yield Trade(database, clock, world, shop, market, wms, impatient)
        for one in (channels, impatient, warehouses):
            one.close()
