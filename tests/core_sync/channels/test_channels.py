"""Both connectors keep the promise of a channel, over real HTTP."""

import socket
from collections.abc import Callable, Iterator

import pytest

from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, Channel, PushRequest, ReadFailed, Rejected, Unknown
from core_sync.channels.shopify_like import ShopifyLike
from tests.core_sync.channels.peers import Peer, running

Connect = Callable[[str], Channel]


def shop(url: str) -> Channel:
    return ShopifyLike(client(url, answer_s=0.3), "gid://shopify/Location/1")


def market(url: str) -> Channel:
    return AmazonLike(client(url, answer_s=0.3), "SELLER", "MARKET")


@pytest.fixture(params=[shop, market])
def connect(request: pytest.FixtureRequest) -> Connect:
    return request.param  # type: ignore[no-any-return]  # pytest does not type parameters


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running(Peer(shown={"A/1 ü": 3, "B": 5})) as peer:
        yield peer


def to(sku: str, quantity: int, shown: int | None = None) -> PushRequest:
    return PushRequest(sku, quantity, shown, f"key-{sku}-{quantity}")


def test_read_tells_what_push_set(connect: Connect, peer: Peer) -> None:
    channel = connect(peer.url)
    assert isinstance(channel.push(to("A/1 ü", 9, 3)), Accepted)
    assert channel.read(["A/1 ü", "B", "nothing"]) == {"A/1 ü": 9, "B": 5}


def test_pushing_twice_equals_once(connect: Connect, peer: Peer) -> None:
    channel = connect(peer.url)
    channel.push(to("B", 9, 5))
    assert isinstance(channel.push(to("B", 9, 5)), Accepted)
    assert channel.read(["B"]) == {"B": 9}


def test_a_listing_the_channel_does_not_have_is_refused_for_good(connect: Connect, peer: Peer) -> None:
    answer = connect(peer.url).push(to("nothing", 1))
    assert isinstance(answer, Rejected)
    assert not answer.transient


@pytest.mark.parametrize(("fault", "status"), [("503", 503), ("429", 429)])
def test_a_busy_channel_may_be_tried_again(connect: Connect, peer: Peer, fault: str, status: int) -> None:
    peer.faults.append(fault)
    answer = connect(peer.url).push(to("B", 9, 5))
    assert isinstance(answer, Rejected)
    assert (answer.transient, answer.http_status, answer.retry_after_s) == (True, status, 7.0)


def test_a_bad_request_is_not_tried_again(connect: Connect, peer: Peer) -> None:
    peer.faults.append("400")
    answer = connect(peer.url).push(to("B", 9, 5))
    assert isinstance(answer, Rejected)
    assert not answer.transient


def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(connect: Connect, peer: Peer) -> None:
    peer.faults.append("timeout")
    assert isinstance(connect(peer.url).push(to("B", 9, 5)), Unknown)


def test_without_a_connection_nothing_was_sent(connect: Connect) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        channel = connect(f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = channel.push(to("B", 9, 5))
        assert isinstance(answer, Rejected)
        assert (answer.code, answer.transient) == ("NOT_SENT", True)
        with pytest.raises(ReadFailed):
            channel.read(["B"])


def test_a_shop_whose_figure_moved_is_set_from_what_it_shows_now(peer: Peer) -> None:
    assert isinstance(shop(peer.url).push(to("B", 9, 4)), Accepted)
    assert peer.shown["B"] == 9
