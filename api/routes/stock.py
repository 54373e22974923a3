"""Stock: positions, what is behind them, figures."""

from datetime import timedelta
from itertools import dropwhile, islice
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from api.dependencies import Cursor, Limit, TheWorld, answer
from api.explanations import Asked, explain_place
from api.schemas import PositionPage, Problem
from api.shapes import position_shape
from api.stock_schemas import Explanation
from core_sync.errors import CursorRefused
from core_sync.kpis.baseline import beside_baselines, read_baselines
from core_sync.kpis.figures import read_kpis
from core_sync.ledger.history import Clock, positions, positions_at

router = APIRouter(tags=["stock"])
Key = tuple[str, str, str]


@router.get("/positions", response_model=PositionPage, responses={400: {"model": Problem}}, summary="Positions")
def get_positions(
    world: TheWorld,
    sku: str | None = None,
    location: str | None = None,
    as_of: Annotated[AwareDatetime | None, Query(description="As of this moment; without it, now.")] = None,
    clock: Annotated[Clock, Query(description="Whose clock: the source's (occurred) or ours (recorded).")] = (
        Clock.OCCURRED
    ),
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Every (SKU, location, lot) with its states, by name."""
    after = _decoded(cursor) if cursor else None
    with world.database.reading() as connection:
        found = (
            positions(connection, sku, location)
            if as_of is None
            else positions_at(connection, as_of, clock, sku, location)
        )
        left = found if after is None else dropwhile(lambda one: (one.sku, one.location, one.lot) <= after, found)
        page = list(islice(left, limit + 1))
    more = page[limit - 1] if len(page) > limit else None
    on = msgspec.json.encode((more.sku, more.location, more.lot)).decode() if more is not None else None
    return answer({"items": [position_shape(one) for one in page[:limit]], "next_cursor": on})


@router.get(
    "/explain/{sku}",
    response_model=Explanation,
    responses={400: {"model": Problem}, 404: {"model": Problem}},
    summary="What is behind a position or a promise",
)
def get_explanation(
    sku: str,
    world: TheWorld,
    place: Annotated[str | None, Query(description="A location or a channel.")] = None,
    as_of: Annotated[AwareDatetime | None, Query(description="As of this moment; without it, now.")] = None,
    clock: Annotated[Clock, Query(description="Whose clock: the source's (occurred) or ours (recorded).")] = (
        Clock.OCCURRED
    ),
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Every term and every ledger entry, the newest first, those that do not count with why; and what waits there."""
    asked = Asked(sku=sku, place=place, as_of=as_of, clock=clock, cursor=cursor, limit=limit)
    with world.database.reading() as connection:
        return answer(explain_place(connection, asked, world.clock()))


@router.get("/kpis", summary="Figures of the last days")
def get_kpis(world: TheWorld, days: Annotated[int, Query(ge=1, le=3660)] = 7) -> Response:
    """Cases, failures, agreement of systems, publishing; each beside its figure at the first connection."""
    at = world.clock()
    with world.database.reading() as connection:
        figures = read_kpis(connection, at - timedelta(days=days), at)
        return answer(beside_baselines(figures, read_baselines(connection)))


def _decoded(cursor: str) -> Key:
    try:
        key: Key = msgspec.json.decode(cursor, type=Key)
    except msgspec.MsgspecError as error:
        raise CursorRefused(cursor) from error
    return key
