"""The page of detection: today's audits, what is expected, what people said, and how many false alarms are accepted."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api import judging
from api.console.judging import Fields, judged, text_of
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.wiring import World
from core_sync.errors import NotFound, StocktriageError

router = APIRouter(include_in_schema=False)


@router.get("/detection")
def detection_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """The page."""
    return _page(request, world, actor, "")


@router.post("/detection/{deed}/{subject}")
async def decide(deed: str, subject: str, request: Request, world: TheWorld, actor: Actor) -> Response:
    """One form; then the page again."""
    from fastapi.concurrency import run_in_threadpool

    form = await request.form()
    fields = {name: [str(value) for value in form.getlist(name)] for name in form}
    return await run_in_threadpool(_decide, deed, subject, fields, request, world, actor)


def _decide(deed: str, subject: str, fields: Fields, request: Request, world: World, actor: str) -> Response:
    doing: Mapping[str, Callable[[], None]] = {
        "audits": lambda: judged(world, actor, fields, audit_id=int(subject)),
        "undo": lambda: judging.undo(world, int(subject), actor),
        "accept": lambda: judging.say_accepted(
            world, subject, text_of(fields, "accept"), actor, text_of(fields, "reason")
        ),
    }
    try:
        if deed not in doing or (deed != "accept" and not subject.isdigit()):
            raise NotFound("deed", f"{deed} {subject}")
        doing[deed]()
    except StocktriageError as error:
        return _page(request, world, actor, str(error))
    return RedirectResponse("/detection", 303)


def _page(request: Request, world: World, actor: str, refusal: str) -> Response:
    told = {
        "at": world.clock(), "actor": actor, "refusal": refusal, "logged_in": by_cookie(request),
        "kinds": judging.detection_rows(world), "audits": judging.audit_rows(world),
        "expected": judging.expected_rows(world), "judgements": judging.judgement_rows(world, limit=25),
    }  # fmt: skip
    return page("detection.html", told, 409 if refusal else 200)
