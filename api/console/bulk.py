"""One verb to what is ticked on the worklist: first what would happen to which, then the doing and the undoing."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.console.asked import asked_filter
from api.console.deeds import FormRefused, Said
from api.console.pages import by_cookie
from api.console.view import moment, money, page, words
from api.dependencies import Actor, TheWorld
from api.wiring import World
from core_sync.cases.bulk import BulkOutcome, do_to_many, fitting_cases, undo_bulk
from core_sync.cases.deeds import Deed
from core_sync.errors import StocktriageError
from core_sync.money import from_ten_thousandths

router = APIRouter(include_in_schema=False)

_KEPT = ("verb", "what", "until", "override_until", "above", "stock_below", "root_cause", "expected_loss", "back")
"""What a preview is asked for with, beside the cases."""


@router.post("/bulk")
async def do_many(request: Request, world: TheWorld, actor: Actor) -> Response:
    """Preview, and once that was seen, do it."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    fields = {name: [str(value) for value in form.getlist(name)] for name in form}
    return await run_in_threadpool(_do_many, fields, request, world, actor)


@router.post("/bulk/{bulk_id}/undo")
async def undo_many(bulk_id: int, request: Request, world: TheWorld, actor: Actor) -> Response:
    """Take all of it back."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    back = str(form.get("back", ""))
    outcome = await run_in_threadpool(undo_bulk, world.database, bulk_id, actor, world.clock())
    return _page(request, actor, {"outcome": outcome, "verb": "undo", "back": _back(back)})


def _do_many(fields: Mapping[str, Sequence[str]], request: Request, world: World, actor: str) -> Response:
    said = Said(0, actor, world.clock(), fields)
    back, trial = said.text("back"), said.text("do") != "yes"
    try:
        cases = _cases(world, said, back)
        deed = _deed(said)
        outcome = do_to_many(world.database, deed, cases, actor, said.at, dry_run=trial)
    except (StocktriageError, FormRefused) as error:
        return _page(request, actor, {"refusal": str(error), "verb": said.text("verb"), "back": _back(back)}, 409)
    if not trial and not outcome.refused and outcome.bulk is not None:
        kept = parse_qsl(back)
        return RedirectResponse(f"/?{urlencode([*kept, ('done', outcome.bulk)])}", 303)
    told: dict[str, Any] = {"outcome": outcome, "verb": deed.verb, "trial": trial, "back": _back(back)}
    told["details"] = _in_words(deed, world.settings.reporting_currency)
    return _page(request, actor, {**told, "said": {name: said.text(name) for name in _KEPT}})


def _cases(world: World, said: Said, back: str) -> list[int]:
    if said.text("which") != "all":
        return said.numbers("case")
    with world.database.reading() as connection:
        return fitting_cases(connection, asked_filter(dict(parse_qsl(back))))


def _deed(said: Said) -> Deed:
    verb, what = said.text("verb"), said.text("what")
    snoozed, overridden = verb == "snooze", verb == "override"
    return Deed(
        verb=verb,
        note=what or None if verb not in ("assign", "resolve", "merge", "override") else None,
        owner=what or None if verb == "assign" else None,
        until=said.until("override_until" if overridden else "until") if snoozed or overridden else None,
        above=said.money("above") if snoozed else None,
        stock_below=said.number("stock_below") if snoozed and said.text("stock_below") else None,
        resolution=what if verb == "resolve" else "",
        into=said.number("what") if verb == "merge" else None,
        reason=what if overridden else "",
        root_cause=said.text("root_cause") or None if overridden else None,
        rank=said.money("expected_loss") if overridden else None,
    )


def _in_words(deed: Deed, currency: str) -> list[str]:
    """What ``deed`` would do beside what its name says, as a preview tells it."""
    said: dict[str, str | None] = {
        "note": deed.note,
        "owner": deed.owner or ("nobody" if deed.verb == "assign" else None),
        "into": None if deed.into is None else f"case {deed.into}",
        "how": deed.resolution or None,
        "root cause": words(deed.root_cause) or None,
        "ranked as": None if deed.rank is None else money(from_ten_thousandths(deed.rank), currency),
        "why": deed.reason or None,
        "exposure above": None if deed.above is None else money(from_ten_thousandths(deed.above), currency),
        "stock below": None if deed.stock_below is None else f"{deed.stock_below:,}",
        "until": moment(deed.until) if deed.until else "taken back" if deed.verb == "override" else None,
    }
    return [f"{name}: {told}" for name, told in said.items() if told is not None]


def _back(said: str) -> str:
    """Where the list was, as a query of our own page."""
    return urlencode(parse_qsl(said))


def _page(request: Request, actor: str, told: Mapping[str, Any], status: int = 200) -> Response:
    usual: dict[str, BulkOutcome | str | bool | None] = {"outcome": None, "refusal": "", "trial": False}
    return page(
        "bulk.html",
        {**usual, "said": {}, "details": [], **told, "actor": actor, "logged_in": by_cookie(request)},
        status,
    )
