"""Many listings in one submission: a ``JSON_LISTINGS_FEED`` is uploaded, queued, and reported on when it is through.

Shape of the Feeds API of 2021-06-30. What goes wrong before the feed is created was surely not applied.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from core_sync.channels.amazon_operations import SUBMISSION, Operations
from core_sync.channels.batches import submission_name
from core_sync.channels.http import Answer, ask, not_read, understood, unreadable
from core_sync.channels.port import (
    UNKNOWN_LISTING,
    Accepted,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    Rejected,
    Unknown,
    Working,
)

_NO_SUCH_LISTING = "13013"
"""The marketplace's code of an issue: the seller lists no such SKU."""

FEED_TYPE = "JSON_LISTINGS_FEED"
_PATH = "/feeds/2021-06-30"
_JSON = "application/json; charset=UTF-8"


class _Document(msgspec.Struct, rename="camel"):
    feed_document_id: str
    url: str


class _Created(msgspec.Struct, rename="camel"):
    feed_id: str


class _Feed(msgspec.Struct, rename="camel"):
    processing_status: str
    result_feed_document_id: str | None = None


class _Issue(msgspec.Struct):
    sku: str = ""
    code: str = ""
    severity: str = ""
    message: str = ""


class _Report(msgspec.Struct):
    issues: list[_Issue]


class Feeds:
    """The feeds of one seller on one marketplace.

    Documents are put to an address that the marketplace gives, on hosts named in ``document_hosts`` only and without
    the token: the address itself is the permission.
    """

    def __init__(
        self, operations: Operations, documents: httpx.Client, document_hosts: Sequence[str], seller: str, market: str
    ) -> None:
        self._operations = operations
        self._documents = documents
        self._hosts = frozenset(document_hosts)
        self._seller = seller
        self._market = market

    def submit(self, requests: Sequence[PushRequest], until: float) -> PushAnswer:
        """Queue one feed; the answer holds for all of its listings."""
        document = self._new_document(until)
        if not isinstance(document, _Document):
            return document
        uploaded = self._transfer("PUT", document.url, content=self._content(requests), headers={"content-type": _JSON})
        if not isinstance(uploaded, Answer):
            return _not_begun(uploaded)
        wanted = {
            "feedType": FEED_TYPE,
            "marketplaceIds": [self._market],
            "inputFeedDocumentId": document.feed_document_id,
        }
        name = {SUBMISSION: submission_name(requests)}
        answer = self._operations.ask("createFeed", "POST", f"{_PATH}/feeds", until, headers=name, json=wanted)
        if not isinstance(answer, Answer):
            return answer
        created = understood(answer.body, _Created)
        if created is None:
            return unreadable(answer)
        return Accepted(created.feed_id, receipt=created.feed_id, exchange=answer.exchange)

    def progress(self, feed: str, until: float) -> Progress:
        """How far the marketplace is with a feed.

        Raises:
            ReadFailed: no whole answer came.
        """
        answer = self._operations.ask("getFeed", "GET", f"{_PATH}/feeds/{feed}", until)
        if isinstance(answer, Rejected) and answer.http_status == httpx.codes.NOT_FOUND:
            return Finished({}, Rejected(f"the marketplace knows no feed {feed}", answer.code, transient=True))
        if not isinstance(answer, Answer):
            raise not_read(answer)
        told = understood(answer.body, _Feed)
        if told is None:
            raise not_read(unreadable(answer))
        match told.processing_status:
            case "DONE":
                return self._outcome(feed, told.result_feed_document_id, until)
            case "CANCELLED":
                return Finished({}, Rejected("the feed was cancelled", "FEED_CANCELLED", transient=True))
            case "FATAL":  # some, none or all of it may have been done
                return Finished({}, Unknown("the feed ended with a fatal error", "FEED_FATAL"))
            case state:
                return Working(state)

    def _outcome(self, feed: str, document: str | None, until: float) -> Finished:
        if document is None:
            return Finished({}, Accepted(feed))
        answer = self._operations.ask("getFeedDocument", "GET", f"{_PATH}/documents/{document}", until)
        if not isinstance(answer, Answer):
            raise not_read(answer)
        where = understood(answer.body, _Document)
        if where is None:
            raise not_read(unreadable(answer))
        content = self._transfer("GET", where.url)
        if not isinstance(content, Answer):
            raise not_read(content)
        report = understood(content.body, _Report)
        if report is None:
            raise not_read(unreadable(content))
        wrong = [issue for issue in report.issues if issue.severity == "ERROR" and issue.sku]
        refused = {
            issue.sku: Rejected(issue.message, told_code(issue.code) or "INVALID", content.status) for issue in wrong
        }
        return Finished(refused, Accepted(feed))

    def _new_document(self, until: float) -> "_Document | Rejected":
        wanted = {"contentType": _JSON}
        answer = self._operations.ask("createFeedDocument", "POST", f"{_PATH}/documents", until, json=wanted)
        if not isinstance(answer, Answer):
            return _not_begun(answer)
        document = understood(answer.body, _Document)
        return _not_begun(unreadable(answer)) if document is None else document

    def _transfer(self, method: str, url: str, **request: Any) -> Answer | Rejected | Unknown:
        """Put or get a document where the marketplace says, if that is where we may go."""
        host = urlsplit(url).hostname or ""
        if host not in self._hosts:
            return Rejected(f"documents at {host} are not allowed; name it in document_hosts", "FOREIGN_DOCUMENT_HOST")
        operation = "uploadDocument" if method == "PUT" else "downloadDocument"
        answer = ask(self._documents, method, url, operation=operation, repeatable=True, **request)
        if isinstance(answer, Answer) and answer.status >= httpx.codes.BAD_REQUEST:
            code = f"HTTP_{answer.status}"
            return Rejected(answer.text, code, answer.status, transient=True, exchange=answer.exchange)
        return answer

    def _content(self, requests: Sequence[PushRequest]) -> bytes:
        messages = [
            {
                "messageId": number,
                "sku": request.sku,
                "operationType": "PARTIAL_UPDATE",
                "productType": "PRODUCT",
                "attributes": {"fulfillment_availability": [availability(request.quantity)]},
            }
            for number, request in enumerate(requests, 1)
        ]
        return msgspec.json.encode({"header": {"sellerId": self._seller, "version": "2.0"}, "messages": messages})


def availability(quantity: int) -> dict[str, Any]:
    """Units that the seller ships himself."""
    return {"fulfillment_channel_code": "DEFAULT", "quantity": quantity}


def told_code(code: str) -> str:
    """Our code for an issue's, where we have one, else the marketplace's."""
    return UNKNOWN_LISTING if code == _NO_SUCH_LISTING else code


def _not_begun(answer: Rejected | Unknown) -> Rejected:
    """No feed was created, so that nothing was applied, whatever became of the request before it."""
    if isinstance(answer, Rejected):
        return answer
    return Rejected(answer.why, answer.code, answer.http_status, transient=True, exchange=answer.exchange)
