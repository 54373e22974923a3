"""A channel that speaks GraphQL, sets stock by compare-and-set, and puts its errors into a 200.

Shape of the Admin API of 2026-04 and later: ``inventorySetQuantities`` with ``changeFromQuantity`` and an idempotency
key does all of its figures or none; throttling is an error in the body as often as a 429. Ids exceed 2^53 and stay
text throughout.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from core_sync.channels.batches import digest, over_budget, push_in_batches, submission_name
from core_sync.channels.budget import OUR_PACE, Budget, Pace
from core_sync.channels.http import Answer, ask, refusal, unreadable
from core_sync.channels.port import (
    NOT_SENT,
    STALE,
    UNKNOWN_LISTING,
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
from core_sync.channels.shopify_graphql import (
    READ,
    SET,
    GraphqlError,
    SetData,
    SetOutcome,
    cost_in,
    data_in,
    errors_in,
)
from core_sync.channels.shopify_items import SKUS_PER_READ, Items

PATH = "/admin/api/2026-10/graphql.json"

_SET, _READ = "inventorySetQuantities", "inventoryItems"
_SKUS_PER_PUSH = 250
_QUANTITY_MAX = 1_000_000_000
_VISIBLE_WITHIN_S = 30.0
_POINTS_PER_SECOND, _POINTS_MAX = 100.0, 1_000.0
"""What the smallest plan of the shop allows; what the shop tells replaces it with the first answer."""

_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
_NO_SUCH_ITEM = "INVALID_INVENTORY_ITEM"
_TRANSIENT = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST", "SERVICE_UNAVAILABLE", "THROTTLED", _NO_SUCH_ITEM})
_KEY_IS_SPENT = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
_MAYBE_DONE = frozenset({"INTERNAL_SERVER_ERROR"})
_CLOSED_S = 1.0
"""How long a shop is left alone that throttles and does not say for how long."""


SUBMISSION_S = 15.0
"""No further request of one submission begins after this, so that it ends within the lease under which it is pushed."""


@dataclass(frozen=True, slots=True)
class _Patience:
    """Up to when one call waits for its budget, and up to when it begins further requests; by the pace's clock."""

    budget: float
    requests: float = math.inf


@dataclass(frozen=True, slots=True)
class _Told:
    """What a mutation came to, and the answer that told it."""

    outcome: SetOutcome
    answer: Answer


class ShopifyLike:
    """One shop, one of its locations.

    A submission begins no further request once it has taken ``submission_s`` by the pace's clock: that one is slow.
    """

    def __init__(
        self, http: httpx.Client, location: str, pace: Pace = OUR_PACE, submission_s: float = SUBMISSION_S
    ) -> None:
        self._http = http
        self._location = location
        self._pace = pace
        self._submission_s = submission_s
        self._budget = Budget(_POINTS_PER_SECOND, _POINTS_MAX, pace)
        self._costs = {_SET: 10.0, _READ: 10.0}
        self._items = Items(location)

    @property
    def limits(self) -> ChannelLimits:
        """As the shop's cost bucket allows, which it tells with every answer."""
        cost = max(1.0, self._costs[_SET])
        return ChannelLimits(
            self._budget.rate / cost,
            _SKUS_PER_PUSH,
            _VISIBLE_WITHIN_S,
            SKUS_PER_READ,
            self._budget.burst / cost,
            compares=True,
            quantity_max=_QUANTITY_MAX,
        )

    def push(self, requests: Sequence[PushRequest]) -> Sequence[PushAnswer]:
        """Set what listings show, each from what it was last seen to show."""
        until = self._budget.patient_until()
        return push_in_batches(requests, self.limits, lambda batch: self._submit(batch, self._hurried(until)))

    def follow(self, receipts: Sequence[str]) -> Mapping[str, Progress]:
        """A shop gives no receipts: whatever it accepted it has done."""
        return {receipt: Finished({}, Accepted(receipt)) for receipt in receipts}

    def read(self, skus: Sequence[str]) -> Reading:
        """Available units by SKU, as the shop shows them."""
        return Reading(self._look(skus, _Patience(self._budget.patient_until())))

    def _hurried(self, until: float) -> _Patience:
        return _Patience(until, self._pace.clock() + self._submission_s)

    def _look(self, skus: Sequence[str], patience: _Patience) -> dict[str, int]:
        return self._items.look(skus, lambda variables: self._ask(_READ, READ, variables, patience))

    def _submit(self, batch: Sequence[PushRequest], patience: _Patience) -> Mapping[str, PushAnswer]:
        """Set a batch; those that the shop names as wrong are taken out, and the others set without them."""
        from_: dict[str, int] = {one.sku: one.shown_quantity for one in batch if one.shown_quantity is not None}
        unseen = [one.sku for one in batch if one.sku not in self._items.ids or one.sku not in from_]
        try:
            seen = self._look(unseen, patience) if unseen else {}
        except ReadFailed as error:
            return dict.fromkeys((one.sku for one in batch), _not_looked_up(error))
        from_ = seen | from_
        answers: dict[str, PushAnswer] = {
            one.sku: self._not_one_item(one.sku) for one in batch if one.sku not in self._items.ids
        }
        left = [one for one in batch if one.sku not in answers]
        while left:
            told = self._set(left, from_, patience)  # answers at least one of them
            answers.update(told)
            left = [one for one in left if one.sku not in told]
        for sku, answer in answers.items():
            if isinstance(answer, Rejected) and answer.code == _NO_SUCH_ITEM:
                self._items.ids.pop(sku, None)  # its id is looked for anew with the next push
        return self._with_fresh_figures(batch, answers, patience)

    def _not_one_item(self, sku: str) -> Rejected:
        if sku in self._items.ambiguous:
            return Rejected(f"the shop has several items named {sku}", "AMBIGUOUS_SKU", int(httpx.codes.OK))
        return Rejected(f"the shop lists no {sku}", UNKNOWN_LISTING, int(httpx.codes.OK))

    def _set(
        self, batch: Sequence[PushRequest], from_: Mapping[str, int], patience: _Patience
    ) -> dict[str, PushAnswer]:
        """Answers for the whole batch, or only for the figures for whose sake nothing was set."""
        quantities = [
            {
                "inventoryItemId": self._items.ids[one.sku],
                "locationId": self._location,
                "quantity": one.quantity,
                "changeFromQuantity": from_.get(one.sku),
            }
            for one in batch
        ]
        content = {
            "name": "available",
            "reason": "correction",
            "referenceDocumentUri": f"stocktriage://push/{submission_name(batch)}",
            "quantities": quantities,
        }
        key = digest([*(one.idempotency_key for one in batch), quantities])
        told = self._mutate(content, key, patience)
        if isinstance(told, _Told) and any(error.code == _KEY_IS_SPENT for error in told.outcome.user_errors):
            told = self._mutate(content, f"{key}-again", patience)
        if not isinstance(told, _Told):
            return dict.fromkeys((one.sku for one in batch), told)
        if told.outcome.user_errors:
            return _refused(batch, told)
        group = told.outcome.inventory_adjustment_group
        accepted = Accepted(group.id if group else None, exchange=told.answer.exchange)
        return dict.fromkeys((one.sku for one in batch), accepted)

    def _mutate(self, content: Mapping[str, Any], key: str, patience: _Patience) -> "_Told | Rejected | Unknown":
        answer = self._ask(_SET, SET, {"input": content, "key": key}, patience)
        if not isinstance(answer, Answer):
            return answer
        data = data_in(answer.body, SetData)
        return unreadable(answer) if data is None else _Told(data.inventory_set_quantities, answer)

    def _with_fresh_figures(
        self, batch: Sequence[PushRequest], answers: Mapping[str, PushAnswer], patience: _Patience
    ) -> Mapping[str, PushAnswer]:
        """Tell with each stale figure what is shown now; what shows the wanted figure already is accepted."""
        stale = {
            sku: answer for sku, answer in answers.items() if isinstance(answer, Rejected) and answer.code == STALE
        }
        if not stale:
            return answers
        try:
            shown = self._look(list(stale), patience)
        except ReadFailed:
            return answers
        wanted = {one.sku: one.quantity for one in batch}
        fresh: dict[str, PushAnswer] = {
            sku: Accepted(exchange=answer.exchange) if shown.get(sku) == wanted[sku] else _stale(answer, shown.get(sku))
            for sku, answer in stale.items()
        }
        return {**answers, **fresh}

    def _ask(
        self, operation: str, document: str, variables: Mapping[str, Any], patience: _Patience
    ) -> Answer | Rejected | Unknown:
        """An answer without errors, or what stands in its place."""
        if self._pace.clock() > patience.requests:
            return Rejected(f"the shop took {self._submission_s:g} s for what came before", NOT_SENT, transient=True)
        wait_s = self._budget.take(self._costs[operation], patience.budget)
        if wait_s > 0:
            return over_budget(wait_s)
        body = {"query": document, "variables": variables}
        reads = operation == _READ
        answer = ask(self._http, "POST", PATH, operation=operation, repeatable=reads, json=body)
        if not isinstance(answer, Answer):
            return answer
        self._learn(operation, answer)
        errors = errors_in(answer.body)
        has_data = isinstance(answer.body, dict) and answer.body.get("data") is not None
        if errors and not has_data:
            return self._refusal(answer, errors[0])
        if answer.status >= httpx.codes.BAD_REQUEST:
            return self._refusal(answer, GraphqlError(answer.text))
        return answer if has_data else unreadable(answer)

    def _refusal(self, answer: Answer, error: GraphqlError) -> Rejected | Unknown:
        code = error.extensions.code or f"HTTP_{answer.status}"
        if answer.status >= httpx.codes.BAD_REQUEST:
            refused = refusal(answer, code, error.message)
        elif code in _MAYBE_DONE:
            refused = Unknown(error.message, code, answer.status, exchange=answer.exchange)
        else:
            cost = cost_in(answer.body)
            wait_s = cost.restored_in_s() if cost and code == "THROTTLED" else None
            transient = code in _TRANSIENT
            refused = Rejected(error.message, code, answer.status, transient, wait_s, exchange=answer.exchange)
        if isinstance(refused, Rejected) and (code == "THROTTLED" or answer.status == httpx.codes.TOO_MANY_REQUESTS):
            self._budget.close_for(_CLOSED_S if refused.retry_after_s is None else refused.retry_after_s)
        return refused

    def _learn(self, operation: str, answer: Answer) -> None:
        cost = cost_in(answer.body)
        if cost is None or cost.throttle_status.restore_rate <= 0:
            return
        bucket = cost.throttle_status
        self._budget.learn(rate=bucket.restore_rate, burst=bucket.maximum_available, left=bucket.currently_available)
        if cost.requested_query_cost > 0:
            self._costs[operation] = cost.requested_query_cost


def _not_looked_up(error: ReadFailed) -> Rejected:
    """Nothing was set, since what to set it from could not be read."""
    return Rejected(error.why, error.code, error.http_status, True, error.retry_after_s, exchange=error.exchange)


def _refused(batch: Sequence[PushRequest], told: _Told) -> dict[str, PushAnswer]:
    """Rejections of the figures that the shop names; where it names none, of all."""
    refused: dict[str, PushAnswer] = {}
    for error in told.outcome.user_errors:
        place, code = error.place(), error.code or "USER_ERROR"
        stale = code in _STALE
        rejected = Rejected(
            error.message or code,
            STALE if stale else code,
            told.answer.status,
            transient=stale or code in _TRANSIENT,
            exchange=told.answer.exchange,
        )
        if place is None or place >= len(batch):
            return dict.fromkeys((one.sku for one in batch), rejected)
        refused.setdefault(batch[place].sku, rejected)
    return refused


def _stale(answer: Rejected, shown: int | None) -> Rejected:
    return Rejected(
        answer.reason, STALE, answer.http_status, transient=True, shown_quantity=shown, exchange=answer.exchange
    )
