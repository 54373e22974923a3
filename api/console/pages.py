"""The pages: the worklist, one case, logging in."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response
from sqlalchemy import text

from api.console.deeds import DEEDS, FormRefused, Said
from api.console.view import HERE, page
from api.dependencies import Actor, TheWorld
from api.details import plan_shape, read_detail
from api.guard import COOKIE, SESSION_S, holder_of, session_cookie
from api.problems import of_error
from api.shapes import case_shape
from api.wiring import World
from core_sync.cases.attendance import caught_up, visit
from core_sync.cases.bulk import PastBulk, past_bulks
from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.rules import ON_THE_LIST, ROOT_CAUSES, Status
from core_sync.cases.since import read_since
from core_sync.cases.totals import read_coverage, read_totals
from core_sync.errors import CursorRefused, NotFound, StocktriageError

router = APIRouter(include_in_schema=False)

PAGE = 25
STEPS_SHOWN = (10, 50)
"""After how many cases the page says how much they cover."""
STATUS_FILTERS = ("", "all", *Status)
NARROWED_BY = ("status", "root_cause", "sku", "location", "channel", "owner", "abstained", "search")
"""The fields of the page that narrow the list."""


@router.get("/")
def feed_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """The worklist."""
    said = request.query_params
    wanted = {name: said.get(name, "").strip() for name in NARROWED_BY}
    shown, cursor, at = asked_filter(wanted), said.get("cursor", ""), world.clock()
    left = visit(world.database, actor, at)
    with world.database.reading() as connection:
        try:
            found = read_feed(connection, at, shown, cursor or None, PAGE)
        except CursorRefused:
            return RedirectResponse(f"/?{urlencode(kept(wanted))}", 303)
        totals, covered = read_totals(connection, shown), read_coverage(connection, shown, STEPS_SHOWN)
        channels = list(connection.execute(text("SELECT channel FROM channel ORDER BY priority, channel")).scalars())
        then = read_since(connection, left) if left is not None and not cursor else None
        done = _just_done(past_bulks(connection), said.get("done", ""))
        known = bool(connection.execute(text("SELECT EXISTS (SELECT 1 FROM exception_case)")).scalar_one())
    more = urlencode({**kept(wanted), "cursor": found.next_cursor}) if found.next_cursor else None
    here = kept({**wanted, "cursor": cursor})
    told = {
        "at": at, "actor": actor, "cases": [case_shape(one) for one in found.cases], "totals": totals,
        "covered": covered, "more": more, "then": then if then is not None and not then.is_quiet else None,
        "wanted": wanted, "filtered": bool(kept(wanted)), "statuses": STATUS_FILTERS, "root_causes": ROOT_CAUSES,
        "channels": channels, "any_case": known, "first": not cursor, "logged_in": by_cookie(request),
        "here": urlencode(here), "done": done,
    }  # fmt: skip
    return page("feed.html", told)


def asked_filter(wanted: Mapping[str, str]) -> Filter:
    """What the fields of the page narrow the list to."""
    named = {name: wanted.get(name) or None for name in ("root_cause", "sku", "location", "channel", "owner", "search")}
    undecided = True if wanted.get("abstained") == "yes" else None
    return Filter(statuses=_statuses(wanted.get("status", "")), abstained=undecided, **named)


def _just_done(past: Sequence[PastBulk], said: str) -> PastBulk | None:
    """What was done to many cases a page ago, as long as it can be taken back."""
    return next((one for one in past if str(one.bulk) == said and one.undone_at is None), None)


@router.get("/cases/{case_id}")
def case_page(case_id: int, request: Request, world: TheWorld, actor: Actor) -> Response:
    """One case."""
    return _case_page(case_id, request, world, actor, "")


@router.post("/cases/{case_id}/{deed}")
async def do_to_case(case_id: int, deed: str, request: Request, world: TheWorld, actor: Actor) -> Response:
    """A form of the case page; then the page again."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    fields = {name: [str(value) for value in form.getlist(name)] for name in form}
    return await run_in_threadpool(_do, case_id, deed, fields, request, world, actor)


@router.post("/seen")
def seen(world: TheWorld, actor: Actor) -> Response:
    """What happened is known; only what comes later is news."""
    with world.database.transaction() as connection:
        caught_up(connection, actor, world.clock())
    return RedirectResponse("/", 303)


@router.get("/login")
def login_page(next: str = "/") -> Response:  # noqa: A002 (the name in the address)
    """Where a browser is asked for its token."""
    return page("login.html", {"next": _local(next), "refused": False, "logged_in": False})


@router.post("/login")
def login(
    world: TheWorld,
    token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 (the name in the form)
) -> Response:
    """Keep who it is in a cookie that no script can read."""
    tokens = world.settings.tokens()
    name = holder_of(tokens, token.strip())
    if name is None:
        return page("login.html", {"next": _local(next), "refused": True, "logged_in": False}, 401)
    answer = RedirectResponse(_local(next), 303)
    value = session_cookie(tokens, name, world.clock().timestamp())
    answer.set_cookie(COOKIE, value, max_age=SESSION_S, httponly=True, samesite="strict", path="/")
    return answer


@router.post("/logout")
def logout() -> Response:
    """Forget who it is."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/static/console.css")
def style() -> Response:
    """The one style sheet."""
    return FileResponse(HERE / "static" / "console.css", headers={"cache-control": "max-age=300"})


def _do(case_id: int, deed: str, fields: dict[str, list[str]], request: Request, world: World, actor: str) -> Response:
    doing: Callable[[World, Said], None] | None = DEEDS.get(deed)
    try:
        if doing is None:
            raise NotFound("deed", deed)
        doing(world, Said(case_id, actor, world.clock(), fields))
    except (StocktriageError, FormRefused) as error:
        if isinstance(error, NotFound) and error.kind == "case":
            return page("error.html", {"message": str(error), "logged_in": by_cookie(request)}, 404)
        return _case_page(case_id, request, world, actor, str(error))
    return RedirectResponse(f"/cases/{case_id}", 303)


def _case_page(case_id: int, request: Request, world: World, actor: str, refusal: str) -> Response:
    at = world.clock()
    try:
        with world.database.reading() as connection:
            case = read_detail(connection, case_id, at)
    except NotFound as error:
        return page("error.html", {"message": str(error), "logged_in": by_cookie(request)}, 404)
    plan, no_plan = _plan(world, case, at)
    told = {
        "at": at, "actor": actor, "case": case, "plan": plan, "no_plan": no_plan, "refusal": refusal,
        "root_causes": ROOT_CAUSES, "logged_in": by_cookie(request),
        "waiting": [run for run in case["runs"] if run["status"] == "awaiting_approval"],
        "ended": [run for run in case["runs"] if run["status"] != "awaiting_approval"],
    }  # fmt: skip
    return page("case.html", told, 409 if refusal else 200)


def _plan(world: World, case: dict[str, Any], at: datetime) -> tuple[dict[str, Any] | None, str]:
    """What the recommended action would do; or why that cannot be said."""
    from remediation import service

    if case["status"] == "resolved" or not case["recommended_action"]:
        return None, ""
    try:
        return plan_shape(service.preview(world.database, case["case"], at)), ""
    except StocktriageError as error:
        return None, str(error)


def _statuses(said: str) -> tuple[Status, ...]:
    if said == "all":
        return ()
    return (Status(said),) if said in set(Status) else ON_THE_LIST


def kept(wanted: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in wanted.items() if value}


def _local(path: str) -> str:
    """``path`` if it leads to a page of ours, else the worklist."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def by_cookie(request: Request) -> bool:
    return COOKIE in request.cookies


def problem_page(request: Request, error: StocktriageError) -> Response:
    """An error of a page as a page; the status is the API's."""
    status = of_error(error).status_code
    return page("error.html", {"message": str(error), "logged_in": by_cookie(request)}, status)
