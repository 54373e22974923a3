"""Saved views of the worklist, over HTTP."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Actor, TheWorld, answer
from api.schemas import REFUSED
from api.shapes import view_shape
from api.worklist_schemas import Fitting, ViewBody, ViewShown
from core_sync.cases.narrow import Filter
from core_sync.cases.rules import ON_THE_LIST
from core_sync.cases.views import find_view, forget_view, read_views, save_view

router = APIRouter(tags=["worklist"])


@router.get("/views", response_model=list[ViewShown], summary="Saved views")
def get_views(world: TheWorld, actor: Actor) -> Response:
    """The caller's, then everybody's."""
    with world.database.reading() as connection:
        return answer([view_shape(view) for view in read_views(connection, actor)])


@router.put("/views/{name}", response_model=ViewShown, responses=REFUSED, summary="Save a view")
def put_view(name: str, body: ViewBody, world: TheWorld, actor: Actor) -> Response:
    """Keep a filter and an order under a name; one of that name is replaced."""
    owner = None if body.shared else actor
    with world.database.transaction() as connection:
        save_view(connection, owner, name, filter_of(body.fitting), body.order, world.clock())
        saved = next(view for view in read_views(connection, actor) if (view.name, view.owner) == (name.strip(), owner))
        return answer(view_shape(saved))


@router.delete("/views/{name}", response_model=ViewShown, responses=REFUSED, summary="Delete a view")
def delete_view(name: str, world: TheWorld, actor: Actor) -> Response:
    """The caller's own of that name goes; where there is none, everybody's."""
    with world.database.transaction() as connection:
        view = find_view(connection, actor, name)
        forget_view(connection, actor, name)
        return answer(view_shape(view))


def filter_of(said: Fitting) -> Filter:
    """What a body narrows the list to."""
    named = said.model_dump(exclude={"status"})
    return replace(Filter(**named), statuses=tuple(said.status) or ON_THE_LIST)
