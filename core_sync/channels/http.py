"""One way to speak HTTP to channels and systems: short time-outs, and a clear word on what was sent.

A connection that never came about is *not sent*. Once bytes left, a missing or broken answer is
*unknown*. Longer retries are the outbox's; here nothing is tried twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from core_sync.channels.port import NOT_SENT as NOT_SENT
from core_sync.channels.port import Rejected, Unknown

CONNECT_S = 2.0
ANSWER_S = 5.0
TOO_MANY_REQUESTS = 429
_BROKEN_SERVER = 500
_CONFLICT = 409
_TIMED_OUT = (408, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: status, headers, and the body as JSON (None where it is not JSON)."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str


def client(endpoint: str, headers: Mapping[str, str] | None = None, answer_s: float = ANSWER_S) -> httpx.Client:
    """A client for ``endpoint`` and nothing else: no proxy from the environment, no redirects."""
    return httpx.Client(
        base_url=endpoint,
        headers=dict(headers or {}),
        timeout=httpx.Timeout(answer_s, connect=CONNECT_S),
        trust_env=False,
        follow_redirects=False,
    )


def ask(http: httpx.Client, method: str, path: str, **request: Any) -> Answer | Rejected | Unknown:
    """Send one request; the network's failures come back as values."""
    try:
        response = http.request(method, path, **request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Rejected(f"no connection: {error}", NOT_SENT, transient=True)
    except httpx.ReadTimeout as error:
        return Unknown(f"no answer in time: {error}", "READ_TIMEOUT")
    except httpx.HTTPError as error:
        return Unknown(f"the connection broke: {error}", "CONNECTION_BROKEN")
    try:
        body = response.json()
    except ValueError:
        body = None
    return Answer(response.status_code, response.headers, body, response.text[:500])


def refusal(answer: Answer, code: str, reason: str) -> Rejected | Unknown:
    """What an answer with an error status means: a gateway that timed out leaves the outcome unknown."""
    if answer.status in _TIMED_OUT:
        return Unknown(reason, code, answer.status)
    transient = answer.status in (TOO_MANY_REQUESTS, _CONFLICT) or answer.status >= _BROKEN_SERVER
    return Rejected(reason, code, answer.status, transient, _retry_after(answer.headers))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    told = headers.get("retry-after")
    try:
        return max(0.0, float(told)) if told is not None else None
    except ValueError:  # the other allowed form, a date, is no use to a peer whose clock we do not know
        return None
