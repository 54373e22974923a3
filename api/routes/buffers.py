"""Buffer recommendations: one, many, and putting them in force."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.buffer_schemas import (
    ApplyBuffers,
    BufferApplied,
    BufferCompared,
    BufferPage,
    BufferRolledBack,
    BufferStepShown,
    BufferTargetShown,
    BufferVersionShown,
    RollBackBuffer,
    SetBuffer,
    SetBufferTarget,
)
from api.dependencies import Actor, Cursor, Limit, TheWorld, answer
from api.recommendations import Wanted, apply_rows, compare_rows, recommendation_page, step_row, target_rows
from api.schemas import REFUSED, Problem
from core_sync.availability.buffers import NewBuffer, buffer_versions, roll_back_buffer, set_buffers
from core_sync.availability.promises import channel_names
from core_sync.errors import CursorRefused, NotFound
from ml.buffers.steering import past_steps
from ml.buffers.targets import set_target

router = APIRouter(tags=["buffers"])

Target = Annotated[float | None, Query(gt=0, lt=1, description="Accepted oversells per unit asked.")]


@router.get(
    "/buffers", response_model=BufferPage, responses={404: {"model": Problem}}, summary="Recommended channel buffers"
)
def get_buffers(
    world: TheWorld,
    sku: str | None = None,
    channel: str | None = None,
    target: Target = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """One SKU on one channel, or all: each with its terms, what it is expected to oversell and to lose, and why."""
    first = _decoded(cursor) if cursor else ("", "")
    page = recommendation_page(world, Wanted(sku, channel, target), first, limit)
    on = msgspec.json.encode(page.following).decode() if page.following is not None else None
    return answer({"items": page.rows, "next_cursor": on})


@router.put("/buffers", responses=REFUSED, summary="Put a buffer in force")
def put_buffer(body: SetBuffer, world: TheWorld, actor: Actor) -> Response:
    """A new version of the channel's rule; listings follow."""
    with world.database.transaction() as connection:
        new = NewBuffer(body.channel, body.sku, body.buffer, body.reason)
        changed = set_buffers(connection, [new], actor, world.clock())
    return answer({"changed": changed})


@router.post(
    "/buffers/apply", response_model=list[BufferApplied], responses=REFUSED, summary="Apply recommended buffers"
)
def post_apply(body: ApplyBuffers, world: TheWorld, actor: Actor) -> Response:
    """Each becomes a version of the channel's rule, in force until its end; large changes only where approved."""
    wanted = Wanted(body.sku, body.channel, body.target)
    return answer(apply_rows(world, wanted, actor, approved=body.approve, dry_run=body.dry_run))


@router.get("/buffers/targets", response_model=list[BufferTargetShown], summary="Accepted oversell rates")
def get_targets(world: TheWorld) -> Response:
    """What is accepted, by whom, and of each channel what came true and what an oversell counts now."""
    return answer(target_rows(world))


@router.get(
    "/buffers/steps", response_model=list[BufferStepShown], responses=REFUSED, summary="How a channel was steered"
)
def get_steps(world: TheWorld, channel: str) -> Response:
    """What came true before each step of control, and what an oversell counted from then on; the first step first."""
    with world.database.reading() as connection:
        if channel not in channel_names(connection):
            raise NotFound("channel", channel)
        return answer([step_row(one) for one in past_steps(connection, channel)])


@router.put("/buffers/targets", response_model=list[BufferTargetShown], responses=REFUSED, summary="Accept a rate")
def put_target(body: SetBufferTarget, world: TheWorld, actor: Actor) -> Response:
    """A new version; the most specific holds: SKU on channel, SKU, channel, all."""
    with world.database.transaction() as connection:
        set_target(
            connection, body.oversell_rate, actor, body.reason, world.clock(), body.channel, body.sku, kept=body.keep
        )
    return answer(target_rows(world))


@router.get("/buffers/compare", response_model=list[BufferCompared], responses=REFUSED, summary="Buffers side by side")
def get_comparison(
    world: TheWorld, sku: str | None = None, channel: str | None = None, target: Target = None
) -> Response:
    """In force, before and recommended, each with the oversells and lost units expected of it."""
    return answer(compare_rows(world, Wanted(sku, channel, target)))


@router.get(
    "/buffers/versions", response_model=list[BufferVersionShown], responses=REFUSED, summary="Versions of a buffer"
)
def get_versions(world: TheWorld, sku: str, channel: str) -> Response:
    """Who set what, why, from when until when; the newest first."""
    with world.database.reading() as connection:
        return answer(buffer_versions(connection, sku, channel, world.clock()))


@router.post("/buffers/rollback", response_model=BufferRolledBack, responses=REFUSED, summary="Take a buffer back")
def post_rollback(body: RollBackBuffer, world: TheWorld, actor: Actor) -> Response:
    """The version before, or the one named, in force again as a new version."""
    with world.database.transaction() as connection:
        units = roll_back_buffer(connection, body.sku, body.channel, actor, body.reason, world.clock(), body.to)
    return answer({"sku": body.sku, "channel": body.channel, "buffer": units})


def _decoded(cursor: str) -> tuple[str, str]:
    try:
        key: tuple[str, str] = msgspec.json.decode(cursor, type=tuple[str, str])
    except msgspec.MsgspecError as error:
        raise CursorRefused(cursor) from error
    return key
