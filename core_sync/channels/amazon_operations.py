"""Ask one operation of an Amazon-like marketplace: within its own usage plan, with its one shape of errors.

Each operation has a token bucket of its own. The plans are those that the API's models tell; the header
``x-amzn-RateLimit-Limit`` replaces a rate where it comes.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec

from core_sync.channels.batches import over_budget
from core_sync.channels.budget import Budget, Pace
from core_sync.channels.http import Answer, ask, refusal, understood
from core_sync.channels.port import Rejected, Unknown

_PLANS: Mapping[str, tuple[float, float]] = {
    "patchListingsItem": (5, 5),
    "getListingsItem": (5, 10),
    "searchListingsItems": (5, 5),
    "batchInventory": (5, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (0.0083, 15),
    "getFeed": (2, 15),
    "getFeedDocument": (0.0222, 10),
}
"""Requests a second, and how many at once after a rest. None is told for ``batchInventory``; the header tells it."""

_CLOSED_S_MAX = 60.0
"""How long an operation is left alone at most that was refused without a word on how long."""


class _Error(msgspec.Struct):
    code: str
    message: str


class _Errors(msgspec.Struct):
    errors: list[_Error]


SUBMISSION = "Idempotency-Key"
"""Header that names a submission in whatever logs see it: the marketplace itself does not heed it."""


class Operations:
    """One seller's access; its token goes with every request below the endpoint."""

    def __init__(self, http: httpx.Client, pace: Pace) -> None:
        self._http = http
        # One less at once than the plan allows: the request on its way is not yet counted at the other end.
        self._budgets = {name: Budget(rate, max(1, burst - 1), pace) for name, (rate, burst) in _PLANS.items()}

    def budget(self, operation: str) -> Budget:
        """What is left of one operation's plan."""
        return self._budgets[operation]

    def ask(
        self, operation: str, method: str, path: str, until: float, *, repeatable: bool | None = None, **request: Any
    ) -> Answer | Rejected | Unknown:
        """A good answer, or what stands in its place; waits for the operation's budget up to ``until``."""
        budget = self._budgets[operation]
        wait_s = budget.take(1.0, until)
        if wait_s > 0:
            return over_budget(wait_s)
        answer = ask(self._http, method, path, operation=operation, repeatable=repeatable, **request)
        if not isinstance(answer, Answer):
            return answer
        budget.learn(rate=_rate_told(answer.headers))
        if answer.status < httpx.codes.BAD_REQUEST:
            return answer
        told = understood(answer.body, _Errors)
        first = told.errors[0] if told and told.errors else _Error(f"HTTP_{answer.status}", answer.text)
        refused = refusal(answer, first.code, first.message)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            self._close(budget, refused)
        return refused

    @staticmethod
    def _close(budget: Budget, refused: Rejected | Unknown) -> None:
        told_s = refused.retry_after_s if isinstance(refused, Rejected) else None
        budget.close_for(min(_CLOSED_S_MAX, 1.0 / budget.rate) if told_s is None else told_s)


def _rate_told(headers: Mapping[str, str]) -> float | None:
    try:
        rate = float(headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return None
    return rate if 0.0 < rate < 1e6 else None
