"""The pages: one case, logging in."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from api.console.asked import OF_THE_LIST, asked_filter, asked_list, asked_order, from_list
from api.console.course_chart import chart_of
from api.console.deeds import DEEDS, FormRefused, Said
from api.console.view import HERE, page
from api.courses import course_of
from api.dependencies import Actor, TheWorld
from api.details import plan_shape, read_detail
from api.guard import COOKIE, SESSION_S, holder_of, session_cookie
from api.judging import judgement_rows
from api.problems import of_error
from api.wiring import World
from core_sync.cases.feed import read_feed_case, read_following
from core_sync.cases.rules import ROOT_CAUSES
from core_sync.cases.whereabouts import rank_terms
from core_sync.errors import NotFound, StocktriageError
from ml.feedback.similar import similar_cases

router = APIRouter(include_in_schema=False)


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
    return RedirectResponse(f"/cases/{case_id}{from_list(_listed(request))}", 303)


def _case_page(case_id: int, request: Request, world: World, actor: str, refusal: str) -> Response:
    at, listed = world.clock(), _listed(request)
    try:
        with world.database.reading() as connection:
            case = read_detail(connection, case_id, at)
            terms = rank_terms(connection, read_feed_case(connection, case_id, at))
            following = read_following(connection, case_id, asked_filter(listed), asked_order(listed))
    except NotFound as error:
        return page("error.html", {"message": str(error), "logged_in": by_cookie(request)}, 404)
    plan, no_plan = _plan(world, case, at)
    told = {
        "at": at, "actor": actor, "case": case, "plan": plan, "no_plan": no_plan, "terms": terms, "refusal": refusal,
        "root_causes": ROOT_CAUSES, "logged_in": by_cookie(request), "following": following,
        "from_list": from_list(listed), "back": urlencode(listed),
        "waiting": [run for run in case["runs"] if run["status"] == "awaiting_approval"],
        "ended": [run for run in case["runs"] if run["status"] != "awaiting_approval"],
    }  # fmt: skip
    return page("case.html", {**told, **_strange(world, case)}, 409 if refusal else 200)


def _listed(request: Request) -> dict[str, str]:
    """The list that the case was opened from."""
    return asked_list(request.query_params.get(OF_THE_LIST, ""))


def _strange(world: World, case: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a case's anomalies: the course of the SKU, cases like it, and what people said."""
    with world.database.reading() as connection:
        course, similar = course_of(connection, case["case"]), similar_cases(connection, case["case"])
    return {
        "strange": any(one["kind"] == "anomaly" for one in case["evidence"]), "course": course,
        "chart": chart_of(course) if course is not None else None, "similar": similar,
        "judgements": judgement_rows(world, case["case"]),
    }  # fmt: skip


def _plan(world: World, case: dict[str, Any], at: datetime) -> tuple[dict[str, Any] | None, str]:
    """What the recommended action would do; or why that cannot be said."""
    from remediation import service

    if case["status"] == "resolved" or not case["recommended_action"]:
        return None, ""
    try:
        return plan_shape(service.preview(world.database, case["case"], at)), ""
    except StocktriageError as error:
        return None, str(error)


def _local(path: str) -> str:
    """``path`` if it leads to a page of ours, else the worklist."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def by_cookie(request: Request) -> bool:
    return COOKIE in request.cookies


def problem_page(request: Request, error: StocktriageError) -> Response:
    """An error of a page as a page; the status is the API's."""
    status = of_error(error).status_code
    return page("error.html", {"message": str(error), "logged_in": by_cookie(request)}, status)
