"""What was sent is known, what passes within seconds is tried again, and a status says what an answer means."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from time import monotonic

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core_sync.channels import http as channel_http
from core_sync.channels.http import Answer, ask, client, refusal, retry_after_s
from core_sync.channels.port import NOT_SENT, Exchange, Rejected, Unknown
from simulation.peers.answers import Cut
from simulation.peers.serve import running

Serve = Callable[[Request], Response]


@contextmanager
def served(*answers: Serve) -> Iterator[tuple[httpx.Client, list[str]]]:
    """Somebody who gives these answers in order, the last one again and again; and the paths asked for."""
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return answers[min(len(asked), len(answers)) - 1](request)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT"])])
    with running(app) as url, client(url, {"X-Access-Token": "s3cr3t-token"}, answer_s=2.0) as http:
        yield http, asked


def cut(_: Request) -> Response:
    return Cut()


def good(_: Request) -> Response:
    return JSONResponse({"good": True}, headers={"x-request-id": "r-1"})


def exchange_of(answer: Answer | Rejected | Unknown) -> Exchange:
    assert answer.exchange is not None
    return answer.exchange


def test_what_may_be_repeated_is_tried_again_when_the_connection_breaks() -> None:
    with served(cut, cut, good) as (http, asked):
        answer = ask(http, "GET", "/stock")
    assert isinstance(answer, Answer)
    assert (answer.body, answer.exchange.attempts, len(asked)) == ({"good": True}, 3, 3)
    assert answer.exchange.request_id == "r-1"


def test_a_write_whose_connection_breaks_is_unknown_at_once() -> None:
    with served(cut, good) as (http, asked):
        answer = ask(http, "POST", "/stock", json={})
    assert isinstance(answer, Unknown)
    assert (answer.code, exchange_of(answer).attempts, len(asked)) == ("CONNECTION_BROKEN", 1, 1)


def test_an_error_status_is_an_answer_and_never_tried_again() -> None:
    with served(lambda _: Response(status_code=503), good) as (http, asked):
        answer = ask(http, "GET", "/stock")
    assert isinstance(answer, Answer)
    assert (answer.status, len(asked)) == (503, 1)


def test_an_endpoint_that_is_no_address_is_not_tried_later() -> None:
    with client("ftp://127.0.0.1") as http:
        answer = ask(http, "GET", "/")
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.transient) == (NOT_SENT, False)


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_http, "ANSWER_BYTES_MAX", 10_000)
    with served(lambda _: StreamingResponse(b"x" * 1_000 for _ in range(10_000))) as (http, _):
        answer = ask(http, "POST", "/")
    assert isinstance(answer, Unknown)


def test_neither_token_nor_person_stands_in_the_evidence_however_they_come_back() -> None:
    def echo(request: Request) -> Response:
        token = request.headers["x-access-token"]
        person = {"email": "ann@example.invalid", "first_name": "Ann", "shippingAddress": {"zip": "1"}, "sku": "MUG"}
        return JSONResponse(
            {"you sent": token, "customer": person, "order": person, "note": f"mail ann@example.invalid {token}"}
        )

    with served(echo) as (http, _):
        answer = ask(http, "POST", "/orders?access_token=s3cr3t-token", json={"api_key": "k-1", "quantity": 5})
    told = f"{exchange_of(answer)}"
    assert all(word not in told for word in ("s3cr3t-token", "ann@example.invalid", "Ann", "k-1"))
    assert all(word in told for word in ("MUG", "quantity", "5"))


@pytest.mark.parametrize("status", [408, 500, 502, 504, 507, 599])
def test_a_server_that_broke_may_have_done_the_work(status: int) -> None:
    assert isinstance(refusal(Answer(status, {}, None, "", b""), "CODE", "why"), Unknown)


@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (401, False), (403, False), (404, False), (409, True), (413, False), (422, False), (423, True),
     (425, True), (429, True), (503, True)],
)  # fmt: skip
def test_other_refusals_are_sure_and_say_whether_later_may_help(status: int, transient: bool) -> None:
    refused = refusal(Answer(status, {"retry-after": "3"}, None, "", b""), "CODE", "why")
    assert isinstance(refused, Rejected)
    assert (refused.transient, refused.retry_after_s) == (transient, 3.0)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "1e99"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"retry-after": "Fri, 27 Nov 2026 10:00:30 GMT", "date": "Fri, 27 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 27 Nov 2026 10:00:30 GMT"}, None),
    ],
)
def test_a_wait_is_told_as_seconds_or_as_a_date_by_their_clock(told: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(told) == seconds


def test_an_answer_that_drips_is_not_waited_for_longer_than_a_lease_lasts() -> None:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.2)

    with served(lambda _: StreamingResponse(drops())) as (http, _):
        http.timeout = httpx.Timeout(0.5, connect=2.0)
        began = monotonic()
        answer = ask(http, "POST", "/stock", json={})
    assert isinstance(answer, Unknown)
    assert answer.code == "READ_TIMEOUT"
    assert monotonic() - began < 5.0
