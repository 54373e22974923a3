"""The page behind a figure: the positions of a SKU, its entries with what they did, and what waits there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.console.asked import kept
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.explanations import Asked, explain_place
from api.shapes import verdict_shape
from api.wiring import World
from core_sync.errors import CursorRefused, NotFound, StocktriageError
from core_sync.ledger import decisions
from core_sync.ledger.entries import entry_by_number
from core_sync.ledger.history import Clock

router = APIRouter(include_in_schema=False)

PAGE = 50
_ASKED = ("sku", "place", "as_of", "clock")


@router.get("/stock")
def stock_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """What is behind the figures of the SKU that was asked for."""
    return _stock_page(request, world, actor, request.query_params, None, "")


@router.post("/stock/{entry}/reverse")
async def reverse(entry: int, request: Request, world: TheWorld, actor: Actor) -> Response:
    """Take an entry back; or say what that would do."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    said = {name: str(form[name]) for name in form}
    return await run_in_threadpool(_reverse, entry, said, request, world, actor)


def _reverse(entry: int, said: Mapping[str, str], request: Request, world: World, actor: str) -> Response:
    asked = said.get("dry_run") == "yes"
    try:
        with world.database.reading() as connection:
            told = entry_by_number(connection, entry)
        with world.ledger() as ledger:
            verdict = decisions.reverse(ledger, told.source, told.event_id, actor, world.clock(), None, asked)
    except StocktriageError as error:
        return _stock_page(request, world, actor, said, None, str(error))
    if asked:
        return _stock_page(request, world, actor, said, {**verdict_shape(verdict), "entry": entry}, "")
    return RedirectResponse(f"/stock?{urlencode(_wanted(said))}", 303)


def _stock_page(
    request: Request, world: World, actor: str, said: Mapping[str, str], verdict: dict[str, Any] | None, refusal: str
) -> Response:
    wanted, at = _wanted(said), world.clock()
    explanation: dict[str, Any] | None = None
    if wanted.get("sku"):
        try:
            asked = Asked(
                sku=wanted["sku"], place=wanted.get("place"), as_of=_moment(wanted.get("as_of")),
                clock=Clock(wanted.get("clock", Clock.OCCURRED)), cursor=said.get("cursor") or None, limit=PAGE,
            )  # fmt: skip
            with world.database.reading() as connection:
                explanation = explain_place(connection, asked, at)
        except CursorRefused:
            return RedirectResponse(f"/stock?{urlencode(wanted)}", 303)
        except (NotFound, ValueError) as error:
            refusal = refusal or str(error)
    next_cursor = explanation["next_cursor"] if explanation is not None else None
    told = {
        "at": at, "actor": actor, "logged_in": by_cookie(request), "explained": explanation, "refusal": refusal,
        "wanted": {name: wanted.get(name, "") for name in _ASKED}, "clocks": list(Clock), "verdict": verdict,
        "more": urlencode({**wanted, "cursor": next_cursor}) if next_cursor else None,
    }  # fmt: skip
    return page("stock.html", told, 409 if refusal else 200)


def _wanted(said: Mapping[str, str]) -> dict[str, str]:
    return kept({name: said.get(name, "").strip() for name in _ASKED})


def _moment(said: str | None) -> datetime | None:
    """A moment as a form says it; without a zone it is UTC, as the page says.

    Raises:
        ValueError: it is none.
    """
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise ValueError(f"{said} is no moment; write 2026-03-02 08:00") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)
