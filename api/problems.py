"""Errors as problem details (RFC 9457): one table from the type of an error to what the outside is told."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.shapes import to_json
from core_sync.errors import (
    CursorRefused,
    DatabaseUnavailable,
    NotFound,
    SettingsRefused,
    StocktriageError,
    VerbRefused,
)
from core_sync.interchange.errors import InterchangeError

_LOG = logging.getLogger("stocktriage.api")

STATUS: Mapping[type[Exception], tuple[int, str]] = {
    NotFound: (404, "not-found"),
    VerbRefused: (409, "refused"),
    CursorRefused: (400, "cursor-refused"),
    InterchangeError: (422, "unreadable"),
    DatabaseUnavailable: (503, "database-unavailable"),
    SettingsRefused: (500, "settings-refused"),
    StocktriageError: (400, "refused"),
}
"""The first type that an error is one of tells its status and the name of the problem."""

MEDIA_TYPE = "application/problem+json"
_USUAL = ("type", "title", "status", "detail")
_TOLD = ("kind", "name", "verb", "subject", "reason", "field", "cursor", "setting")


class RequestRefused(StocktriageError):
    """The request itself cannot be taken: its ``status`` and ``name`` say how."""

    def __init__(self, status: int, name: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail


def problem(
    status: int,
    name: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """An answer that says what is wrong; ``more`` are members of its own beside the usual ones."""
    body = {
        "type": f"urn:stocktriage:problem:{name}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **{key: value for key, value in more.items() if key not in _USUAL},
    }
    return Response(to_json(body), status, dict(headers or {}), MEDIA_TYPE)


def of_error(error: StocktriageError) -> Response:
    """What the outside is told of ``error``, with the data it carries."""
    if isinstance(error, RequestRefused):
        return problem(error.status, error.name, error.detail)
    status, name = next(told for kind, told in STATUS.items() if isinstance(error, kind))
    data = {key: getattr(error, key) for key in _TOLD if isinstance(getattr(error, key, None), str)}
    detail = "the database cannot be used" if isinstance(error, DatabaseUnavailable) else str(error)
    return problem(status, name, detail, None, {} if isinstance(error, DatabaseUnavailable) else data)


def register(app: FastAPI, as_page: Callable[[Request, StocktriageError], Response]) -> None:
    """Answer every error of the API as a problem, and every one of a page by ``as_page``."""

    @app.exception_handler(StocktriageError)
    def _known(request: Request, error: StocktriageError) -> Response:
        if isinstance(error, DatabaseUnavailable):
            _LOG.warning("%s", error)
        return of_error(error) if request.url.path.startswith("/v1") else as_page(request, error)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> Response:
        found = [
            {"field": ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]), "reason": one["msg"]}
            for one in error.errors()
        ]
        detail = "; ".join(f"{one['field']}: {one['reason']}" for one in found)
        return problem(422, "invalid-request", detail, None, {"errors": found})

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, "http", str(error.detail), error.headers)

    @app.exception_handler(Exception)
    def _unknown(_: Request, error: Exception) -> Response:
        _LOG.error("unexpected %s", type(error).__name__, exc_info=error)
        return problem(500, "unexpected", "something unexpected happened; the log says what")
