"""The worklist as a whole: what happened since somebody left it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.dependencies import Actor, TheWorld, answer
from api.shapes import since_shape
from api.worklist_schemas import SinceShown
from core_sync.cases.attendance import caught_up, last_left
from core_sync.cases.since import read_since

router = APIRouter(tags=["worklist"])


@router.get("/feed/since", response_model=SinceShown, summary="What happened by itself")
def get_since(
    world: TheWorld,
    actor: Actor,
    since: Annotated[AwareDatetime | None, Query(description="Without it, since the caller left the list.")] = None,
) -> Response:
    """What is new, worse, awake again or resolved by itself. Asking does not count as looking at the list."""
    with world.database.reading() as connection:
        left = since or last_left(connection, actor, world.clock())
        return answer(since_shape(read_since(connection, left) if left is not None else None))


@router.post("/feed/seen", response_model=SinceShown, summary="Say that the caller has seen the list")
def post_seen(world: TheWorld, actor: Actor) -> Response:
    """Only what comes later is news to the caller."""
    at = world.clock()
    with world.database.transaction() as connection:
        caught_up(connection, actor, at)
        return answer(since_shape(read_since(connection, at)))
