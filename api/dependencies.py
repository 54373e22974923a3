"""What routes ask for, named once."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.shapes import to_json
from api.wiring import World


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def _actor(request: Request) -> str:
    actor: str = request.state.actor
    return actor


TheWorld = Annotated[World, Depends(_world)]
Actor = Annotated[str, Depends(_actor)]
Limit = Annotated[int, Query(ge=1, le=500, description="Items a page.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


def answer(value: Any, status: int = 200) -> Response:
    """``value`` as JSON, written straight from dataclasses and dictionaries."""
    return Response(to_json(value), status, media_type="application/json")
