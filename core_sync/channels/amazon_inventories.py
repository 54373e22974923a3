"""A marketplace that is told stock by location, up to ten figures in one request, each answered by itself below a 207.

Shape of the External Fulfillment Inventory API of 2024-09-11.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec

from core_sync.channels.amazon_operations import SUBMISSION, Operations
from core_sync.channels.batches import chunks, push_in_batches, submission_name
from core_sync.channels.budget import OUR_PACE, Pace
from core_sync.channels.http import Answer, not_read, understood, unreadable
from core_sync.channels.port import (
    UNKNOWN_LISTING,
    Accepted,
    ChannelLimits,
    Finished,
    Progress,
    PushAnswer,
    PushRequest,
    Reading,
    Rejected,
    Unknown,
)

_PATH = "/externalFulfillment/inventory/2024-09-11/inventories"
_OPERATION = "batchInventory"
_SKUS_PER_BATCH = 10
_VISIBLE_WITHIN_S = 60.0
_TRANSIENT = frozenset({408, 409, 429, 503})


class _Status(msgspec.Struct, rename="camel"):
    status_code: int
    reason_phrase: str = ""


class _Error(msgspec.Struct, rename="camel"):
    error_type: str = ""
    error_sub_type: str = ""


class _Body(msgspec.Struct, rename="camel"):
    sku_id: str = ""
    sellable_quantity: int | None = None
    actionable_errors: list[_Error] = []


class _Response(msgspec.Struct):
    status: _Status
    body: _Body


class _Responses(msgspec.Struct):
    responses: list[_Response]


class AmazonInventories:
    """One location of one seller."""

    def __init__(self, http: httpx.Client, location: str, pace: Pace = OUR_PACE) -> None:
        self._operations = Operations(http, pace)
        self._location = location

    @property
    def limits(self) -> ChannelLimits:
        """The plan of a batch."""
        plan = self._operations.budget(_OPERATION)
        return ChannelLimits(plan.rate, _SKUS_PER_BATCH, _VISIBLE_WITHIN_S, _SKUS_PER_BATCH, plan.burst)

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """Tell what the location holds."""
        until = self._operations.budget(_OPERATION).patient_until()
        return push_in_batches(requests, self.limits, lambda batch: self._submit(batch, until))

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """No receipts are given: whatever was accepted is done."""
        return {receipt: Finished({}, Accepted(receipt)) for receipt in receipts}

    def read(self, skus: Sequence[str]) -> Reading:
        """Sellable units by SKU at the location."""
        until = self._operations.budget(_OPERATION).patient_until()
        shown: dict[str, int] = {}
        for batch in chunks(list(dict.fromkeys(skus)), _SKUS_PER_BATCH):
            told = self._ask([self._one("fetch", sku, {}) for sku in batch], until, repeatable=True)
            if not isinstance(told, tuple):
                raise not_read(told)
            for sku, response in zip(batch, told[1], strict=True):
                quantity = response.body.sellable_quantity
                if response.status.status_code == httpx.codes.OK and quantity is not None:
                    shown[sku] = quantity
        return Reading(shown)

    def _submit(self, batch: Sequence[PushRequest], until: float) -> Mapping[str, PushAnswer]:
        wanted = [self._one("update", request.sku, {"quantity": request.quantity}) for request in batch]
        told = self._ask(wanted, until, repeatable=False, headers={SUBMISSION: submission_name(batch)})
        if not isinstance(told, tuple):
            return dict.fromkeys((request.sku for request in batch), told)
        answer, responses = told
        return {request.sku: _answered(response, answer) for request, response in zip(batch, responses, strict=True)}

    def _one(self, act: str, sku: str, body: Mapping[str, Any]) -> dict[str, Any]:
        query = urlencode({"locationId": self._location, "skuId": sku})
        return {"method": "POST", "uri": f"/inventory/{act}?{query}", "body": body}

    def _ask(
        self, wanted: Sequence[Mapping[str, Any]], until: float, *, repeatable: bool, **request: Any
    ) -> tuple[Answer, list[_Response]] | Rejected | Unknown:
        """The answer, and the response to each request in their order."""
        body = {"requests": wanted}
        answer = self._operations.ask(_OPERATION, "POST", _PATH, until, repeatable=repeatable, json=body, **request)
        if not isinstance(answer, Answer):
            return answer
        told = understood(answer.body, _Responses)
        if told is None or len(told.responses) != len(wanted):
            return unreadable(answer)
        return answer, _in_order(wanted, told.responses)


def _in_order(wanted: Sequence[Mapping[str, Any]], responses: list[_Response]) -> list[_Response]:
    """Responses by the SKU that each names; where they name none, in the order in which they came."""
    named = {response.body.sku_id: response for response in responses}
    skus = [parse_qs(urlsplit(one["uri"]).query)["skuId"][0] for one in wanted]
    return [named[sku] for sku in skus] if set(named) == set(skus) else responses


def _answered(response: _Response, answer: Answer) -> PushAnswer:
    status = response.status.status_code
    if status < httpx.codes.BAD_REQUEST:
        return Accepted(exchange=answer.exchange)
    error = next(iter(response.body.actionable_errors), _Error())
    reason = error.error_sub_type or response.status.reason_phrase
    if status >= httpx.codes.INTERNAL_SERVER_ERROR and status not in _TRANSIENT:
        return Unknown(reason, error.error_type or f"HTTP_{status}", status, exchange=answer.exchange)
    code = UNKNOWN_LISTING if error.error_type == "INVALID_SKU" else error.error_type or f"HTTP_{status}"
    return Rejected(reason, code, status, status in _TRANSIENT, exchange=answer.exchange)
