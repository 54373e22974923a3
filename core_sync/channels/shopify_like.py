"""A channel that speaks GraphQL, sets stock by compare-and-set, and puts its errors into a 200.

Shape of the Admin API of 2026-04 and later: ``inventorySetQuantities`` with ``changeFromQuantity``
and an idempotency key; throttling is an error in the body as often as a 429. Ids exceed 2^53 and stay
text throughout.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

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

PATH = "/admin/api/2026-10/graphql.json"

_SET = """
mutation SetAvailable($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""

_READ = """
query Available($query: String!, $first: Int!, $location: ID!) {
  inventoryItems(first: $first, query: $query) {
    nodes { id sku inventoryLevel(locationId: $location) { quantities(names: ["available"]) { name quantity } } }
  }
}
"""

_PLAIN = re.compile(r"[\w.-]+")
_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
_TRANSIENT = frozenset(
    {"IDEMPOTENCY_CONCURRENT_REQUEST", "SERVICE_UNAVAILABLE", "THROTTLED", "INTERNAL_SERVER_ERROR"} | _STALE
)


class ShopifyLike:
    """One shop, one of its locations."""

    limits = ChannelLimits(pushes_per_second=20.0, skus_per_push=1, visible_within_s=30.0)

    def __init__(self, http: httpx.Client, location: str) -> None:
        self._http = http
        self._location = location
        self._items: dict[str, str] = {}

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """One request for each listing, in order."""
        return [self._push(request) for request in requests]

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """No receipts are given out; whoever asks for one is told that it was taken."""
        return {receipt: Finished({}, Accepted(receipt)) for receipt in receipts}

    def _push(self, request: PushRequest) -> PushAnswer:
        """Set what the listing shows; when its figure moved under us, look again and set once more."""
        try:
            shown = self._shown_before(request)
        except ReadFailed as error:
            return Rejected(error.why, error.code, error.http_status, transient=True)
        if request.sku not in self._items:
            return Rejected(f"the shop lists no {request.sku}", "UNKNOWN_SKU", 200)
        answer = self._set(request, shown, request.idempotency_key)
        if not (isinstance(answer, Rejected) and answer.code in _STALE):
            return answer
        try:
            now = self.read([request.sku]).get(request.sku)
        except ReadFailed as error:
            return Rejected(error.why, error.code, error.http_status, transient=True)
        return self._set(request, now, f"{request.idempotency_key}-from-{now}")

    def read(self, skus: Sequence[str]) -> Reading:
        """Available units by SKU, as the shop shows them."""
        wanted = " OR ".join(_term(sku) for sku in skus)
        answer = self._ask(_READ, {"query": wanted, "first": len(skus), "location": self._location})
        if not isinstance(answer, Answer):
            why = answer.reason if isinstance(answer, Rejected) else answer.why
            raise ReadFailed(why, answer.code, answer.http_status)
        shown: dict[str, int] = {}
        for node in answer.body["data"]["inventoryItems"]["nodes"]:
            if node["sku"] not in skus:
                continue  # the shop's search also finds likenesses
            self._items[node["sku"]] = node["id"]
            level = node.get("inventoryLevel") or {}
            for quantity in level.get("quantities", ()):
                if quantity["name"] == "available":
                    shown[node["sku"]] = int(quantity["quantity"])
        return Reading(shown)

    def _shown_before(self, request: PushRequest) -> int | None:
        if request.sku in self._items and request.shown_quantity is not None:
            return request.shown_quantity
        return self.read([request.sku]).get(request.sku)

    def _set(self, request: PushRequest, shown: int | None, key: str) -> PushAnswer:
        quantity: dict[str, Any] = {
            "inventoryItemId": self._items[request.sku],
            "locationId": self._location,
            "quantity": request.quantity,
            "changeFromQuantity": shown,
        }
        variables = {"input": {"name": "available", "reason": "correction", "quantities": [quantity]}, "key": key}
        answer = self._ask(_SET, variables)
        if not isinstance(answer, Answer):
            return answer
        payload = answer.body["data"]["inventorySetQuantities"]
        for error in payload.get("userErrors") or ():
            code = error.get("code") or "USER_ERROR"
            return Rejected(error.get("message", code), code, answer.status, code in _TRANSIENT)
        group = payload.get("inventoryAdjustmentGroup") or {}
        return Accepted(group.get("id"))

    def _ask(self, query: str, variables: Mapping[str, Any]) -> Answer | Rejected | Unknown:
        """An answer with data, or what stands in its place."""
        answer = ask(self._http, "POST", PATH, json={"query": query, "variables": variables})
        if not isinstance(answer, Answer):
            return answer
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        if errors:
            return _refused(answer, errors)
        if answer.status >= httpx.codes.BAD_REQUEST:
            return refusal(answer, f"HTTP_{answer.status}", answer.text)
        if not (isinstance(answer.body, dict) and isinstance(answer.body.get("data"), dict)):
            return Unknown(f"an answer that cannot be read: {answer.text[:200]}", "GARBAGE", answer.status)
        return answer


def _term(sku: str) -> str:
    """One SKU in the shop's search language; quoted where it holds more than letters, digits and ``_.-``."""
    if _PLAIN.fullmatch(sku):
        return f"sku:{sku}"
    escaped = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'sku:"{escaped}"'


def _refused(answer: Answer, errors: Any) -> Rejected | Unknown:
    told = errors[0] if isinstance(errors, list) else errors
    first: dict[str, Any] = told if isinstance(told, dict) else {"message": str(told)}
    code = (first.get("extensions") or {}).get("code") or f"HTTP_{answer.status}"
    if answer.status >= httpx.codes.BAD_REQUEST:
        return refusal(answer, code, first.get("message", code))
    return Rejected(first.get("message", code), code, answer.status, code in _TRANSIENT, _restored_in_s(answer))


def _restored_in_s(answer: Answer) -> float | None:
    """Seconds until the cost bucket holds enough again, from what the answer itself tells."""
    cost = (answer.body.get("extensions") or {}).get("cost") or {}
    bucket = cost.get("throttleStatus") or {}
    if not bucket.get("restoreRate"):
        return None
    lacking = float(cost.get("requestedQueryCost") or 0) - float(bucket.get("currentlyAvailable") or 0)
    return max(0.0, lacking / float(bucket["restoreRate"]))
