"""Publishing: how channels and listings stand, what was given up, what shadow would have sent."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Limit, TheWorld, answer
from api.publishing_schemas import (
    ChannelShown,
    LetterShown,
    ListingShown,
    ModeShown,
    Requeue,
    Requeued,
    SetMode,
    ShadowShown,
)
from api.schemas import REFUSED
from core_sync.outbox.dead_letters import Selection, dead_letters, replay
from core_sync.outbox.modes import set_mode
from core_sync.outbox.rules import DeadLetter
from core_sync.outbox.shadow import shadow_days
from core_sync.outbox.standing import channel_standings, listing_standings

router = APIRouter(tags=["publishing"])


@router.get("/channels", response_model=list[ChannelShown], summary="Channels")
def get_channels(world: TheWorld) -> Response:
    """How each channel stands: mode, breaker, backlog, freshness, dead letters."""
    with world.database.reading() as connection:
        return answer(channel_standings(connection, world.clock()))


@router.put("/channels/{channel}/mode", response_model=ModeShown, responses=REFUSED, summary="Set a channel's mode")
def put_mode(channel: str, body: SetMode, world: TheWorld) -> Response:
    """Shadow is never written to, pilot for its SKUs only, live for all."""
    with world.database.transaction() as connection:
        before = set_mode(connection, channel, body.mode, body.pilot_skus)
    return answer({"channel": channel, "before": before, "mode": body.mode})


@router.get("/outbox", response_model=list[ListingShown], summary="Listings")
def get_listings(
    world: TheWorld,
    channel: str | None = None,
    state: Annotated[str | None, Query(description="pending, sent, accepted, visible, failed or held.")] = None,
    sku: str | None = None,
    limit: Limit = 100,
) -> Response:
    """What listings should show and were seen to show: those not right first, in the order in which they go out."""
    with world.database.reading() as connection:
        return answer(list(listing_standings(connection, world.clock(), channel, state, sku, limit)))


@router.get("/outbox/dead-letters", response_model=list[LetterShown], summary="Dead letters")
def get_dead_letters(
    world: TheWorld,
    channel: str | None = None,
    why: DeadLetter | None = None,
    error_code: str | None = None,
    sku: str | None = None,
    limit: Limit = 100,
) -> Response:
    """What was given up, with the last answer to it."""
    with world.database.reading() as connection:
        return answer(list(dead_letters(connection, Selection(channel, why, error_code, sku), limit)))


@router.post("/outbox/requeue", response_model=Requeued, responses=REFUSED, summary="Replay dead letters")
def post_requeue(body: Requeue, world: TheWorld) -> Response:
    """Push them again, with the values they should show by now."""
    which = Selection(body.channel, body.why, body.error_code, body.sku)
    with world.database.transaction() as connection:
        return answer({"requeued": replay(connection, which)})


@router.get("/shadow", response_model=list[ShadowShown], summary="What shadow would have sent")
def get_shadow(world: TheWorld, days: Annotated[int, Query(ge=1, le=3_660)] = 7) -> Response:
    """By channel and day: would-be updates, and how far they were from what the channel showed."""
    at = world.clock()
    with world.database.reading() as connection:
        return answer(shadow_days(connection, at - timedelta(days=days), at + timedelta(seconds=1)))
