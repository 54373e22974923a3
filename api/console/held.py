"""The page of held events: why each is held, its twin beside it, and the verbs as buttons."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.console.asked import kept
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.shapes import verdict_shape
from api.wiring import World
from core_sync.errors import CursorRefused, NotFound, StocktriageError
from core_sync.ledger import decisions
from core_sync.ledger.held import STATUSES, HeldFilter, count_held, read_held
from core_sync.ledger.verdicts import Verdict

router = APIRouter(include_in_schema=False)

PAGE = 25

DEEDS: Mapping[str, Callable[..., Verdict]] = {
    "confirm": decisions.confirm_duplicate,
    "apply": decisions.apply_after_all,
    "refuse": decisions.refuse,
}
"""Every button by the last part of its address."""

SAYS: Mapping[tuple[str, str], str] = {
    ("suspected_duplicate", "confirm"): "It is the same movement",
    ("suspected_duplicate", "apply"): "It is one of its own",
    ("conflict", "confirm"): "The first was right",
    ("conflict", "apply"): "This one is right",
}
"""What a button says where the verb alone would not tell."""

_FILTERS = ("status", "source", "sku", "location")


@router.get("/held")
def held_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """The list."""
    return _held_page(request, world, actor, request.query_params, None, "")


@router.post("/held/{held_id}/{deed}")
async def decide(held_id: int, deed: str, request: Request, world: TheWorld, actor: Actor) -> Response:
    """One button; then the list again, or what it would do where that was asked."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    said = {name: str(form[name]) for name in form}
    return await run_in_threadpool(_decide, held_id, deed, said, request, world, actor)


def _decide(held_id: int, deed: str, said: Mapping[str, str], request: Request, world: World, actor: str) -> Response:
    asked = said.get("dry_run") == "yes"
    try:
        if deed not in DEEDS:
            raise NotFound("deed", deed)
        with world.ledger() as ledger:
            verdict = DEEDS[deed](ledger, held_id, actor, world.clock(), said.get("note") or None, asked)
    except StocktriageError as error:
        return _held_page(request, world, actor, said, None, str(error))
    if asked:
        return _held_page(request, world, actor, said, {**verdict_shape(verdict), "held": held_id}, "")
    return RedirectResponse(f"/held?{urlencode(_wanted(said))}", 303)


def _held_page(
    request: Request, world: World, actor: str, said: Mapping[str, str], verdict: dict[str, Any] | None, refusal: str
) -> Response:
    wanted = _wanted(said)
    status = wanted.get("status", "")
    shown = HeldFilter(
        statuses=(status,) if status in STATUSES else (),
        source=wanted.get("source"),
        sku=wanted.get("sku"),
        location=wanted.get("location"),
    )
    with world.database.reading() as connection:
        try:
            found = read_held(connection, shown, said.get("cursor") or None, PAGE)
        except CursorRefused:
            return RedirectResponse(f"/held?{urlencode(wanted)}", 303)
        waiting = count_held(connection)
    more = urlencode({**wanted, "cursor": found.next_cursor}) if found.next_cursor else None
    told = {
        "at": world.clock(), "actor": actor, "logged_in": by_cookie(request), "items": found.items, "more": more,
        "wanted": {name: wanted.get(name, "") for name in _FILTERS}, "filtered": bool(wanted), "statuses": STATUSES,
        "waiting": waiting, "cursor": said.get("cursor", ""), "verdict": verdict, "refusal": refusal, "says": SAYS,
    }  # fmt: skip
    return page("held.html", told, 409 if refusal else 200)


def _wanted(said: Mapping[str, str]) -> dict[str, str]:
    return kept({name: said.get(name, "").strip() for name in _FILTERS})
