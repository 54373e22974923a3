"""The hand-over, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Actor, TheWorld
from api.handover import MEDIA_TYPES, Format, hand_over, written
from api.routes.feed import Asked

router = APIRouter(tags=["worklist"])

_STYLED = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
"""The page stands for itself, with its style in it, so that it can be kept as a file."""


@router.get("/handover", response_class=Response, summary="The open cases for whoever comes next")
def get_handover(
    world: TheWorld,
    actor: Actor,
    shown: Asked,
    format_: Annotated[Format, Query(alias="format", description="csv, md or html.")] = Format.HTML,
) -> Response:
    """Owner, notes, expected loss and next step of each open case, those asleep too, the first 1,000."""
    with world.database.reading() as connection:
        told = hand_over(connection, shown, actor, world.clock())
    headers = {"content-security-policy": _STYLED}
    if format_ is not Format.HTML:
        headers["content-disposition"] = f'attachment; filename="handover.{format_}"'
    return Response(written(told, format_), media_type=MEDIA_TYPES[format_], headers=headers)
