"""A marketplace that queues what it accepts: PATCH a listing, and look later whether it shows.

Shape of the Listings Items API of 2021-08-01: an invalid update is a 200 with ``status: INVALID`` and
its issues; ``ACCEPTED`` means queued, not applied; a token bucket answers 429.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from core_sync.channels.http import Answer, ask, refusal
from core_sync.channels.port import (
    Accepted,
    ChannelLimits,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    ReadFailed,
    Reading,
    Rejected,
    Unknown,
)

_FULFILLED_BY_US = "DEFAULT"


class AmazonLike:
    """One seller on one marketplace."""

    limits = ChannelLimits(pushes_per_second=5.0, skus_per_push=1, visible_within_s=900.0)

    def __init__(self, http: httpx.Client, seller: str, marketplace: str) -> None:
        self._http = http
        self._seller = seller
        self._marketplace = marketplace

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """One request for each listing, in order."""
        return [self._push(request) for request in requests]

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """No receipts are given out; whoever asks for one is told that it was taken."""
        return {receipt: Finished({}, Accepted(receipt)) for receipt in receipts}

    def _push(self, request: PushRequest) -> PushAnswer:
        """Queue what the listing shall show."""
        availability = {"fulfillment_channel_code": _FULFILLED_BY_US, "quantity": request.quantity}
        body = {
            "productType": "PRODUCT",
            "patches": [
                {"op": "replace", "path": "/attributes/fulfillment_availability", "value": [availability]},
            ],
        }
        answer = ask(
            self._http,
            "PATCH",
            self._path(request.sku),
            params={"marketplaceIds": self._marketplace},
            headers={"Idempotency-Key": quote(request.idempotency_key)},
            json=body,
        )
        if not isinstance(answer, Answer):
            return answer
        if answer.status >= httpx.codes.BAD_REQUEST:
            return _refused(answer)
        if not (isinstance(answer.body, dict) and "status" in answer.body):
            return Unknown(f"an answer that cannot be read: {answer.text[:200]}", "GARBAGE", answer.status)
        if answer.body["status"] == "INVALID":
            issue: dict[str, Any] = next(iter(answer.body.get("issues") or ()), {})
            return Rejected(issue.get("message", "invalid"), str(issue.get("code", "INVALID")), answer.status)
        return Accepted(answer.body.get("submissionId"))

    def read(self, skus: Sequence[str]) -> Reading:
        """Units by SKU, as the marketplace shows them; one request each."""
        shown: dict[str, int] = {}
        for sku in skus:
            quantity = self._shown(sku)
            if quantity is not None:
                shown[sku] = quantity
        return Reading(shown)

    def _shown(self, sku: str) -> int | None:
        params = {"marketplaceIds": self._marketplace, "includedData": "fulfillmentAvailability"}
        answer = ask(self._http, "GET", self._path(sku), params=params)
        if isinstance(answer, Unknown):
            raise ReadFailed(answer.why, answer.code, answer.http_status)
        if isinstance(answer, Rejected):
            raise ReadFailed(answer.reason, answer.code, answer.http_status)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        if answer.status >= httpx.codes.BAD_REQUEST or not isinstance(answer.body, dict):
            raise ReadFailed(answer.text, f"HTTP_{answer.status}", answer.status)
        for availability in answer.body.get("fulfillmentAvailability") or ():
            if availability.get("fulfillmentChannelCode") == _FULFILLED_BY_US:
                return int(availability.get("quantity") or 0)
        return None

    def _path(self, sku: str) -> str:
        return f"/listings/2021-08-01/items/{quote(self._seller, safe='')}/{quote(sku, safe='')}"


def _refused(answer: Answer) -> Rejected | Unknown:
    errors: Any = answer.body.get("errors") if isinstance(answer.body, dict) else None
    first: dict[str, Any] = errors[0] if isinstance(errors, list) and errors else {}
    code = str(first.get("code") or f"HTTP_{answer.status}")
    return refusal(answer, code, str(first.get("message") or answer.text))
