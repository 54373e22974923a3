"""Events in."""

import json
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import Actor, TheWorld, answer
from api.problems import RequestRefused
from api.schemas import Event, Ingested, Problem
from api.shapes import Shape, ingest_shape
from api.wiring import World
from core_sync.intake.messages import ingest_messages

router = APIRouter(tags=["events"])

EVENTS_MAX = 10_000
"""Events a request; larger loads go as files through ``stocktriage ingest``."""

EVENT = Event.model_json_schema()
"""The flat shape of one event, for the document; the reader itself tells what is wrong with one."""

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"type": "array", "maxItems": EVENTS_MAX, "items": EVENT},
                        EVENT,
                    ]
                },
                "example": [
                    {
                        "specversion": "1.0", "id": "wms-1", "source": "wms", "type": "receipt",
                        "time": "2026-03-02T08:00:00Z",
                        "data": {"sku": "MUG", "location": "LEEDS", "quantity": 12, "document": "PO-7", "line": "1"},
                    }
                ],
            }
        },
    }
}  # fmt: skip


@router.post(
    "/events",
    response_model=Ingested,
    responses={207: {"model": Ingested, "description": "Some were rejected; each is named."}, 400: {"model": Problem}},
    openapi_extra=_BODY,
    summary="Tell of stock movements",
)
async def post_events(request: Request, world: TheWorld, actor: Actor) -> Response:
    """Apply events, one or a list, flat or as CloudEvents 1.0. Sent again, an event changes nothing.

    200: every event was taken in (some may wait, parked or suspected to repeat another; they are named).
    207: some were rejected; each is named, and can be corrected and sent again.
    """
    messages = _messages(await request.body())
    return await run_in_threadpool(_ingest, world, messages, actor)


def _ingest(world: World, messages: list[Any], actor: str) -> Response:
    summary = ingest_messages(world.gathering, messages, world.clock(), actor)
    rows: list[Shape] = [
        {"row": one.row, "id": one.event, "status": one.status, "field": one.field, "reason": one.reason}
        for one in summary.named
    ]
    return answer({**ingest_shape(summary), "rows": rows}, 207 if summary.rejected else 200)


def _messages(body: bytes) -> list[Any]:
    try:
        said = json.loads(body, parse_float=Decimal, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(400, "not-json", f"the body is not JSON: {error}") from error
    messages = said if isinstance(said, list) else [said]
    if len(messages) > EVENTS_MAX:
        raise RequestRefused(413, "too-many", f"a request may have {EVENTS_MAX:,} events; ingest files instead")
    return messages
