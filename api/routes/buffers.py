"""Buffer recommendations: one, many, and putting them in force."""

from itertools import dropwhile, islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Actor, Cursor, Limit, TheWorld, answer
from api.recommendations import recommendation_rows
from api.schemas import REFUSED, BufferPage, Problem, SetBuffer
from core_sync.availability.buffers import NewBuffer, set_buffers
from core_sync.errors import CursorRefused

router = APIRouter(tags=["buffers"])


@router.get(
    "/buffers", response_model=BufferPage, responses={404: {"model": Problem}}, summary="Recommended channel buffers"
)
def get_buffers(
    world: TheWorld,
    sku: str | None = None,
    channel: str | None = None,
    target: Annotated[float | None, Query(gt=0, lt=1, description="Accepted oversells per unit asked.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """One SKU on one channel, or all: each with its terms, what it is expected to oversell and to lose, and why."""
    rows = recommendation_rows(world, sku, channel, target)
    after = _decoded(cursor) if cursor else None
    left = rows if after is None else dropwhile(lambda row: (row["sku"], row["channel"]) <= after, rows)
    page = list(islice(left, limit + 1))
    more = (page[limit - 1]["sku"], page[limit - 1]["channel"]) if len(page) > limit else None
    on = msgspec.json.encode(more).decode() if more is not None else None
    return answer({"items": page[:limit], "next_cursor": on})


@router.put("/buffers", responses=REFUSED, summary="Put a buffer in force")
def put_buffer(body: SetBuffer, world: TheWorld, actor: Actor) -> Response:
    """A new version of the channel's rule; listings follow."""
    with world.database.transaction() as connection:
        new = NewBuffer(body.channel, body.sku, body.buffer, body.reason)
        changed = set_buffers(connection, [new], actor, world.clock())
    return answer({"changed": changed})


def _decoded(cursor: str) -> tuple[str, str]:
    try:
        key: tuple[str, str] = msgspec.json.decode(cursor, type=tuple[str, str])
    except msgspec.MsgspecError as error:
        raise CursorRefused(cursor) from error
    return key
