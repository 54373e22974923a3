"""A marketplace that queues what it accepts: PATCH a listing, and look later whether it shows.

Shape of the Listings Items API of 2021-08-01: an invalid update is a 200 with ``status: INVALID`` and its issues;
``ACCEPTED`` means queued, not applied; each operation has a token bucket that answers 429. Listings are patched one by
one, or go many at a time into a feed, as is agreed for the channel.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import httpx
import msgspec

from core_sync.channels.amazon_feed import Feeds, availability, told_code
from core_sync.channels.amazon_operations import SUBMISSION, Operations
from core_sync.channels.batches import chunks, push_in_batches
from core_sync.channels.budget import OUR_PACE, Pace
from core_sync.channels.http import Answer, not_read, understood, unreadable
from core_sync.channels.port import (
    Accepted,
    ChannelLimits,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    Reading,
    Rejected,
)

_FULFILLED_BY_US = "DEFAULT"
_PATCH, _FEED = "patchListingsItem", "createFeed"
_SKUS_PER_SEARCH = 20
_SKUS_PER_FEED = 10_000
_PAGES_MAX = 50
_PATCH_VISIBLE_WITHIN_S, _FEED_VISIBLE_WITHIN_S = 900.0, 7_200.0
_FINISHED_KEPT = 1_000


class _Issue(msgspec.Struct):
    code: str = "INVALID"
    message: str = "invalid"
    severity: str = "ERROR"


class _Submission(msgspec.Struct, rename="camel"):
    sku: str
    status: str
    submission_id: str
    issues: list[_Issue] = []


class _Availability(msgspec.Struct, rename="camel"):
    fulfillment_channel_code: str
    quantity: int | None = None


class _Item(msgspec.Struct, rename="camel"):
    sku: str
    fulfillment_availability: list[_Availability] = []

    def quantity(self) -> int | None:
        """Units that the seller ships himself; None where he ships none."""
        ours = (one for one in self.fulfillment_availability if one.fulfillment_channel_code == _FULFILLED_BY_US)
        return next((one.quantity or 0 for one in ours), None)


class _Pagination(msgspec.Struct, rename="camel"):
    next_token: str | None = None


class _Page(msgspec.Struct):
    items: list[_Item]
    pagination: _Pagination = msgspec.field(default_factory=_Pagination)


class AmazonLike:
    """One seller on one marketplace.

    With ``as_feeds`` each submission is a feed, which carries many listings and may be made once in two minutes;
    ``documents`` speaks to the hosts where feeds are put, without the seller's token.
    """

    def __init__(
        self,
        http: httpx.Client,
        seller: str,
        marketplace: str,
        documents: httpx.Client,
        *,
        document_hosts: Sequence[str] = (),
        as_feeds: bool = False,
        pace: Pace = OUR_PACE,
    ) -> None:
        self._operations = Operations(http, pace)
        self._seller = seller
        self._marketplace = marketplace
        hosts = [*document_hosts, http.base_url.host]
        self._feeds = Feeds(self._operations, documents, hosts, seller, marketplace)
        self._as_feeds = as_feeds
        self._finished: dict[str, Finished] = {}

    @property
    def limits(self) -> ChannelLimits:
        """The usage plan of a patch, or of a feed."""
        plan = self._operations.budget(_FEED if self._as_feeds else _PATCH)
        return ChannelLimits(
            plan.rate,
            _SKUS_PER_FEED if self._as_feeds else 1,
            _FEED_VISIBLE_WITHIN_S if self._as_feeds else _PATCH_VISIBLE_WITHIN_S,
            _SKUS_PER_SEARCH,
            plan.burst,
        )

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """Queue what listings shall show."""
        submit = self._feed if self._as_feeds else self._patch
        until = self._operations.budget(_PATCH).patient_until()
        return push_in_batches(requests, self.limits, lambda batch: submit(batch, until))

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """How far the marketplace is with feeds; what is through stays so and is not asked for again."""
        until = self._operations.budget("getFeed").patient_until()
        told: dict[str, Progress] = {}
        for receipt in receipts:
            known = self._finished.get(receipt)
            progress = known or self._feeds.progress(receipt, until)
            if isinstance(progress, Finished):
                self._finished[receipt] = progress
            told[receipt] = progress
        while len(self._finished) > _FINISHED_KEPT:
            del self._finished[next(iter(self._finished))]
        return told

    def read(self, skus: Sequence[str]) -> Reading:
        """Units by SKU, as the marketplace shows them."""
        until = self._operations.budget("searchListingsItems").patient_until()
        names = list(dict.fromkeys(skus))
        # a search names SKUs by comma; one that holds a comma itself is asked for alone
        alone = [sku for sku in names if "," in sku]
        shown: dict[str, int] = {}
        for batch in chunks([sku for sku in names if "," not in sku], _SKUS_PER_SEARCH):
            shown |= self._search(batch, until)
        for sku in alone:
            shown |= self._get(sku, until)
        return Reading(shown)

    def _search(self, skus: Sequence[str], until: float) -> dict[str, int]:
        shown: dict[str, int] = {}
        token: str | None = None
        for _ in range(_PAGES_MAX):
            params = {
                "marketplaceIds": self._marketplace,
                "identifiers": ",".join(skus),
                "identifiersType": "SKU",
                "includedData": "fulfillmentAvailability",
                "pageSize": str(_SKUS_PER_SEARCH),
            } | ({"pageToken": token} if token else {})
            answer = self._operations.ask("searchListingsItems", "GET", self._path(), until, params=params)
            if not isinstance(answer, Answer):
                raise not_read(answer)
            page = understood(answer.body, _Page)
            if page is None:
                raise not_read(unreadable(answer))
            shown |= _shown(page.items)
            token = page.pagination.next_token
            if token is None:
                break
        return {sku: quantity for sku, quantity in shown.items() if sku in skus}

    def _get(self, sku: str, until: float) -> dict[str, int]:
        params = {"marketplaceIds": self._marketplace, "includedData": "fulfillmentAvailability"}
        answer = self._operations.ask("getListingsItem", "GET", self._path(sku), until, params=params)
        if isinstance(answer, Rejected) and answer.http_status == httpx.codes.NOT_FOUND:
            return {}
        if not isinstance(answer, Answer):
            raise not_read(answer)
        item = understood(answer.body, _Item)
        if item is None:
            raise not_read(unreadable(answer))
        return _shown([item])

    def _feed(self, batch: Sequence[PushRequest], until: float) -> Mapping[str, PushAnswer]:
        return dict.fromkeys((request.sku for request in batch), self._feeds.submit(batch, until))

    def _patch(self, batch: Sequence[PushRequest], until: float) -> Mapping[str, PushAnswer]:
        [request] = batch
        value = [availability(request.quantity)]
        patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
        answer = self._operations.ask(
            _PATCH,
            "PATCH",
            self._path(request.sku),
            until,
            params={"marketplaceIds": self._marketplace},
            headers={SUBMISSION: request.idempotency_key},
            json={"productType": "PRODUCT", "patches": [patch]},
        )
        return {request.sku: _submitted(answer) if isinstance(answer, Answer) else answer}

    def _path(self, sku: str | None = None) -> str:
        parts = [self._seller] if sku is None else [self._seller, sku]
        return "/listings/2021-08-01/items/" + "/".join(quote(part, safe="") for part in parts)


def _submitted(answer: Answer) -> PushAnswer:
    told = understood(answer.body, _Submission)
    if told is None or told.status not in ("ACCEPTED", "INVALID"):
        return unreadable(answer)  # VALID, too: it was looked at, which is not what was asked
    if told.status == "INVALID":
        issue = next((one for one in told.issues if one.severity == "ERROR"), _Issue())
        return Rejected(issue.message, told_code(issue.code), answer.status, exchange=answer.exchange)
    return Accepted(told.submission_id, exchange=answer.exchange)


def _shown(items: Sequence[_Item]) -> dict[str, int]:
    return {item.sku: quantity for item in items if (quantity := item.quantity()) is not None}
