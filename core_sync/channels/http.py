"""One way to speak HTTP to channels and systems: short time-outs, short retries, and a clear word on what was sent.

A connection that never came about is *not sent*. Once bytes left, a missing or broken answer is *unknown*. Only what
passes within seconds is tried again here: a connection that was not made, and for requests that may be repeated one
that broke. Whatever a channel answers is never tried again here; that is the outbox's.
"""

import json
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from time import monotonic, perf_counter
from typing import Any, TypeVar

import httpx
import msgspec
import stamina

from core_sync.channels.port import NOT_SENT, Exchange, ReadFailed, Rejected, Unknown
from core_sync.failures.redaction import fit_to_keep, secrets_in

CONNECT_S = 2.0
ANSWER_S = 5.0
WHOLE_ANSWER_TIMES = 2.0
"""How many times that an answer may take to its last byte: one that drips must not outlast the lease it is under."""

TRIES_MAX = 3
TRYING_S_MAX = 4.0
"""Tries of one request, and how long they may take in all before the outbox takes over."""

RETRY_AFTER_S_MAX = 86_400.0
"""No channel is left alone for longer than a day, whatever it says."""

ANSWER_BYTES_MAX = 32 * 1024 * 1024
"""An answer that is longer than the longest page of any channel is not read to its end."""

_FIRST_WAIT_S = 0.1
_TOO_MANY_REQUESTS = 429
_TRANSIENT = frozenset({409, 423, 425, _TOO_MANY_REQUESTS, 503})
_BROKEN_SERVER = 500
_REQUEST_TIMED_OUT = 408
_UNAVAILABLE = 503

_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; ``body`` is its content as JSON, None where it is not JSON, ``text`` how it begins."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str
    content: bytes
    exchange: Exchange = field(default=Exchange("", ""), compare=False)


@dataclass
class _BackOff:
    """Whether to try again, and how long to wait first: full jitter below a bound that doubles."""

    repeatable: bool
    tried: int = 0

    def __call__(self, error: Exception) -> bool | float:
        self.tried += 1
        again = isinstance(error, _NO_CONNECTION) or (self.repeatable and isinstance(error, _BROKEN))
        return random.uniform(0.0, _FIRST_WAIT_S * 2.0**self.tried) if again else False  # noqa: S311  # no secret


def client(endpoint: str, headers: Mapping[str, str] | None = None, answer_s: float = ANSWER_S) -> httpx.Client:
    """A client for ``endpoint`` and nothing else: no proxy from the environment, no redirects."""
    return httpx.Client(
        base_url=endpoint,
        headers=dict(headers or {}),
        timeout=httpx.Timeout(answer_s, connect=CONNECT_S),
        trust_env=False,
        follow_redirects=False,
        verify=_certificates(),
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Whom we trust; read once, since reading them takes longer than a request."""
    return httpx.create_ssl_context(trust_env=False)


def ask(
    http: httpx.Client, method: str, path: str, *, operation: str = "", repeatable: bool | None = None, **request: Any
) -> Answer | Rejected | Unknown:
    """Send one request; the network's failures come back as values.

    ``operation`` is what the evidence calls it. ``repeatable`` says that sending it twice is as good as once; a GET is.
    """
    sent = http.build_request(method, path, **request)
    back_off = _BackOff(method == "GET" if repeatable is None else repeatable)
    began, tries = perf_counter(), 0
    received: httpx.Response | None = None
    failure: Exception | None = None
    try:
        for attempt in stamina.retry_context(on=back_off, attempts=TRIES_MAX, timeout=TRYING_S_MAX):
            with attempt:
                tries = attempt.num
                received = _send(http, sent)
    except httpx.HTTPError as error:
        failure = error
    exchange = _exchange(http, sent, operation or method, received, (perf_counter() - began) * 1000, tries)
    if received is None:
        return _no_answer(failure, exchange)
    return Answer(
        received.status_code, received.headers, _json(received), _text(received)[:500], received.content, exchange
    )


def _send(http: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send, and read the answer to its end unless that is absurdly far away.

    Raises:
        httpx.HTTPError: no whole answer came.
    """
    within_s = WHOLE_ANSWER_TIMES * (http.timeout.read or ANSWER_S)
    ends = monotonic() + within_s
    answer = http.send(request, stream=True)
    try:
        content = bytearray()
        for part in answer.iter_bytes():
            content += part
            if monotonic() > ends:
                raise httpx.ReadTimeout(f"not whole after {within_s:g} s", request=request)
            if len(content) > ANSWER_BYTES_MAX:
                raise httpx.DecodingError(f"the answer is longer than {ANSWER_BYTES_MAX} bytes", request=request)
    finally:
        answer.close()
    headers = [(name, value) for name, value in answer.headers.multi_items() if name.lower() != "content-encoding"]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(content), request=request)


def _no_answer(error: Exception | None, exchange: Exchange) -> Rejected | Unknown:
    if isinstance(error, _NO_CONNECTION):
        return Rejected(f"no connection: {error}", NOT_SENT, transient=True, exchange=exchange)
    if isinstance(error, httpx.UnsupportedProtocol):
        return Rejected(f"the endpoint is no address: {error}", NOT_SENT, exchange=exchange)
    if isinstance(error, httpx.TimeoutException):
        return Unknown(f"no answer in time: {error}", "READ_TIMEOUT", exchange=exchange)
    return Unknown(f"the connection broke: {error}", "CONNECTION_BROKEN", exchange=exchange)


def _json(answer: httpx.Response) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        return None


def _text(answer: httpx.Response) -> str:
    """The content as text, in the encoding that it claims where it keeps to it."""
    try:
        return answer.text
    except UnicodeError:
        return answer.content.decode("utf-8", "replace")


def _exchange(
    http: httpx.Client, sent: httpx.Request, operation: str, received: httpx.Response | None, ms: float, tries: int
) -> Exchange:
    secrets = secrets_in(http.headers.multi_items()) | secrets_in(sent.headers.multi_items())
    body = sent.content.decode("utf-8", "replace")
    where = fit_to_keep(f"{sent.method} {sent.url.raw_path.decode('ascii', 'replace')}", secrets)
    told = fit_to_keep(body, secrets)
    headers = received.headers if received is not None else {}
    return Exchange(
        operation,
        f"{where}\n{told}" if told else where,
        fit_to_keep(_text(received), secrets) if received is not None else None,
        received.status_code if received is not None else None,
        next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None),
        ms,
        tries,
    )


_REQUEST_ID_HEADERS = ("x-amzn-requestid", "x-request-id")


def refusal(answer: Answer, code: str, reason: str) -> Rejected | Unknown:
    """What an answer with an error status means.

    A server that broke, or a gateway that waited in vain, may have done the work before it said so: unknown. One that
    says it is not available did not begin.
    """
    broke = answer.status >= _BROKEN_SERVER and answer.status != _UNAVAILABLE
    if broke or answer.status == _REQUEST_TIMED_OUT:
        return Unknown(reason, code, answer.status, exchange=answer.exchange)
    transient = answer.status in _TRANSIENT
    wait_s = retry_after_s(answer.headers)
    return Rejected(reason, code, answer.status, transient, wait_s, exchange=answer.exchange)


def understood(told: Any, shape: type[T]) -> T | None:
    """``told`` as ``shape``; None where it is something else."""
    try:
        return msgspec.convert(told, shape)
    except msgspec.ValidationError:
        return None


def unreadable(answer: Answer) -> Unknown:
    """A success that cannot be understood: whether anything was done is anybody's guess."""
    why = f"an answer that cannot be read: {answer.text[:200]}"
    return Unknown(why, "GARBAGE", answer.status, exchange=answer.exchange)


def not_read(answer: Rejected | Unknown) -> ReadFailed:
    """What a request that only reads raises where it was not answered."""
    if isinstance(answer, Unknown):
        return ReadFailed(answer.why, answer.code, answer.http_status, None, answer.exchange)
    return ReadFailed(answer.reason, answer.code, answer.http_status, answer.retry_after_s, answer.exchange)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the channel asked us to wait, told as a number or as a date (by its own clock, where it has one)."""
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        return _bounded(float(told))
    except ValueError:
        pass
    try:
        their_now = parsedate_to_datetime(headers["date"])
        return _bounded((parsedate_to_datetime(told) - their_now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


def _bounded(seconds: float) -> float:
    return min(RETRY_AFTER_S_MAX, max(0.0, seconds))
