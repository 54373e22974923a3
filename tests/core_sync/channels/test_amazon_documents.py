"""Documents of feeds go only where they may go, and never with the seller's token."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, Finished, PushRequest, Rejected, Unknown
from simulation.peers.serve import running


class Store:
    """A marketplace whose documents lie elsewhere; what was asked of whom, with which token."""

    def __init__(self) -> None:
        self.where = ""
        self.status = "DONE"
        self.asked: list[tuple[str, str | None]] = []

    def app(self) -> Starlette:
        async def answer(request: Request) -> Response:
            self.asked.append((f"{request.method} {request.url.path}", request.headers.get("x-amz-access-token")))
            match request.method, request.url.path:
                case "POST", "/feeds/2021-06-30/documents":
                    return JSONResponse({"feedDocumentId": "d-1", "url": f"{self.where}/put?signature=x"}, 201)
                case "POST", "/feeds/2021-06-30/feeds":
                    return JSONResponse({"feedId": "f-1"}, 202)
                case "GET", "/feeds/2021-06-30/feeds/f-1":
                    return JSONResponse({"processingStatus": self.status})
                case _:
                    return Response()

        return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT"])])


@pytest.fixture
def store() -> Iterator[tuple[Store, str]]:
    store = Store()
    with running(store.app()) as url:
        yield store, url


def connector(url: str, *hosts: str) -> AmazonLike:
    http: httpx.Client = client(url, {"x-amz-access-token": "t"})
    return AmazonLike(http, "S", "M", client(url), document_hosts=hosts, as_feeds=True)


REQUEST = PushRequest("MUG", 3, None, "k")


def test_a_host_that_nobody_named_is_not_gone_to(store: tuple[Store, str]) -> None:
    peer, url = store
    peer.where = url.replace("127.0.0.1", "localhost")
    [answer] = connector(url).push([REQUEST])
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.transient) == ("FOREIGN_DOCUMENT_HOST", False)
    assert "localhost" in answer.reason
    assert [path for path, _ in peer.asked] == ["POST /feeds/2021-06-30/documents"]


def test_a_host_that_was_named_is_gone_to_without_the_token(store: tuple[Store, str]) -> None:
    peer, url = store
    peer.where = url.replace("127.0.0.1", "localhost")
    [answer] = connector(url, "localhost").push([REQUEST])
    assert isinstance(answer, Accepted)
    assert [token for _, token in peer.asked] == ["t", None, "t"]


@pytest.mark.parametrize(("status", "expected"), [("CANCELLED", Rejected), ("FATAL", Unknown), ("DONE", Accepted)])
def test_a_feed_that_ends_says_what_that_means(store: tuple[Store, str], status: str, expected: type) -> None:
    peer, url = store
    peer.status = status
    progress = connector(url).follow(["f-1"])["f-1"]
    assert isinstance(progress, Finished)
    assert isinstance(progress.answer("MUG"), expected)


def test_a_feed_that_ended_is_not_asked_for_again(store: tuple[Store, str]) -> None:
    peer, url = store
    channel = connector(url)
    assert channel.follow(["f-1"]) == channel.follow(["f-1"])
    assert len(peer.asked) == 1
