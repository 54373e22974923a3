"""Answers that are none: cut off in the middle, or not what anybody can read."""

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

GARBAGE: tuple[tuple[str, bytes], ...] = (
    ("application/json", b'{"data": {"inventorySetQuantities": {"inventoryAdj'),
    ("text/html", b"<html><head><title>Welcome</title></head><body>It works.</body></html>"),
    ("application/json", b""),
    ("application/json", b"null"),
    ("application/json", b"[]"),
    ("application/json", b'"ok"'),
    ("application/json", b'{"data": null, "status": 7, "responses": "none", "items": {}, "files": 3}'),
    ("application/json", b'{"data": {"inventorySetQuantities": [], "inventoryItems": 5}, "sku": [], "issues": "x"}'),
    ("application/json", b"\xff\xfe\x00\x9f\x92\x96"),
    ("application/json; charset=utf-16", b'{"status": "ACCEPTED"}'),
    ("application/json", b"[" * 100_000),
    ("application/json", b'{"data": ' + b"9" * 5_000 + b"}"),
    ("text/plain", b"ISA*00*          *00*  ~GS*~~ST*997~AK1~AK9*A"),
)
"""Bodies of a 200 that no connector can make sense of, with their content type."""

GATEWAY_PAGE = (
    "<html><head><title>503</title></head><body><h1>Service Unavailable</h1>The gateway is down.</body></html>"
)


class Cut(Response):
    """An answer that breaks off in the middle of its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Announce more than is sent, and stop."""
        del scope, receive  # whatever was asked
        headers = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data": {', "more_body": True})


def garbage(variant: int) -> Response:
    """A 200 that cannot be read; ``variant`` counts round and round."""
    kind, body = GARBAGE[variant % len(GARBAGE)]
    return Response(body, 200, {"content-type": kind})


def gateway_down() -> Response:
    """What a gateway says when nothing stands behind it: not in the channel's own manner."""
    return HTMLResponse(GATEWAY_PAGE, 503)
