"""Why a case stands where it does, and why something is not on the list, over HTTP."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import TheWorld, answer
from api.schemas import Problem
from api.why import why_not
from api.worklist_schemas import RankTermsShown, WhereaboutShown
from core_sync.cases.feed import read_feed_case
from core_sync.cases.whereabouts import rank_terms

router = APIRouter(tags=["worklist"])


@router.get("/why", response_model=list[WhereaboutShown], summary="Why something is on the list or is not")
def get_why(world: TheWorld, sku: str, channel: str | None = None, location: str | None = None) -> Response:
    """Where the troubles and differences of a SKU are: on the list, snoozed, resolved, grouped, suppressed, below."""
    with world.database.reading() as connection:
        return answer(why_not(connection, world.clock(), sku, channel, location))


@router.get(
    "/cases/{case_id}/rank",
    response_model=RankTermsShown,
    responses={404: {"model": Problem}},
    summary="Why a case stands where it does",
)
def get_rank(case_id: int, world: TheWorld) -> Response:
    """The terms behind its rank, and the cases beside it."""
    with world.database.reading() as connection:
        return answer(rank_terms(connection, read_feed_case(connection, case_id, world.clock())))
