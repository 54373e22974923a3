"""Both connectors keep the promise of a channel, over real HTTP."""

import socket
from collections.abc import Callable, Iterator

import pytest

from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, Channel, PushRequest, ReadFailed, Rejected, Unknown
from core_sync.channels.shopify_like import ShopifyLike
from simulation.peers.faults import Fault
from tests.core_sync.channels.peers import Peer, a_market, a_shop

Connect = Callable[[str], Channel]


def shop(url: str) -> Channel:
    return ShopifyLike(client(url, answer_s=0.3), "gid://shopify/Location/1")


def market(url: str) -> Channel:
    return AmazonLike(client(url, answer_s=0.3), "SELLER", "MARKET")


SIDES = {"shop": (a_shop, shop), "market": (a_market, market)}
LISTED = {"A/1 ü": 3, "B": 5}


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(side: str) -> Connect:
    return SIDES[side][1]


@pytest.fixture
def peer(side: str) -> Iterator[Peer]:
    with SIDES[side][0](**LISTED) as peer:
        yield peer


def to(sku: str, quantity: int, shown: int | None = None) -> PushRequest:
    return PushRequest(sku, quantity, shown, f"key-{sku}-{quantity}")


def test_read_tells_what_push_set(connect: Connect, peer: Peer) -> None:
    channel = connect(peer.url)
    assert isinstance(channel.push([to("A/1 ü", 9, 3)])[0], Accepted)
    assert channel.read(["A/1 ü", "B", "nothing"]) == {"A/1 ü": 9, "B": 5}


def test_pushing_twice_equals_once(connect: Connect, peer: Peer) -> None:
    channel = connect(peer.url)
    channel.push([to("B", 9, 5)])[0]
    assert isinstance(channel.push([to("B", 9, 5)])[0], Accepted)
    assert channel.read(["B"]) == {"B": 9}


def test_a_listing_the_channel_does_not_have_is_refused_for_good(connect: Connect, peer: Peer) -> None:
    answer = connect(peer.url).push([to("nothing", 1)])[0]
    assert isinstance(answer, Rejected)
    assert not answer.transient


@pytest.mark.parametrize("fault", ["500", "503", "429", "throttled"])
def test_a_busy_channel_may_be_tried_again(connect: Connect, peer: Peer, fault: str) -> None:
    channel = connect(peer.url)
    peer.goes_wrong(fault)
    answer = channel.push([to("B", 9, 5)])[0]
    assert isinstance(answer, Rejected)
    assert answer.transient
    assert isinstance(channel.push([to("B", 9, 5)])[0], Accepted)


def test_the_wait_that_a_channel_asks_for_is_told(connect: Connect, peer: Peer) -> None:
    peer.goes_wrong("429")
    answer = connect(peer.url).push([to("B", 9, 5)])[0]
    assert isinstance(answer, Rejected)
    assert (answer.http_status, (answer.retry_after_s or 0) >= 1) == (429, True)


def test_a_bad_request_is_not_tried_again(connect: Connect, peer: Peer) -> None:
    peer.goes_wrong("400")
    answer = connect(peer.url).push([to("B", 9, 5)])[0]
    assert isinstance(answer, Rejected)
    assert not answer.transient


@pytest.mark.parametrize("fault", ["timeout", "timeout_applied", "cut", "cut_applied"])
def test_an_answer_that_does_not_come_whole_leaves_the_outcome_unknown(
    connect: Connect, peer: Peer, fault: str
) -> None:
    channel = connect(peer.url)
    peer.goes_wrong(fault)
    assert isinstance(channel.push([to("B", 9, 5)])[0], Unknown)
    assert channel.read(["B"]) == {"B": 9 if fault.endswith("applied") else 5}


@pytest.mark.parametrize("fault", ["timeout", "cut", "500"])
def test_a_channel_that_cannot_be_read_says_so(connect: Connect, peer: Peer, fault: str) -> None:
    peer.state.conduct.reads.append(Fault.named(fault))
    with pytest.raises(ReadFailed):
        connect(peer.url).read(["B"])


def test_without_a_connection_nothing_was_sent(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        channel = connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = channel.push([to("B", 9, 5)])[0]
        assert isinstance(answer, Rejected)
        assert (answer.code, answer.transient) == ("NOT_SENT", True)
        with pytest.raises(ReadFailed):
            channel.read(["B"])


def test_a_shop_whose_figure_moved_is_set_from_what_it_shows_now() -> None:
    with a_shop(B=5) as peer:
        assert isinstance(shop(peer.url).push([to("B", 9, 4)])[0], Accepted)
        assert peer.shown["B"] == 9
