"""The contract of a channel, kept by each of the simulated ones and the connector to it."""

from collections.abc import Iterator

import pytest

from simulation.peers.remote import RemotePeer
from tests.contract.channel_contract import ChannelContract
from tests.contract.comparing_contract import ComparingContract
from tests.contract.receipt_contract import ReceiptContract
from tests.contract.side import Side
from tests.contract.simulated import EDI, FEEDS, INVENTORIES, PATCHES, SHOPIFY, Kind, listening, side_of


class Simulated:
    """A peer for each class, new connectors for each test."""

    kind: Kind

    @pytest.fixture(scope="class")
    @classmethod
    def peer(cls) -> Iterator[RemotePeer]:
        with listening(cls.kind) as peer:
            yield peer

    @pytest.fixture
    def side(self, peer: RemotePeer) -> Side:
        return side_of(self.kind, peer)


class TestShopifyLike(Simulated, ChannelContract, ComparingContract):
    kind = SHOPIFY


class TestAmazonLikeByPatches(Simulated, ChannelContract):
    kind = PATCHES


class TestAmazonLikeByFeeds(Simulated, ChannelContract, ReceiptContract):
    kind = FEEDS


class TestAmazonLikeByInventories(Simulated, ChannelContract):
    kind = INVENTORIES


class TestEdiLike(Simulated, ChannelContract, ReceiptContract):
    kind = EDI
