"""A channel's row gives its connector; control numbers are given out once, whoever asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from core_sync.channels.amazon_inventories import AmazonInventories
from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.connect import Connections
from core_sync.channels.control_numbers import next_control_number
from core_sync.channels.edi_like import EdiLike
from core_sync.channels.port import Accepted, PushRequest
from core_sync.channels.shopify_like import ShopifyLike
from core_sync.channels.x12 import CONTROL_NUMBER_MAX
from core_sync.database.engine import Database
from simulation.peers.edi_like import edi_app
from simulation.peers.serve import running


def a_channel(database: Database, name: str, kind: str, attributes: str) -> None:
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO channel (channel, kind, priority, mode, attributes) VALUES (:n, :k, 1, 'live', :a)"),
            {"n": name, "k": kind, "a": attributes},
        )


@pytest.fixture
def database(sqlite_url: str) -> Database:
    return Database(sqlite_url)


@pytest.mark.parametrize(
    ("kind", "attributes", "connector"),
    [
        ("shopify", "", ShopifyLike),
        ("amazon", "", AmazonLike),
        ("amazon_us", "", AmazonLike),
        ("amazon", ', "fulfillment_location": "WH1"', AmazonInventories),
        ("edi", ', "sender": "01:123456789", "receiver": "PARTNER"', EdiLike),
    ],
)
def test_the_kind_of_a_channel_gives_its_connector(
    database: Database, kind: str, attributes: str, connector: type
) -> None:
    a_channel(database, "here", kind, '{"endpoint": "http://127.0.0.1:1"' + attributes + "}")
    connections = Connections(database)
    channel = connections.get("here")
    assert isinstance(channel, connector)
    assert connections.get("here") is channel
    connections.close()


def test_without_an_endpoint_or_of_another_kind_there_is_none(database: Database) -> None:
    a_channel(database, "nowhere", "shopify", "{}")
    a_channel(database, "bazaar", "bazaar", '{"endpoint": "http://127.0.0.1:1"}')
    connections = Connections(database)
    assert [connections.get(name) for name in ("nowhere", "bazaar", "unheard")] == [None, None, None]


def test_a_channel_that_moved_gets_a_new_connector(database: Database) -> None:
    a_channel(database, "here", "shopify", '{"endpoint": "http://127.0.0.1:1"}')
    connections = Connections(database)
    before = connections.get("here")
    with database.transaction() as connection:
        connection.execute(text('UPDATE channel SET attributes = \'{"endpoint": "http://127.0.0.1:2"}\''))
    assert connections.get("here") is not before


def test_a_control_number_is_given_out_once(database_url: str) -> None:
    database = Database(database_url)
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _: next_control_number(database, "edi"), range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert next_control_number(database, "other") == 1
    with database.transaction() as connection:
        connection.execute(text("UPDATE interchange_number SET last_number = :most"), {"most": CONTROL_NUMBER_MAX})
    assert next_control_number(database, "edi") == 1
    database.close()


def test_an_edi_channel_numbers_its_interchanges_from_the_database(database: Database) -> None:
    app = edi_app({"MUG": 5})
    with running(app) as url:
        a_channel(database, "edi", "edi", '{"endpoint": "' + url + '"}')
        for quantity in (1, 2):
            channel = Connections(database).get("edi")
            assert channel is not None
            [answer] = channel.push([PushRequest("MUG", quantity, None, f"k{quantity}")])
            assert isinstance(answer, Accepted)
    assert [write.key for write in app.state.peer.conduct.log] == ["000000001", "000000002"]
