"""The state of a simulated marketplace: what it shows, what is queued, and how often each operation may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from simulation.peers.bucket import Bucket
from simulation.peers.conduct import Conduct
from simulation.peers.faults import Fault, FaultKind
from simulation.peers.shelf import Shelf

QUANTITY_MAX = 2**31 - 1

SUBMISSION = "idempotency-key"
"""Header in which a sender names a submission. The marketplace counts by it, and keeps nothing from being doubled."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A usage plan: requests a second, and how many may come at once after a rest."""

    rate: float
    burst: float


QUOTAS: Mapping[str, Quota] = {
    "patchListingsItem": Quota(5, 5),
    "getListingsItem": Quota(5, 10),
    "searchListingsItems": Quota(5, 5),
    "batchInventory": Quota(5, 5),
    "createFeedDocument": Quota(0.5, 15),
    "createFeed": Quota(0.0083, 15),
    "getFeed": Quota(2, 15),
    "getFeedDocument": Quota(0.0222, 10),
}
"""Usage plans as the models of the API tell them; none is told for ``batchInventory``, whose plan is ours."""

_CODES = {
    400: "InvalidInput",
    401: "Unauthorized",
    403: "Unauthorized",
    404: "NotFound",
    413: "RequestTooLarge",
    415: "UnsupportedMediaType",
    429: "QuotaExceeded",
    500: "InternalFailure",
    503: "ServiceUnavailable",
}


@dataclass(frozen=True, slots=True)
class Queued:
    """A figure that applies when the peer's clock comes to ``due_s``."""

    due_s: float
    sku: str
    quantity: int
    submission: str


@dataclass
class Marketplace:
    """What is queued applies when its time comes; what is ``stuck`` was accepted and applies only on request."""

    shelf: Shelf
    conduct: Conduct
    buckets: Mapping[str, Bucket]
    settle_s: float
    feed_s: float
    queued: list[Queued] = field(default_factory=list)
    stuck: dict[str, tuple[int, str]] = field(default_factory=dict)
    feeds: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, bytes | None] = field(default_factory=dict)
    """By id; None until it is uploaded."""
    sequence_numbers: dict[str, int] = field(default_factory=dict)
    answers: int = 0

    @property
    def shown(self) -> dict[str, int]:
        """Units by seller SKU."""
        return self.shelf.shown

    def work(self) -> None:
        """Apply what is due, in the order in which it was accepted."""
        now = self.conduct.clock()
        for entry in self.queued:
            if entry.due_s <= now:
                self.shelf.set(entry.sku, entry.quantity, entry.submission)
        self.queued = [entry for entry in self.queued if entry.due_s > now]

    def settle(self) -> int:
        """Apply everything that was ever accepted."""
        count = len(self.queued) + len(self.stuck)
        for entry in self.queued:
            self.shelf.set(entry.sku, entry.quantity, entry.submission)
        for sku, (quantity, submission) in self.stuck.items():
            self.shelf.set(sku, quantity, submission)
        self.queued, self.stuck = [], {}
        return count

    def take_on(self, sku: str, quantity: int, fault: Fault | None, wait_s: float, submission: str) -> None:
        """Queue a good figure of ``submission``, or where the fault says so accept it for nothing."""
        if fault is not None and fault.holds_back:
            self.stuck[sku] = (quantity, submission)
        else:
            lingers_s = fault.lingers_s if fault is not None else 0.0
            self.queued.append(Queued(self.conduct.clock() + wait_s + lingers_s, sku, quantity, submission))
            self.work()

    def may(self, operation: str) -> bool:
        """Take one request off the operation's plan, if one is left."""
        taken = self.buckets[operation].take()
        self.conduct.refused_by_limit += not taken
        return taken

    def headers(self, operation: str) -> dict[str, str]:
        """What goes with every answer."""
        self.answers += 1
        rate = self.buckets[operation].rate
        return {"x-amzn-RateLimit-Limit": str(rate), "x-amzn-RequestId": f"request-{self.answers}"}

    def answer(self, operation: str, body: Any, status: int = 200) -> Response:
        """A good answer."""
        return JSONResponse(body, status, self.headers(operation))

    def refuse(self, operation: str, fault: Fault) -> Response:
        """An answer in the API's one shape of errors."""
        if fault.kind is FaultKind.THROTTLED:
            return self.quota_exceeded(operation)
        return self.error(operation, fault.status, f"The marketplace answers {fault.status}.", fault.retry_after_s)

    def quota_exceeded(self, operation: str) -> Response:
        """The answer to one request too many."""
        return self.error(operation, 429, "The quota for this operation is used up.")

    def error(self, operation: str, status: int, message: str, retry_after_s: float | None = None) -> Response:
        """An answer with one error."""
        headers = self.headers(operation)
        if retry_after_s is not None:
            headers["Retry-After"] = f"{retry_after_s:.0f}"
        error = {"code": _CODES.get(status, "InternalFailure"), "message": message, "details": ""}
        return JSONResponse({"errors": [error]}, status, headers)

    def issue(self, sku: str, quantity: int) -> dict[str, Any] | None:
        """What is wrong with a figure."""
        if sku not in self.shown:
            message = "The seller lists no such SKU."
            return _issue("13013", message, "INVALID_ATTRIBUTE")
        if not 0 <= quantity <= QUANTITY_MAX:
            message = f"The quantity is not within 0 and {QUANTITY_MAX}."
            return _issue("99022", message, "INVALID_ATTRIBUTE", "fulfillment_availability")
        return None


def _issue(code: str, message: str, category: str, *attributes: str) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "severity": "ERROR",
        "attributeNames": list(attributes),
        "categories": [category],
    }


def wanted_quantity(values: Any) -> int | None:
    """The quantity that ``fulfillment_availability`` asks for; None where it asks for nothing to be understood."""
    value = values[0] if isinstance(values, list) and values else None
    if not isinstance(value, dict) or not value.get("fulfillment_channel_code"):
        return None
    quantity = value.get("quantity")
    return quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else None
