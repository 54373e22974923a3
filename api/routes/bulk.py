"""One verb to many cases, over HTTP: preview, apply, undo as a whole."""

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import Actor, TheWorld, answer
from api.routes.views import filter_of
from api.schemas import REFUSED
from api.shapes import bulk_shape
from api.worklist_schemas import BulkBody, BulkShown, PastBulkShown, UndoBulk
from core_sync.cases.bulk import do_to_many, fitting_cases, past_bulks, undo_bulk
from core_sync.cases.deeds import Deed
from core_sync.money import to_ten_thousandths

router = APIRouter(tags=["worklist"])


@router.post("/bulk", response_model=BulkShown, responses=REFUSED, summary="One verb to many cases")
def post_bulk(body: BulkBody, world: TheWorld, actor: Actor) -> Response:
    """Do a verb to each case that allows it, and say which refuse and why; with `dry_run` nothing is done."""
    cases = list(body.cases)
    if not cases and body.fitting is not None:
        with world.database.reading() as connection:
            cases = fitting_cases(connection, filter_of(body.fitting))
    outcome = do_to_many(world.database, _deed(body), cases, actor, world.clock(), body.dry_run)
    return answer(bulk_shape(outcome, body.dry_run))


@router.get("/bulk", response_model=list[PastBulkShown], summary="What was done to many cases lately")
def get_bulks(world: TheWorld) -> Response:
    """The newest first."""
    with world.database.reading() as connection:
        return answer(past_bulks(connection))


@router.post("/bulk/{bulk_id}/undo", response_model=BulkShown, responses=REFUSED, summary="Undo a bulk deed")
def post_undo(bulk_id: int, body: UndoBulk, world: TheWorld, actor: Actor) -> Response:
    """Take it back in each case where nothing later rests on it; the others are named with the reason."""
    outcome = undo_bulk(world.database, bulk_id, actor, world.clock(), body.dry_run)
    return answer(bulk_shape(outcome, body.dry_run))


def _deed(body: BulkBody) -> Deed:
    above, loss = body.exposure_above, body.expected_loss
    return Deed(
        verb=body.verb,
        note=body.note,
        owner=body.owner,
        until=body.until,
        above=to_ten_thousandths(above) if above is not None else None,
        stock_below=body.stock_below,
        resolution=body.resolution,
        into=body.into,
        reason=body.reason,
        root_cause=body.root_cause,
        rank=to_ten_thousandths(loss) if loss is not None else None,
    )
