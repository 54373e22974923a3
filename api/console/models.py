"""The page of models: who is live and who answers beside, drift, trainings, and the labels that are learnt from."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api import challenge
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.models import label_rows, model_rows
from api.watching import drift_kept, retraining_rows
from api.wiring import World
from core_sync.errors import StocktriageError

router = APIRouter(include_in_schema=False)

LABELS = 50
"""Labels shown."""
TRAININGS = 5


@router.get("/models")
def models_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """The page."""
    return _page(request, world, actor, "")


@router.post("/models/challenge/end")
def end_challenge(request: Request, world: TheWorld, actor: Actor) -> Response:
    """Nobody answers beside the live model any more."""
    try:
        challenge.end(world, actor)
    except StocktriageError as error:
        return _page(request, world, actor, str(error))
    return RedirectResponse("/models", 303)


def _page(request: Request, world: World, actor: str, refusal: str) -> Response:
    rows = model_rows(world)
    told = {
        "at": world.clock(), "actor": actor, "refusal": refusal, "logged_in": by_cookie(request),
        "models": rows, "challengers": [row for row in rows if row["role"] == "challenger"],
        "drift": drift_kept(world), "trainings": retraining_rows(world, TRAININGS),
        "labels": label_rows(world, LABELS),
    }  # fmt: skip
    return page("models.html", told, 409 if refusal else 200)
