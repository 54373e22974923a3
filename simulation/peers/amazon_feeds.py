"""Feeds of a simulated marketplace: uploaded, queued, and through when their time has come.

Shapes are those of the Feeds API of 2021-06-30 with feed type ``JSON_LISTINGS_FEED``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulation.peers.amazon_market import SUBMISSION, Marketplace, wanted_quantity
from simulation.peers.faults import Fault, FaultKind

_FEEDS = "/feeds/2021-06-30"
FEED_TYPE = "JSON_LISTINGS_FEED"


@dataclass
class Feed:
    """``messages`` are worked on when the peer's clock comes to ``done_s``; None never comes."""

    feed_id: str
    created_s: float
    done_s: float | None
    messages: list[dict[str, Any]]
    fault: Fault | None
    submission: str
    result_document: str | None = None
    issues: list[dict[str, Any]] = field(default_factory=list)

    @property
    def fatal(self) -> bool:
        """Whether it ends with nothing done."""
        return self.fault is not None and self.fault.kind is FaultKind.REFUSED_LATER


def feed_routes(market: Marketplace) -> list[Route]:
    """The doors of the Feeds API, and of the store to which documents are uploaded."""
    doors: tuple[tuple[str, str, Callable[[Marketplace, Request], Any]], ...] = (
        (f"{_FEEDS}/documents", "POST", _create_document),
        (f"{_FEEDS}/documents/{{document}}", "GET", _get_document),
        (f"{_FEEDS}/feeds", "POST", _create_feed),
        (f"{_FEEDS}/feeds/{{feed}}", "GET", _get_feed),
        ("/documents/{document}", "PUT", _upload),
        ("/documents/{document}", "GET", _download),
    )

    def door(act: Callable[[Marketplace, Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            response: Response = await act(market, request)
            return response

        return answer

    return [Route(path, door(act), methods=[method]) for path, method, act in doors]


async def _asked(market: Marketplace, operation: str, good: Callable[[], Response]) -> Response:
    """An answer to a request that changes nothing that is shown."""
    fault = await market.conduct.meet("reads")
    if (fault is None or not fault.does_nothing) and not market.may(operation):
        return market.quota_exceeded(operation)
    return await market.conduct.answer(fault, good, lambda fault: market.refuse(operation, fault))


async def _create_document(market: Marketplace, request: Request) -> Response:
    def created() -> Response:
        document = f"document-{len(market.documents) + 1}"
        market.documents[document] = None
        url = f"{request.base_url}documents/{document}?signature=presigned"
        return market.answer("createFeedDocument", {"feedDocumentId": document, "url": url}, 201)

    return await _asked(market, "createFeedDocument", created)


async def _get_document(market: Marketplace, request: Request) -> Response:
    document = str(request.path_params["document"])

    def told() -> Response:
        if document not in market.documents:
            return market.error("getFeedDocument", 404, "There is no such document.")
        url = f"{request.base_url}documents/{document}?signature=presigned"
        return market.answer("getFeedDocument", {"feedDocumentId": document, "url": url})

    return await _asked(market, "getFeedDocument", told)


async def _upload(market: Marketplace, request: Request) -> Response:
    """The store takes what it is given; a presigned address wants no token, and refuses one."""
    document = str(request.path_params["document"])
    if document not in market.documents or "x-amz-access-token" in request.headers:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, {"content-type": "application/xml"})
    market.documents[document] = await request.body()
    return Response(status_code=200)


async def _download(market: Marketplace, request: Request) -> Response:
    content = market.documents.get(str(request.path_params["document"]))
    if content is None or "x-amz-access-token" in request.headers:
        return Response("<Error><Code>AccessDenied</Code></Error>", 403, {"content-type": "application/xml"})
    return Response(content, media_type="application/json")


def _messages(content: bytes | None) -> list[dict[str, Any]] | None:
    """The messages of a feed's document; None where it is none."""
    try:
        told = json.loads(content or b"")
        messages = told["messages"]
        well = told["header"]["sellerId"] and all(isinstance(message["messageId"], int) for message in messages)
    except (ValueError, KeyError, TypeError):
        return None
    return messages if well else None


async def _create_feed(market: Marketplace, request: Request) -> Response:
    operation = "createFeed"
    told = await request.json()
    messages = _messages(market.documents.get(str(told.get("inputFeedDocumentId")))) or []
    fault = await market.conduct.meet("writes", [str(message.get("sku")) for message in messages])
    if fault is None or not fault.does_nothing:
        if not market.may(operation):
            return market.quota_exceeded(operation)
        if not messages or told.get("feedType") != FEED_TYPE or not told.get("marketplaceIds"):
            return market.error(operation, 400, "The feed does not follow the schema.")
    feed = _queued(market, messages, fault, request.headers.get(SUBMISSION, ""))
    return await market.conduct.answer(
        fault,
        lambda: market.answer(operation, {"feedId": feed.feed_id}, 202),
        lambda fault: market.refuse(operation, fault),
    )


def _queued(market: Marketplace, messages: list[dict[str, Any]], fault: Fault | None, submission: str) -> Feed:
    now = market.conduct.clock()
    kind = fault.kind if fault else None
    lingers_s = fault.lingers_s if fault else 0.0
    done_s = None if kind is FaultKind.LOST else now + market.feed_s + lingers_s
    feed = Feed(f"feed-{len(market.feeds) + 1}", now, done_s, messages, fault, submission)
    works = fault is None or not fault.does_nothing
    held_back = fault is not None and fault.holds_back
    for message in messages:
        sku, quantity = str(message.get("sku")), _wanted(message)
        good = quantity is not None and market.issue(sku, quantity) is None
        market.conduct.note("createFeed", sku, quantity, submission, fault, applied=good and works and not held_back)
    if works:
        market.feeds[feed.feed_id] = feed
    return feed


def _wanted(message: dict[str, Any]) -> int | None:
    attributes = message.get("attributes")
    if message.get("operationType") != "PARTIAL_UPDATE" or not isinstance(attributes, dict):
        return None
    return wanted_quantity(attributes.get("fulfillment_availability"))


def work(market: Marketplace) -> None:
    """Do what is due: feeds whose time has come, each with its report, and figures that were queued."""
    now = market.conduct.clock()
    for feed in market.feeds.values():
        if feed.result_document is None and feed.done_s is not None and feed.done_s <= now:
            if not feed.fatal:
                _work(market, feed)
            feed.result_document = f"report-{feed.feed_id}"
            market.documents[feed.result_document] = json.dumps(_report(feed)).encode()
    market.work()


def settle(market: Marketplace) -> int:
    """Do everything that was ever accepted, lost feeds too; returns how many figures there were."""
    for feed in market.feeds.values():
        if feed.result_document is None:
            feed.done_s = market.conduct.clock()
    work(market)
    return market.settle()


def _work(market: Marketplace, feed: Feed) -> None:
    partly = feed.fault is not None and feed.fault.kind is FaultKind.PARTLY_REFUSED_LATER
    for place, message in enumerate(feed.messages):
        sku, quantity = str(message.get("sku")), _wanted(message)
        if quantity is None or (partly and place == 0):
            feed.issues.append(_issue(message, "90220", "The message lacks an attribute that is required."))
            continue
        wrong = market.issue(sku, quantity)
        if wrong is not None:
            feed.issues.append(_issue(message, wrong["code"], wrong["message"]))
            continue
        held_back = feed.fault if feed.fault and feed.fault.holds_back else None
        market.take_on(sku, quantity, held_back, 0.0, feed.submission)


def _issue(message: dict[str, Any], code: str, text: str) -> dict[str, Any]:
    return {
        "messageId": message["messageId"],
        "sku": message["sku"],
        "code": code,
        "severity": "ERROR",
        "message": text,
    }


def _report(feed: Feed) -> dict[str, Any]:
    invalid = len({issue["messageId"] for issue in feed.issues})
    return {
        "header": {"sellerId": "SELLER", "version": "2.0", "feedId": feed.feed_id},
        "issues": feed.issues,
        "summary": {
            "errors": len(feed.issues),
            "warnings": 0,
            "messagesProcessed": len(feed.messages),
            "messagesAccepted": len(feed.messages) - invalid,
            "messagesInvalid": invalid,
        },
    }


async def _get_feed(market: Marketplace, request: Request) -> Response:
    feed: Feed | None = market.feeds.get(str(request.path_params["feed"]))

    def told() -> Response:
        if feed is None:
            return market.error("getFeed", 404, "There is no such feed.")
        return market.answer("getFeed", _status(market, feed))

    return await _asked(market, "getFeed", told)


def _status(market: Marketplace, feed: Feed) -> dict[str, Any]:
    work(market)
    clock = market.conduct.clock
    told = {
        "feedId": feed.feed_id,
        "feedType": FEED_TYPE,
        "createdTime": clock.moment_at(feed.created_s).isoformat(),
        "processingStatus": "IN_QUEUE",
    }
    if feed.result_document is not None:
        told["processingStatus"] = "FATAL" if feed.fatal else "DONE"
        told["resultFeedDocumentId"] = feed.result_document
    elif feed.done_s is not None and clock() >= (feed.created_s + feed.done_s) / 2:
        told["processingStatus"] = "IN_PROGRESS"
    return told
