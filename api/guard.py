"""What every request passes before a route sees it: host, size, origin, who it is; and what every answer carries.

A page on another site can make a browser send requests here, so a request that changes something must
not come from another origin, and on loopback the Host header must name loopback (else a foreign name
could be made to point here). Scripts send neither and carry a token.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import RequestRefused, problem
from core_sync.settings import Settings

BODY_BYTES_MAX = 16_000_000
"""Largest request body; some ten thousand events. Larger loads go as files through ``stocktriage ingest``."""

COOKIE = "stocktriage"
SESSION_S = 12 * 3600
_CHANGING = ("POST", "PUT", "PATCH", "DELETE")
_OPEN = ("/v1/health", "/login", "/static/")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware in front of the application."""

    def __init__(self, app: ASGIApp, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._clock = clock
        self._tokens = dict(settings.tokens())
        own = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._hosts = (*_LOCAL_NAMES, own.lower(), *(name.lower() for name in settings.public_hosts))
        self._any_host = not settings.listens_on_loopback and not settings.public_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self._app(scope, _Bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if not self._any_host and name not in self._hosts:
            return problem(421, "host-refused", f"this service is not known as {name or 'nothing'}")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return problem(413, "too-large", f"a request may have {BODY_BYTES_MAX:,} bytes; ingest files instead")
        if scope["method"] in _CHANGING and not _same_origin(headers, host):
            return problem(403, "cross-origin", "a request that changes something must come from this site itself")
        actor = self._actor(headers)
        path = scope["path"]
        if actor is None and not path.startswith(_OPEN):
            if path.startswith("/v1"):
                detail = "send Authorization: Bearer with one of the configured tokens"
                return problem(401, "not-authenticated", detail, {"WWW-Authenticate": "Bearer"})
            return RedirectResponse(f"/login?next={quote(path)}", 303)
        scope.setdefault("state", {})["actor"] = actor or "operator"
        return None

    def _actor(self, headers: Headers) -> str | None:
        """Who it is; None where a token is needed and none is there. Without tokens everybody is the operator."""
        if not self._tokens:
            return "operator"
        kind, _, said = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return holder_of(self._tokens, said.strip())
        return session_actor(self._tokens, headers.get("cookie", ""), self._clock().timestamp())


def holder_of(tokens: Mapping[str, str], said: str) -> str | None:
    """Whose token ``said`` is; every token is compared, in constant time."""
    found = None
    for name, token in tokens.items():
        if hmac.compare_digest(token.encode(), said.encode()):
            found = name
    return found


def session_cookie(tokens: Mapping[str, str], name: str, at: float) -> str:
    """What a browser keeps after ``name`` logged in: until when, signed with the token, which is not in it."""
    until = int(at) + SESSION_S
    return f"{quote(name, safe='')}.{until}.{_signature(tokens[name], name, until)}"


def session_actor(tokens: Mapping[str, str], cookies: str, at: float) -> str | None:
    """Who the browser's cookie says it is, if its signature holds and its time is not over."""
    try:
        kept = SimpleCookie(cookies).get(COOKIE)
    except CookieError:
        return None
    parts = kept.value.rsplit(".", 2) if kept is not None else []
    if len(parts) != 3 or not parts[1].isdigit() or int(parts[1]) < at:
        return None
    name = unquote(parts[0])
    if name not in tokens:
        return None
    expected = _signature(tokens[name], name, int(parts[1]))
    return name if hmac.compare_digest(expected.encode(), parts[2].encode()) else None


def _signature(token: str, name: str, until: int) -> str:
    return hmac.new(token.encode(), f"session|{name}|{until}".encode(), hashlib.sha256).hexdigest()


def _same_origin(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == host
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


class _Bounded:
    """A body that is sent without its length is bounded while it comes."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._came = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._came += len(message.get("body", b""))
        if self._came > BODY_BYTES_MAX:
            raise RequestRefused(413, "too-large", f"a request may have {BODY_BYTES_MAX:,} bytes")
        return message


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                if name not in headers:
                    headers[name] = value
        await send(message)

    return sending
