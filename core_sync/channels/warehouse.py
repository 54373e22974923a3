"""What a warehouse system promises us: say what it holds, and take a question from us.

The JSON manner of the simulated warehouse: ``GET /stock`` and ``POST /tasks`` with an idempotency key.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from core_sync.channels.http import Answer, ask, not_read
from core_sync.channels.port import ReadFailed


@dataclass(frozen=True, slots=True)
class Question:
    """What the warehouse shall look into; ``key`` makes a repeat one question."""

    key: str
    sku: str
    location: str
    message: str


class Warehouse(Protocol):
    """One warehouse system."""

    def ask(self, question: Question) -> str:
        """Put a question on the warehouse's list; returns its name for it.

        Raises:
            ReadFailed: it did not take the question, or no whole answer came.
        """
        ...

    def on_hand(self, sku: str, location: str) -> int | None:
        """Units that the system holds of ``sku`` at ``location``; None where it does not know them.

        Raises:
            ReadFailed: no whole answer came.
        """
        ...


class JsonWarehouse:
    """A warehouse system with a plain JSON service."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, question: Question) -> str:
        """Put a question on the warehouse's list."""
        body = {"sku": question.sku, "location": question.location, "message": question.message}
        answer = self._answer("POST", "/tasks", json=body, headers={"Idempotency-Key": question.key})
        return str(answer.body.get("task") or question.key)

    def on_hand(self, sku: str, location: str) -> int | None:
        """Units that the system holds."""
        answer = self._answer("GET", "/stock", params={"sku": sku, "location": location})
        for row in answer.body.get("stock") or ():
            if row.get("sku") == sku and row.get("location") == location:
                return int(row["on_hand"])
        return None

    def _answer(self, method: str, path: str, **request: Any) -> Answer:
        answer = ask(self._http, method, path, **request)
        if not isinstance(answer, Answer):
            raise not_read(answer)
        if answer.status >= httpx.codes.BAD_REQUEST or not isinstance(answer.body, dict):
            raise ReadFailed(answer.text, f"HTTP_{answer.status}", answer.status)
        return answer
