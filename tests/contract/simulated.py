"""The simulated channels as the contract is run against them: in this process, at many times our speed."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from starlette.applications import Starlette

from core_sync.channels.amazon_inventories import AmazonInventories
from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.budget import Pace
from core_sync.channels.edi_like import EdiLike
from core_sync.channels.http import client
from core_sync.channels.port import Channel
from core_sync.channels.shopify_like import SUBMISSION_S, ShopifyLike
from core_sync.channels.x12 import Address
from simulation.peers.amazon_like import amazon_app
from simulation.peers.clock import PeerClock
from simulation.peers.edi_like import edi_app
from simulation.peers.remote import RemotePeer
from simulation.peers.serve import running
from simulation.peers.shopify_like import shopify_app
from tests.contract.side import LISTED, TOKEN, Side

SPEED = 50.0
"""How much faster than ours the peers' clocks run, and with them our budgets: limits stay what they are, to scale."""

PACE = Pace(lambda: time.monotonic() * SPEED, lambda seconds: time.sleep(seconds / SPEED))
IMPATIENT_S, WITHHELD_S = 0.4, 1.2
_ANSWER_S = 5.0
_PAGE = 2

Connect = Callable[[str, float], Channel]
"""A connector to an endpoint, and how long it waits for an answer."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Kind:
    """A simulated channel and its connector."""

    app: Callable[[PeerClock], Starlette]
    connect: Connect


def _shopify(url: str, answer_s: float) -> Channel:
    http = client(url, {"X-Shopify-Access-Token": TOKEN}, answer_s)
    # What the network takes passes in our time, not in the peer's: a stall of the machine is no slow shop.
    return ShopifyLike(http, "gid://shopify/Location/1", PACE, SUBMISSION_S * SPEED)


def _amazon(*, as_feeds: bool) -> Connect:
    def connect(url: str, answer_s: float) -> Channel:
        http, bare = client(url, {"x-amz-access-token": TOKEN}, answer_s), client(url, None, answer_s)
        return AmazonLike(http, "SELLER", "MARKET", bare, as_feeds=as_feeds, pace=PACE)

    return connect


def _inventories(url: str, answer_s: float) -> Channel:
    return AmazonInventories(client(url, {"x-amz-access-token": TOKEN}, answer_s), "WH1", PACE)


def _edi(url: str, answer_s: float) -> Channel:
    http = client(url, {"X-Mailbox-Token": TOKEN}, answer_s)
    return EdiLike(http, Address("SUPPLIER", "PARTNER"), lambda: next(_numbers), pace=PACE)


SHOPIFY = Kind(lambda clock: shopify_app(LISTED, rate=50, burst=100, page_size=_PAGE, clock=clock), _shopify)
PATCHES = Kind(lambda clock: amazon_app(LISTED, page_size=_PAGE, clock=clock), _amazon(as_feeds=False))
FEEDS = Kind(lambda clock: amazon_app(LISTED, page_size=_PAGE, clock=clock), _amazon(as_feeds=True))
INVENTORIES = Kind(lambda clock: amazon_app(LISTED, clock=clock), _inventories)
EDI = Kind(lambda clock: edi_app(LISTED, clock=clock), _edi)


@contextmanager
def listening(kind: Kind) -> Iterator[RemotePeer]:
    """The peer, up."""
    with running(kind.app(PeerClock(SPEED))) as url, RemotePeer(url) as peer:
        yield peer


def side_of(kind: Kind, peer: RemotePeer) -> Side:
    """New connectors to a peer that is as it was at first."""
    peer.begins_again(LISTED, seconds=100_000)  # its buckets are full by then
    return Side(
        kind.connect(peer.url, _ANSWER_S),
        lambda: kind.connect(peer.url, IMPATIENT_S),
        lambda: kind.connect(f"http://127.0.0.1:{_closed_port()}", _ANSWER_S),
        peer,
        WITHHELD_S,
    )


def _closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
