"""A mailbox at a trading partner: drop files, list and fetch what the partner put there; over HTTP, in SFTP's manner.

Names of the partner's files are ``SEQUENCE-KIND[-REFERENCE].x12`` and sort by time: ``000000000012-997-41.x12``
acknowledges group 41, ``…-TA1-41.x12`` interchange 41, ``…-846.x12`` reports what changed, ``…-846-full.x12`` all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from core_sync.channels.batches import over_budget
from core_sync.channels.budget import Budget
from core_sync.channels.http import Answer, ask, not_read, refusal, understood, unreadable
from core_sync.channels.port import Exchange, ReadFailed, Rejected, Unknown

_LIST_MAX = 1_000
_PAGES_MAX = 10_000
_CLOSED_S = 1.0


class _Listing(msgspec.Struct):
    files: list[str]
    more: bool


@dataclass(frozen=True, slots=True)
class Dropped:
    """The file lies in the mailbox; ``before`` says that it did so already, and was left alone."""

    before: bool
    exchange: Exchange


class Mailbox:
    """One partner's mailbox; its budget is the partner's limit on requests."""

    def __init__(self, http: httpx.Client, budget: Budget) -> None:
        self._http = http
        self._budget = budget

    def drop(self, name: str, text: str, until: float) -> Dropped | Rejected | Unknown:
        """Put a file there unless one of its name is."""
        answer = self._ask(
            "846",
            "PUT",
            f"/mailbox/inbound/{quote(name, safe='')}",
            until,
            content=text.encode(),
            headers={"content-type": "application/edi-x12", "if-none-match": "*"},
        )
        if not isinstance(answer, Answer):
            if isinstance(answer, Rejected) and answer.http_status == httpx.codes.PRECONDITION_FAILED:
                assert answer.exchange is not None  # there was an answer
                return Dropped(True, answer.exchange)
            return answer
        if answer.status not in (httpx.codes.CREATED, httpx.codes.NO_CONTENT):
            return unreadable(answer)
        return Dropped(False, answer.exchange)

    def dropped(self, name: str, until: float) -> str | None:
        """What we dropped under ``name`` ourselves; None where nothing lies there.

        Raises:
            ReadFailed: no whole answer came.
        """
        return self._fetch("inbound", name, until)

    def fetch(self, name: str, until: float) -> str:
        """A file of the partner's.

        Raises:
            ReadFailed: no whole answer came, or the file is gone.
        """
        text = self._fetch("outbound", name, until)
        if text is None:
            raise ReadFailed(f"{name} was listed and is not there", "FILE_GONE", int(httpx.codes.NOT_FOUND))
        return text

    def names(self, after: str, until: float) -> Iterator[str]:
        """Names of the partner's files that sort after ``after``, oldest first.

        Raises:
            ReadFailed: no whole answer came.
        """
        for _ in range(_PAGES_MAX):
            params = {"after": after, "limit": str(_LIST_MAX)}
            answer = self._ask("list", "GET", "/mailbox/outbound", until, params=params)
            if not isinstance(answer, Answer):
                raise not_read(answer)
            listing = understood(answer.body, _Listing)
            if listing is None:
                raise not_read(unreadable(answer))
            yield from listing.files
            if not listing.more or not listing.files:
                return
            after = listing.files[-1]

    def _fetch(self, folder: str, name: str, until: float) -> str | None:
        answer = self._ask("fetch", "GET", f"/mailbox/{folder}/{quote(name, safe='')}", until)
        if isinstance(answer, Rejected) and answer.http_status == httpx.codes.NOT_FOUND:
            return None
        if not isinstance(answer, Answer):
            raise not_read(answer)
        return answer.content.decode("utf-8", "replace")

    def _ask(self, operation: str, method: str, path: str, until: float, **request: Any) -> Answer | Rejected | Unknown:
        wait_s = self._budget.take(1.0, until)
        if wait_s > 0:
            return over_budget(wait_s)
        answer = ask(self._http, method, path, operation=operation, **request)
        if not isinstance(answer, Answer) or answer.status < httpx.codes.BAD_REQUEST:
            return answer
        refused = refusal(answer, f"HTTP_{answer.status}", answer.text)
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            told_s = refused.retry_after_s if isinstance(refused, Rejected) else None
            self._budget.close_for(_CLOSED_S if told_s is None else told_s)
        return refused
